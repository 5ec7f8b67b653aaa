"""Stories of mouths: yawns, and what is none."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.state.settings import StateSettings
from edge.state.types import DriverState, Episode, Phase, Severity
from edge.state.yawns import Yawns
from tests.state.scenes import Spans, ends, face, people, play, ragged, seen, starts, times

RATES = pytest.mark.parametrize("fps", [10, 15, 30])
Mouth = Callable[[float], float | None]


def yawning(spans: Spans, noise: float = 0.01, seed: int = 3) -> Mouth:
    """A mouth that takes 0.8 s to open and to close, is wider than half its width in the spans, 0.9 of it at most."""
    rng = random.Random(seed)

    def opening(t_s: float) -> float:
        wide = max((min(t_s - start_s, end_s - t_s) for start_s, end_s in spans), default=-9.0)
        return min(max(0.5 + wide / 0.8 * 0.45, 0.05), 0.9) + rng.gauss(0, noise)

    return opening


def mouths(at: list[float], mouth: Mouth, yaw_deg: float = 0.0) -> list[Episode]:
    watch = people()
    return [
        change for t_s in at for change in watch.update(seen(t_s, face(mouth=mouth(t_s), pitch_deg=0, yaw_deg=yaw_deg)))
    ]


@RATES
def test_a_yawn_is_told_after_1_5_s_and_ends_when_the_mouth_closes(fps: int) -> None:
    changes = mouths(times(12, fps), yawning([(4, 8)]))
    start, end = changes
    assert (start.kind, start.phase, start.severity) == ("yawn", Phase.START, Severity.INFO)
    assert start.started_s == pytest.approx(4, abs=0.05)
    assert start.t_s == pytest.approx(5.5, abs=0.05 + 1 / fps)
    assert end.phase is Phase.END
    assert end.ended_s == pytest.approx(8.18, abs=0.06)  # when it falls below 0.4
    assert end.measures["reason"] == "mouth_closed"
    assert end.measures["widest_opening"] == pytest.approx(0.92, abs=0.03)


def talk(t_s: float) -> float:
    """Five syllables a second, some of them loud."""
    return 0.25 + 0.3 * abs(math.sin(math.pi * 5 * t_s)) * (1 if int(t_s) % 3 else 0.5)


def laugh(t_s: float) -> float:
    """A mouth that stays open and shakes."""
    return 0.6 + 0.12 * math.sin(2 * math.pi * 4.5 * t_s)


def sing(t_s: float) -> float:
    """Vowels of half a second, never quite closed."""
    return 0.62 + 0.2 * math.sin(2 * math.pi * t_s / 0.9)


def gape(t_s: float) -> float:
    """An open mouth, but not that wide."""
    return 0.45


def gasp(t_s: float) -> float:
    """Wide open for a second, again and again."""
    return 0.8 if t_s % 3 < 1 else 0.1


@RATES
@pytest.mark.parametrize("mouth", [talk, laugh, sing, gape, gasp])
def test_talking_laughing_singing_and_gasping_are_no_yawns(fps: int, mouth: Mouth) -> None:
    assert mouths(ragged(30, fps, seed=1), mouth) == []


def test_a_mouth_that_is_lost_for_a_moment_goes_on_and_for_longer_does_not() -> None:
    yawn = yawning([(4, 8)])
    briefly = mouths(times(12, 20), lambda t_s: None if 5 <= t_s < 5.3 else yawn(t_s))
    assert [change.phase for change in briefly] == [Phase.START, Phase.END]
    _, end = mouths(times(12, 20), lambda t_s: None if t_s >= 6 else yawn(t_s))
    assert (end.measures["reason"], end.sensing) == ("mouth_lost", "lost")
    assert end.ended_s == pytest.approx(5.95)
    assert mouths(times(12, 20), lambda t_s: None if t_s >= 5 else yawn(t_s)) == []


def test_a_turned_face_shows_its_mouth_narrower_and_that_is_no_yawn() -> None:
    assert mouths(times(10, 20), lambda t_s: 0.6 if t_s > 4 else 0.05, yaw_deg=45) == []


def state_of(at: list[float], mouth: Mouth) -> DriverState:
    watch = people()
    play(watch, [seen(t_s, face(mouth=mouth(t_s))) for t_s in at])
    state = watch.driver()
    assert state is not None
    return state


def test_yawns_are_counted_over_five_minutes() -> None:
    yawn = yawning([(4, 8), (20, 23), (30, 30.9)])
    assert state_of(times(60, 10), yawn).yawns == 2
    assert state_of([*times(60, 10), *times(310, 4, from_s=61)], yawn).yawns == 1
    assert state_of(times(5, 10), lambda t_s: None).yawns is None


def test_a_yawn_ends_with_the_source() -> None:
    watch = people()
    play(watch, [seen(t_s, face(mouth=0.8 if t_s > 1 else 0.1)) for t_s in times(4, 20)])
    (end,) = [change for change in watch.finish(4.0) if change.kind == "yawn"]
    assert (end.measures["reason"], end.ended_s) == ("source_ended", 4.0)


@settings(max_examples=8, deadline=None)
@given(
    gaps_s=st.lists(st.floats(2.0, 4.0), min_size=1, max_size=3),
    lasts_s=st.one_of(st.floats(0.6, 1.2), st.floats(1.8, 6.0)),
    seed=st.integers(0, 1000),
)
def test_every_frame_rate_finds_the_same_yawns(gaps_s: list[float], lasts_s: float, seed: int) -> None:
    spans, t_s = [], 0.0
    for gap_s in gaps_s:
        spans.append((t_s + gap_s, t_s + gap_s + lasts_s))
        t_s = spans[-1][1]
    due = spans if lasts_s > 1.5 else []
    for fps in (10, 15, 24, 30):
        told = mouths(ragged(t_s + 1.5, fps, seed), yawning(spans, seed=seed))
        begun = starts(told, "yawn")
        assert [change.t_s for change in begun] == pytest.approx([a + 1.5 for a, _ in due], abs=0.15 + 1.2 / fps)
        assert [change.started_s for change in begun] == pytest.approx([a for a, _ in due], abs=0.15)
        assert [change.ended_s for change in ends(told, "yawn")] == pytest.approx([b + 0.18 for _, b in due], abs=0.15)


def test_the_limits_come_from_the_settings() -> None:
    changed = StateSettings.model_validate({"drowsiness": {"yawn_s": 3.0}})
    watch = people(changed)
    yawn = yawning([(4, 8)])
    (start,) = starts(play(watch, [seen(t_s, face(mouth=yawn(t_s))) for t_s in times(8, 20)]), "yawn")
    assert start.t_s == pytest.approx(7, abs=0.1)
    assert Yawns(changed.drowsiness, 0.4, random.Random(1)).active == ()
