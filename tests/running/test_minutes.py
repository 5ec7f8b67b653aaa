"""Minutes by the wall clock, cut out of capture time that knows nothing of it."""

from __future__ import annotations

import random

import pytest

from edge.events import ClockMapping
from edge.events.windows import Minute, Totals
from edge.running.minutes import Minutes
from edge.state import People
from edge.state.audience import Audience, joined
from edge.state.settings import StateSettings, VisitorSettings
from tests.state.scenes import face, seen

FPS = 5
#: Capture time 0 is 37.4 s past a minute.
ZERO = 1_800_000_000 + 37.4


class Kept:
    """The last word on each minute, as a history keeps it."""

    def __init__(self) -> None:
        self.minutes: dict[tuple[str, int], Minute] = {}
        self.writes: list[tuple[int, bool]] = []
        self.following = Minutes("boot", self._keep)

    def _keep(self, run: str, minute: Minute, settled: bool) -> None:
        self.minutes[run, minute.start] = minute
        self.writes.append((minute.start, settled))

    @property
    def whole(self) -> Totals:
        return joined([self.minutes[key].totals for key in sorted(self.minutes, key=lambda key: key[1])])


def crowd(seed: int) -> dict[str, tuple[float, float]]:
    rng = random.Random(seed)
    return {str(k): (start := rng.uniform(0, 280), start + rng.uniform(2, 90)) for k in range(25)}


def audience_of(
    stays: dict[str, tuple[float, float]], until_s: float, kept: Kept, zero: float = ZERO, *, from_s: float = 0.0
) -> Audience:
    audience = Audience(VisitorSettings(), random.Random(0))
    for k in range(int(from_s * FPS), int(until_s * FPS)):
        t_s = k / FPS
        there = [face(track_id=name, pitch_deg=0.0) for name, (a, b) in stays.items() if a <= t_s < b]
        audience.update(t_s, there, {})
        kept.following.follow(audience, ClockMapping(zero, synced=True))
    return audience


@pytest.mark.parametrize("seed", range(4))
def test_minutes_add_up_to_the_whole_and_begin_with_the_clock(seed: int) -> None:
    kept = Kept()
    audience = audience_of(crowd(seed), 400, kept)
    audience.finish()
    kept.following.close()
    assert all(start % 60 == 0 for _, start in kept.minutes)
    assert len(kept.minutes) == 8
    whole, true = kept.whole, audience.totals(0, 500)
    assert (
        (whole.arrivals, whole.departures, whole.attracted)
        == (true.arrivals, true.departures, true.attracted)
        == (
            25,
            25,
            25,
        )
    )
    for name in ("observed_s", "present_s", "attentive_s", "dwell_s", "attention_s"):
        assert getattr(whole, name) == pytest.approx(getattr(true, name)), name


def test_a_minute_is_handed_over_when_it_is_over_and_once_more_when_it_is_known() -> None:
    kept = Kept()
    last = {"a": (10.0, 21.8)}  # 0.8 s before the minute's end: that this was the last sight shows later
    audience_of(last, 24, kept)
    ((key, first),) = kept.minutes.items()
    assert kept.writes == [(key[1], False)]
    assert first.totals.arrivals == 1
    assert first.totals.departures == 0
    kept = Kept()
    audience_of(last, 30, kept)
    assert kept.writes == [(key[1], False), (key[1], True)]
    assert kept.minutes[key].totals.departures == 1


def test_hours_without_frames_leave_out_their_minutes() -> None:
    kept = Kept()
    people = People(StateSettings(driver=False, expressions=False), rng=random.Random(0))
    for k in (*range(50 * FPS), *range(7200 * FPS, 7210 * FPS)):
        people.update(seen(k / FPS, *([face(pitch_deg=0.0)] if k < 50 * FPS else [])))
        audience = people.audience()
        assert audience is not None
        kept.following.follow(audience, ClockMapping(ZERO, synced=True))
    people.finish()
    kept.following.close()
    assert sum(minute.totals.observed_s for minute in kept.minutes.values()) == pytest.approx(60, abs=1)
    assert len(kept.minutes) == 3
    assert kept.whole.departures == 1


def test_a_clock_that_is_set_begins_a_run_and_loses_nothing() -> None:
    kept = Kept()
    stays = {"a": (0.0, 60.0)}
    audience = Audience(VisitorSettings(), random.Random(0))
    for k in range(120 * FPS):
        t_s = k / FPS
        zero = ZERO if t_s < 30 else ZERO - 3600 if t_s < 70 else ZERO + 5 * 86_400
        audience.update(t_s, [face(track_id="a", pitch_deg=0.0)] if t_s < stays["a"][1] else [], {})
        kept.following.follow(audience, ClockMapping(zero, synced=t_s >= 70))
    audience.finish()
    kept.following.close()
    assert len({run for run, _ in kept.minutes}) == 3
    whole = kept.whole
    assert (whole.arrivals, whole.departures) == (1, 1)
    assert whole.observed_s == pytest.approx(120, abs=1)
    assert {minute.synced for (run, _), minute in kept.minutes.items() if run.endswith(":3")} == {True}
    assert {minute.synced for (run, _), minute in kept.minutes.items() if not run.endswith(":3")} == {False}


def test_a_clock_that_is_trimmed_begins_none() -> None:
    kept = Kept()
    audience = Audience(VisitorSettings(), random.Random(0))
    for k in range(300 * FPS):
        audience.update(k / FPS, [], {})
        kept.following.follow(audience, ClockMapping(ZERO + 0.0005 * k / FPS, synced=True))
    audience.finish()
    kept.following.close()
    assert len({run for run, _ in kept.minutes}) == 1
    assert kept.whole.observed_s == pytest.approx(300, abs=1)


def test_a_new_audience_is_another_run() -> None:
    kept = Kept()
    audience_of({"a": (0.0, 20.0)}, 20, kept).finish()
    audience_of({"b": (25.0, 40.0)}, 50, kept, from_s=25).finish()
    kept.following.close()
    assert (kept.whole.arrivals, kept.whole.departures) == (2, 2)
    assert len({run for run, _ in kept.minutes}) == 2
