"""Stories of heads that nod, and of those that only seem to."""

from __future__ import annotations

import random
from math import cos, pi

import pytest

from edge.state.types import Episode, Phase, Severity
from tests.state.scenes import face, heading, people, play, ragged, seen, times

RATES = pytest.mark.parametrize("fps", [10, 15, 30])


def dip(t_s: float, at_s: float, depth_deg: float, down_s: float, rest_s: float, up_s: float) -> float:
    """Pitch of a head that goes down from ``at_s`` on, rests there and comes back."""
    since = t_s - at_s
    if since <= 0 or since >= down_s + rest_s + up_s:
        return 0.0
    if since < down_s:
        return -depth_deg * (1 - cos(pi * since / down_s)) / 2
    back = max(since - down_s - rest_s, 0.0)
    return -depth_deg * (1 + cos(pi * back / up_s)) / 2


def nods(changes: list[Episode]) -> list[Episode]:
    return [change for change in changes if change.kind == "nod"]


@RATES
@pytest.mark.parametrize("depth_deg", [14.0, 16.0, 18.5])
@pytest.mark.parametrize("shape", [(0.7, 0.0, 0.3), (0.4, 0.1, 0.4)])
def test_a_head_that_sinks_and_jerks_back_has_nodded(
    fps: int, depth_deg: float, shape: tuple[float, float, float]
) -> None:
    clip = heading(ragged(9, fps, 3), lambda t_s: (0.0, -5 + dip(t_s, 5.0, depth_deg, *shape)))
    watch = people()
    start, end = nods(play(watch, clip))
    assert (start.phase, end.phase) == (Phase.START, Phase.END)
    assert start.severity is Severity.INFO
    assert start.started_s == pytest.approx(5.2, abs=0.2 + 1 / fps)
    assert start.measures["drop_deg"] == pytest.approx(depth_deg, abs=2.5)
    state = watch.driver()
    assert state is not None
    assert state.nods == 1


@RATES
@pytest.mark.parametrize(
    ("depth_deg", "shape"),
    [
        (16.0, (0.3, 0.9, 0.3)),  # the instruments, for a second
        (16.0, (0.3, 3.0, 0.3)),  # the radio
        (35.0, (0.4, 0.1, 0.4)),  # the lap
        (7.0, (0.3, 0.0, 0.3)),  # talking
    ],
)
def test_a_look_down_is_no_nod(fps: int, depth_deg: float, shape: tuple[float, float, float]) -> None:
    clip = heading(ragged(12, fps, 4), lambda t_s: (0.0, -5 + dip(t_s, 5.0, depth_deg, *shape)))
    assert nods(play(people(), clip)) == []


def test_one_misread_frame_is_no_nod() -> None:
    clip = heading(times(9, 30), lambda t_s: (0.0, -20.0 if 5.0 <= t_s < 5.03 else -5.0))
    assert nods(play(people(), clip)) == []


def test_a_head_held_still_does_not_nod() -> None:
    noise = random.Random(8)
    clip = heading(times(120, 15), lambda _t_s: (0.0, noise.gauss(-5, 1.5)))
    assert nods(play(people(), clip)) == []


def test_nods_count_for_five_minutes_and_are_unknown_without_a_pose() -> None:
    watch = people()
    play(watch, [seen(0.0, face())])
    state = watch.driver()
    assert state is not None
    assert state.nods is None
    clip = heading(times(60, 10, from_s=0.1), lambda t_s: (0.0, sum(dip(t_s, at, 16, 0.6, 0, 0.3) for at in (20, 40))))
    assert len(nods(play(watch, clip))) == 4
    state = watch.driver()
    assert state is not None
    assert state.nods == 2
    play(watch, heading(times(330, 2, from_s=60.5), lambda _t_s: (0.0, 0.0)))
    state = watch.driver()
    assert state is not None
    assert state.nods == 1
