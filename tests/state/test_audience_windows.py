"""Windows over any crowd: they add up, slide as the definition says, and do not mind in which order frames tell."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.state.audience import Audience, Totals, joined
from edge.state.settings import VisitorSettings
from edge.vision.types import Face
from tests.state.scenes import face

FPS = 4
RULES = VisitorSettings(arrive_s=1, gone_s=2, attend_s=0.5, glance_s=0.5)


@dataclass(frozen=True)
class Stay:
    """In sight from ``first`` to ``last``, frames' numbers; looks at the screen from ``look`` on, for ``looks``."""

    first: int
    last: int
    look: int
    looks: int


def stays(most: int) -> st.SearchStrategy[list[Stay]]:
    one = st.builds(
        lambda first, frames, look, looks: Stay(first, first + frames, first + look, looks),
        st.integers(0, most),
        st.integers(0, most),
        st.integers(0, 40),
        st.integers(0, 200),
    )
    return st.lists(one, max_size=5)


def played(crowd: list[Stay], times: list[float], order: random.Random | None = None) -> Audience:
    audience = Audience(RULES, random.Random(0))
    for k, t_s in enumerate(times):
        faces: list[Face] = [
            face(track_id=str(name), yaw_deg=0.0 if stay.look <= k < stay.look + stay.looks else 80.0, pitch_deg=0.0)
            for name, stay in enumerate(crowd)
            if stay.first <= k <= stay.last
        ]
        if order is not None:
            order.shuffle(faces)
        audience.update(t_s, faces, {})
    audience.finish()
    return audience


def brute(crowd: list[Stay], times: list[float], first: int, beyond: int) -> Totals:
    """The definition, stay by stay, by going through all frames."""
    observed = present = attentive = dwell = 0.0
    arrivals = departures = at_start = 0
    for a, b in pairwise(times):
        observed += max(0.0, min(b, beyond) - max(a, first))
    for stay in crowd:
        mine = times[stay.first : stay.last + 1]
        if not mine or mine[-1] - mine[0] < RULES.arrive_s:
            continue
        arrivals += first <= mine[0] < beyond
        departures += first <= mine[-1] < beyond
        dwell += (mine[-1] - mine[0]) * (first <= mine[-1] < beyond)
        at_start += mine[0] < first <= mine[-1]
        present += max(0.0, min(mine[-1], beyond) - max(mine[0], first))
        looks = times[max(stay.look, stay.first) : min(stay.look + stay.looks, stay.last + 1)]
        if looks and looks[-1] - looks[0] >= RULES.attend_s:
            attentive += max(0.0, min(looks[-1], beyond) - max(looks[0], first))
    return Totals(observed, present, attentive, arrivals, departures, dwell_s=dwell, present_at_start=at_start)


def same(one: Totals, other: Totals) -> bool:
    counts = ("arrivals", "departures", "present_at_start")
    sums = ("observed_s", "present_s", "attentive_s", "dwell_s")
    return all(getattr(one, name) == getattr(other, name) for name in counts) and all(
        getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-6) for name in sums
    )


def frame_times(count: int, jitter: random.Random) -> list[float]:
    return [k / FPS + jitter.uniform(0, 0.4 / FPS) for k in range(count)]


@settings(max_examples=25, deadline=None)
@given(stays(400), st.integers(0, 2**16), st.integers(3, 130), st.integers(0, 60))
def test_windows_by_the_clock_add_up_to_the_whole(crowd: list[Stay], seed: int, length: int, offset: int) -> None:
    audience = played(crowd, frame_times(600, random.Random(seed)))
    parts = [audience.totals(k, k + length) for k in range(offset - length, 160, length)]
    whole, together = audience.totals(offset - length, 400), joined(parts)
    assert same(whole, together)
    assert whole.expression_s == together.expression_s
    assert (whole.peak_present, whole.peak_attentive) == (together.peak_present, together.peak_attentive)
    assert whole.visitors == whole.departures, "all have left in the end"


@settings(max_examples=25, deadline=None)
@given(stays(400), st.integers(0, 2**16), st.integers(0, 150), st.sampled_from([1, 7, 60, 150]))
def test_a_sliding_window_is_what_going_through_all_frames_gives(
    crowd: list[Stay], seed: int, beyond: int, length: int
) -> None:
    times = frame_times(600, random.Random(seed))
    assert same(played(crowd, times).totals(beyond - length, beyond), brute(crowd, times, beyond - length, beyond))


@settings(max_examples=15, deadline=None)
@given(stays(200), st.integers(0, 2**16))
def test_the_order_of_faces_within_a_frame_changes_nothing(crowd: list[Stay], seed: int) -> None:
    times = frame_times(300, random.Random(seed))
    assert played(crowd, times).totals(0, 80) == played(crowd, times, random.Random(seed)).totals(0, 80)


@settings(max_examples=15, deadline=None)
@given(stays(200), st.integers(0, 2**16), st.integers(0, 2**16))
def test_jitter_moves_sums_by_no_more_than_itself(crowd: list[Stay], seed: int, other: int) -> None:
    crowd = [stay for stay in crowd if abs((stay.last - stay.first) / FPS - RULES.arrive_s) > 0.4]
    one, two = (played(crowd, frame_times(300, random.Random(s))).totals(0, 80) for s in (seed, other))
    assert (one.arrivals, one.departures) == (two.arrivals, two.departures)
    assert one.present_s == pytest.approx(two.present_s, abs=0.2 * max(len(crowd), 1))


@settings(max_examples=15, deadline=None)
@given(stays(200), st.integers(0, 2**16))
def test_what_has_settled_never_changes_again(crowd: list[Stay], seed: int) -> None:
    times = frame_times(260, random.Random(seed))
    audience = Audience(RULES, random.Random(0))
    settled: dict[int, Totals] = {}
    for k, t_s in enumerate(times):
        audience.update(
            t_s,
            [
                face(
                    track_id=str(name), yaw_deg=0.0 if stay.look <= k < stay.look + stay.looks else 80.0, pitch_deg=0.0
                )
                for name, stay in enumerate(crowd)
                if stay.first <= k <= stay.last
            ],
            {},
        )
        assert audience.settled_s is not None
        for second in range(max(settled, default=-1) + 1, floor(audience.settled_s)):
            settled[second] = audience.totals(second, second + 1)
    audience.finish()
    assert {second: audience.totals(second, second + 1) for second in settled} == settled


def test_a_sliding_window_ends_where_all_is_known() -> None:
    audience = Audience(VisitorSettings(), random.Random(0))
    for k in range(20 * FPS + 1):
        audience.update(k / FPS, [face(pitch_deg=0.0)], {})
    assert audience.settled_s == 15
    assert audience.sliding(60) == audience.totals(-45, 15)
    assert audience.sliding(5) == audience.totals(10, 15)
    assert audience.sliding(60).observed_s == pytest.approx(15)
