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
