"""A driver's own closed floor, learnt from blinks: behind glasses, lids that have met read as half open."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.state.eyes import Eyes
from edge.state.lids import DIPS_MIN, FLOOR_REACH, LID_MODELS, Dip, Lids
from edge.state.settings import EyeSettings
from edge.vision.types import Face
from tests.state.scenes import Spans, blinking, ends, eye, face, lids, people, play, ragged, seen, starts, times

IRIS = LID_MODELS["iris"]
RATES = pytest.mark.parametrize("fps", [10, 24])
#: Measured behind drawn rims, closed and open: metal ones, thick dark ones.
METAL, DARK = (0.15, 0.35), (0.20, 0.37)


def every(gap_s: float, until_s: float, shut_s: float = 0.15) -> list[tuple[float, float]]:
    """Blinks, one every so often."""
    return [(t_s, t_s + shut_s) for t_s in times(until_s, 1 / gap_s, from_s=gap_s)]


def watched(look: Callable[[float], Face], at: list[float]) -> Eyes:
    """Both eyes' lids after this, learnt as a driver's are while they are awake."""
    eyes = Eyes(EyeSettings(), "iris")
    for t_s in at:
        eyes.follow(t_s, look(t_s))
        eyes.learn_open(look(t_s), 1 / 15)
    return eyes


def openness(eyes: Eyes, right: float, left: float | None = None) -> float:
    """Of this right eye and this left one, or both alike."""
    reading = eyes.read(face(right, right if left is None else left))
    assert reading is not None
    return reading.openness


@RATES
@pytest.mark.parametrize("rims", [METAL, DARK], ids=["metal", "dark"])
def test_a_driver_who_sleeps_behind_rims_is_caught_after_a_dozen_blinks(fps: int, rims: tuple[float, float]) -> None:
    shut: Spans = [*every(4, 48), (50, 54)]
    clip = []
    for t_s in ragged(57, fps, seed=fps):
        ratio = lids(t_s, shut, open_ratio=rims[1], closed_ratio=rims[0])
        clip.append(seen(t_s, face(ratio, ratio)))
    changes = play(people(), clip)
    for kind, after_s in (("microsleep", 1.5), ("sleep", 3.0)):
        (start,), (end,) = starts(changes, kind), ends(changes, kind)
        assert start.started_s == pytest.approx(50, abs=0.15)
        assert start.t_s == pytest.approx(50 + after_s, abs=0.15 + 1 / fps)
        assert end.ended_s == pytest.approx(54, abs=0.15)


@RATES
def test_each_eye_has_its_own_floor(fps: int) -> None:
    def look(t_s: float) -> Face:
        return face(lids(t_s, every(3, 40), 0.35, 0.15), lids(t_s, every(3, 40), 0.30, 0.08))

    eyes = watched(look, times(43, fps))
    assert openness(eyes, 0.15, 0.08) == pytest.approx(0.0, abs=0.04)
    assert openness(eyes, 0.35, 0.30) == pytest.approx(1.0, abs=0.04)


@RATES
def test_before_four_blinks_the_floor_is_the_models(fps: int) -> None:
    def look(t_s: float) -> Face:
        return face(*[lids(t_s, every(4, 13), METAL[1], METAL[0])] * 2)

    assert openness(watched(look, times(15, fps)), IRIS.floor) == pytest.approx(0.0)


@RATES
@pytest.mark.parametrize("seconds", [0.8, 2.0, 5.0])
def test_lids_that_droop_or_look_down_never_raise_the_floor(fps: int, seconds: float) -> None:
    """Down to 0.4 open again and again, for longer than a blink."""
    droops = every(seconds + 2, 60, shut_s=seconds)

    def look(t_s: float) -> Face:
        return face(*[lids(t_s, droops, 0.33, 0.18)] * 2)

    assert openness(watched(look, times(60, fps)), IRIS.floor) == pytest.approx(0.0)


@RATES
def test_lids_that_droop_behind_rims_are_not_closed(fps: int) -> None:
    """Once the floor is learnt, lids hang 0.4 open for a minute."""
    closed, wide = METAL
    clip = []
    for t_s in times(110, fps):
        ratio = lids(t_s, every(4, 48), wide, closed)
        clip.append(seen(t_s, face(*[min(ratio, closed + 0.4 * (wide - closed)) if t_s > 50 else ratio] * 2)))
    assert not starts(play(people(), clip), "microsleep")


def test_what_passes_before_one_eye_is_no_blink() -> None:
    def look(t_s: float) -> Face:
        return face(0.33, lids(t_s, every(2, 40), 0.33, 0.17))

    assert openness(watched(look, times(43, 15)), IRIS.floor) == pytest.approx(0.0)


@pytest.mark.parametrize("hidden", [None, 0.33], ids=["no ratio", "no confidence"])
def test_one_eye_out_of_sight_does_not_keep_the_other_from_being_learnt(hidden: float | None) -> None:
    def one_eyed(ratio: float) -> Face:
        return replace(face(ratio, None), left_eye=eye(hidden, confidence=0.1))

    eyes = watched(lambda t_s: one_eyed(lids(t_s, every(2, 40), *METAL[::-1])), times(43, 15))
    reading = eyes.read(one_eyed(METAL[0]))
    assert reading is not None
    assert reading.openness == pytest.approx(0.0, abs=0.04)


def test_blinks_are_learnt_from_though_a_second_opinion_contradicts_their_lids() -> None:
    """Behind thick rims a closed eye reads as 0.46 open, before that is learnt, where the other model is sure."""

    def look(t_s: float) -> Face:
        ratio = lids(t_s, every(2, 40), 0.34, 0.20)
        plain = face()
        seen_by_both = eye(ratio, blink=0.9 if ratio < 0.25 else 0.1)
        return replace(plain, right_eye=seen_by_both, left_eye=seen_by_both)

    eyes = watched(look, times(43, 15))
    assert openness(eyes, 0.20) < EyeSettings().closed_below


@RATES
def test_without_glasses_the_floor_stays_where_it_was(fps: int) -> None:
    def look(t_s: float) -> Face:
        return face(*[lids(t_s, every(3, 60), 0.33, 0.07)] * 2)

    assert openness(watched(look, times(63, fps)), IRIS.floor) == pytest.approx(0.0, abs=0.04)


def test_the_next_driver_starts_from_the_models_floor() -> None:
    watch = people()
    rims = [seen(t_s, face(*[lids(t_s, every(3, 40), *METAL[::-1])] * 2)) for t_s in times(43, 15)]
    play(watch, rims)
    play(watch, blinking(times(90, 15, from_s=60), []))
    play(watch, [seen(90.1, face(0.19, 0.19))])
    state = watch.driver()
    assert state is not None
    assert state.openness == pytest.approx((0.19 - IRIS.floor) / (0.33 - IRIS.floor), abs=0.03)


RATIOS = st.floats(0.0, 0.6)


def learnt(bottoms: list[float], wide: float = 0.33) -> Lids:
    one = Lids(IRIS, 30.0)
    one.learn_open(wide, 30.0)
    for k, ratio in enumerate(bottoms):
        level = (ratio - IRIS.floor) / (one.open - IRIS.floor)
        one.learn_blink(Dip(k, k + 0.3, ratio, level))
    return one


@settings(max_examples=80, deadline=None)
@given(bottoms=st.lists(RATIOS, max_size=30), wide=st.floats(0.12, 0.5))
def test_blinks_raise_the_floor_at_most_so_far_and_lower_it_never(bottoms: list[float], wide: float) -> None:
    one = learnt(bottoms, wide)
    assert IRIS.floor <= one.floor <= IRIS.floor + FLOOR_REACH * max(one.open - IRIS.floor, 0.04)


@settings(max_examples=80, deadline=None)
@given(pairs=st.lists(st.tuples(st.floats(0.05, 0.2), st.floats(0, 0.04)), min_size=DIPS_MIN, max_size=12))
def test_blinks_that_bottom_out_higher_never_make_a_lower_floor(pairs: list[tuple[float, float]]) -> None:
    deepest = IRIS.floor + 0.5 * (0.33 - IRIS.floor)
    lower = [min(low, deepest) for low, _ in pairs]
    higher = [min(low + more, deepest) for low, more in pairs]
    assert learnt(lower).floor <= learnt(higher).floor


@settings(max_examples=80, deadline=None)
@given(bottoms=st.lists(RATIOS, max_size=12), low=RATIOS, more=RATIOS)
def test_wider_lids_are_never_less_open(bottoms: list[float], low: float, more: float) -> None:
    one = learnt(bottoms)
    assert one.openness(low) <= one.openness(low + more)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), closed=st.floats(0.08, 0.18), half=st.floats(0.5, 0.9))
def test_every_frame_rate_finds_the_same_floor(seed: int, closed: float, half: float) -> None:
    """Twenty blinks, one in five a half one, with jitter and dropped frames."""
    wide = 0.36
    found = []
    for fps in (10, 15, 24, 30):
        rng = random.Random(seed)
        full = [rng.random() > 0.2 for _ in range(20)]
        blinks = [(2 + 3 * k + rng.uniform(0, 1), rng.uniform(0.1, 0.2)) for k in range(20)]
        one = Lids(IRIS, 30.0)
        one.learn_open(wide, 30.0)
        for t_s in ragged(63, fps, seed):
            k = min(max(int((t_s - 1.5) / 3), 0), 19)
            start_s, seconds = blinks[k]
            ratio = lids(t_s, [(start_s, start_s + seconds)], wide, closed)
            if not full[k]:
                ratio = wide - half * (wide - ratio)
            dip = one.follow(t_s, ratio)
            if dip is not None:
                one.learn_blink(dip)
        found.append(one.floor)
    assert max(found[1:]) - min(found[1:]) < 0.05 * (wide - closed)
    assert found[1:] == pytest.approx([closed] * 3, abs=0.05 * (wide - closed))
    # At 10 a second a blink is one frame or two, and half ones may outnumber those that were seen at their lowest.
    assert found[0] == pytest.approx(closed, abs=0.1 * (wide - closed))
