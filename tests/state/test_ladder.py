"""Stories of alarms that must not nag, and of those that must not wait."""

from __future__ import annotations

import random

from edge.state.ladder import Alarm
from edge.state.types import Episode, Severity


def start(alarm: Alarm, t_s: float) -> Episode:
    return alarm.start(t_s, started_s=t_s - 1, track_id=None, confidence=1.0, sensing="good", measures={})


def end(alarm: Alarm, t_s: float, ended_s: float) -> list[Episode]:
    return alarm.end(t_s, ended_s=ended_s, confidence=1.0, sensing="good", measures={})


def test_an_alarm_rests_after_its_end() -> None:
    alarm = Alarm("distraction", Severity.WARNING, 5.0, random.Random(1))
    assert alarm.ready(0.0)
    first = start(alarm, 10.0)
    assert not alarm.ready(10.1)
    assert alarm.active == ("distraction",)
    end(alarm, 12.0, 11.9)
    assert not alarm.ready(16.9)
    assert alarm.ready(17.0)
    assert start(alarm, 17.0).episode_id != first.episode_id


def test_what_is_critical_never_rests() -> None:
    alarm = Alarm("unresponsive", Severity.CRITICAL, 5.0, random.Random(1))
    start(alarm, 10.0)
    end(alarm, 12.0, 12.0)
    assert alarm.ready(12.0)


def test_nothing_ends_before_it_was_recognized() -> None:
    alarm = Alarm("distraction", Severity.WARNING, 5.0, random.Random(1))
    start(alarm, 10.0)
    (over,) = end(alarm, 20.0, ended_s=9.5)
    assert over.ended_s == 10.0


def test_what_does_not_run_neither_goes_on_nor_ends() -> None:
    alarm = Alarm("distraction", Severity.WARNING, 5.0, random.Random(1))
    assert alarm.update(1.0, confidence=1.0, sensing="good", measures={}) == []
    assert end(alarm, 1.0, 1.0) == []
    assert alarm.ready(1.0)


def test_what_comes_again_and_again_rests_twice_as_long_each_time() -> None:
    """Off for 15 s in every 65, for two hours: five times in the first quarter, then every 16 minutes at most."""
    alarm = Alarm("sensing_degraded", Severity.NOTICE, 30.0, random.Random(1), refractory_max_s=900.0)
    told = []
    for k in range(110):
        if alarm.ready(65.0 * k + 10):
            start(alarm, 65.0 * k + 10)
            told.append(65.0 * k)
            end(alarm, 65.0 * k + 18, 65.0 * k + 15)
    assert len([t_s for t_s in told if t_s < 900]) == 5
    assert len([t_s for t_s in told if t_s >= 3600]) <= 4


def test_after_a_long_quiet_it_rests_briefly_again() -> None:
    alarm = Alarm("sensing_degraded", Severity.NOTICE, 30.0, random.Random(1), refractory_max_s=100.0)
    for t_s in (0.0, 40.0, 110.0, 500.0):
        assert alarm.ready(t_s)
        start(alarm, t_s)
        end(alarm, t_s + 1, t_s + 1)
    assert alarm.ready(531.0)
