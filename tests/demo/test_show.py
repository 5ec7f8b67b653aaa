"""``mien demo``: it passes on what it should, and fails on what it should not let pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.demo.puppet import DEMO
from edge.demo.show import checks
from edge.events import ClockMapping, DeviceIdentity, Event
from edge.events.convert import to_event
from edge.state.types import Episode, Phase, Severity
from tests.contract.demo import demo_run

ZERO_WALL_S = 1_700_000_000.0
TRUTH = DEMO.truth()
((ASLEEP_S, AWAKE_S),) = TRUTH.closures


def told(kind: str, phase: Phase, t_s: float, severity: Severity = Severity.WARNING, episode: str = "") -> Event:
    episode_ = Episode(
        subject="expression" if kind == "happiness" else "driver",
        kind=kind,
        phase=phase,
        episode_id=episode or kind,
        severity=severity,
        t_s=t_s,
        started_s=t_s,
        duration_s=0.0,
        confidence=1.0,
        sensing="good",
        ended_s=t_s if phase is Phase.END else None,
    )
    return to_event(episode_, DeviceIdentity("puppet"), ClockMapping(ZERO_WALL_S, synced=True))


def as_it_should_be() -> list[Event]:
    return [
        told("happiness", Phase.START, 0.4, Severity.INFO),
        told("microsleep", Phase.START, ASLEEP_S + 1.55),
        told("sleep", Phase.START, ASLEEP_S + 3.05, Severity.CRITICAL),
        told("microsleep", Phase.END, AWAKE_S + 0.1),
        told("sleep", Phase.END, AWAKE_S + 0.1, Severity.CRITICAL),
    ]


def failed(events: list[Event]) -> list[str]:
    return [check.what for check in checks(events, TRUTH, ZERO_WALL_S) if not check.passed]


def test_what_should_be_passes() -> None:
    assert failed(as_it_should_be()) == []


@pytest.mark.parametrize("missing", range(5))
def test_each_missing_event_fails_its_check(missing: int) -> None:
    events = as_it_should_be()
    del events[missing]
    assert len(failed(events)) == 1


def test_a_late_event_fails() -> None:
    events = as_it_should_be()
    events[1] = told("microsleep", Phase.START, ASLEEP_S + 1.8)
    assert failed(events) == ["microsleep start, due at 7.5 s"]


def test_an_alert_for_a_blink_fails() -> None:
    events = [*as_it_should_be(), told("microsleep", Phase.START, 1.0, episode="another")]
    assert "no alert but these two, none for the blinks" in failed(events)


def test_the_demo_runs_and_passes(face_models: Path) -> None:
    done = demo_run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "microsleep start  warning" in done.stdout
    assert "sleep end  critical" in done.stdout
    assert "happiness start" in done.stdout
    assert done.clip_bytes > 0
    assert done.stderr == ""
