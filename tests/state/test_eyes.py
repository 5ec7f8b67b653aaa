"""Which eyes are believed, and whose: confidence, a second opinion, and somebody else at the wheel."""

from __future__ import annotations

import random

import pytest

from edge.state.closures import Closures
from edge.state.eyes import Eyes
from edge.state.settings import EyeSettings
from edge.state.types import Episode
from edge.vision.types import Face, Observation
from tests.state.scenes import Spans, ends, eye, face, lids, people, play, seen, starts, times

RATES = pytest.mark.parametrize("fps", [10, 15, 30])
SHUT, OPEN = 0.08, 0.30


def eyes_of(right: tuple[float, float, float | None], left: tuple[float, float, float | None]) -> Face:
    """A face with two eyes, each an aspect ratio, a confidence and a second opinion."""
    plain = face()
    return Face(
        box=plain.box,
        score=plain.score,
        landmarks=plain.landmarks,
        track_id=plain.track_id,
        right_eye=eye(*right),
        left_eye=eye(*left),
    )


def read(right: tuple[float, float, float | None], left: tuple[float, float, float | None]) -> tuple[float, float, int]:
    reading = Eyes(EyeSettings(), "iris").read(eyes_of(right, left))
    assert reading is not None
    return reading.openness, reading.most_open, reading.known


def test_the_better_seen_eye_counts_for_more() -> None:
    openness, most_open, known = read((OPEN, 0.9, None), (SHUT, 0.6, None))
    assert openness == pytest.approx(0.6)
    assert most_open == pytest.approx(1.0)
    assert known == 2


def test_an_eye_behind_a_glare_does_not_keep_a_shut_one_open() -> None:
    assert read((SHUT, 1.0, None), (OPEN, 0.4, None))[1] == pytest.approx(0.0, abs=1e-9)
    assert read((SHUT, 1.0, None), (OPEN, 0.6, None))[1] == pytest.approx(1.0)


def closed_by(right: tuple[float, float, float | None], left: tuple[float, float, float | None]) -> bool:
    """Whether open eyes that go over to this reading are closed."""
    eyes, closures = Eyes(EyeSettings(), "iris"), Closures(EyeSettings())
    closures.update(0.0, eyes.read(face(OPEN, OPEN)))
    closures.update(0.05, eyes.read(eyes_of(right, left)))
    return closures.eyes == "closed"


def test_a_shut_eye_beside_one_behind_a_glare_is_closed() -> None:
    assert closed_by((SHUT, 1.0, None), (OPEN, 0.4, None))


def test_one_eye_behind_the_edge_of_a_lens_does_not_keep_a_pair_open() -> None:
    """0.04 and 0.23 open: 0.10 in the mean, as the eye behind the edge is trusted less."""
    assert closed_by((0.09, 1.0, None), (0.13, 0.6, None))


@pytest.mark.parametrize("other", [OPEN, 0.22, 0.16])
def test_a_wink_is_no_closure(other: float) -> None:
    """Lids of the other eye are lowered somewhat, to 0.64 or 0.36."""
    assert not closed_by((0.05, 1.0, None), (other, 1.0, None))


def test_where_lids_neither_closed_nor_open_are_read_a_second_opinion_settles_it() -> None:
    """A closed eye behind rims reads as 0.27 open."""
    assert read((0.14, 1.0, 0.9), (0.14, 1.0, 0.9))[0] == 0.0
    assert closed_by((0.14, 1.0, 0.9), (0.14, 1.0, 0.9))
    assert not closed_by((0.14, 1.0, 0.4), (0.14, 1.0, 0.4))


def test_an_eye_with_too_little_confidence_is_unknown() -> None:
    assert read((SHUT, 1.0, None), (OPEN, 0.2, None)) == pytest.approx((0.0, 0.0, 1), abs=1e-9)
    assert Eyes(EyeSettings(), "iris").read(eyes_of((SHUT, 0.2, None), (OPEN, 0.1, None))) is None


@pytest.mark.parametrize(
    ("ratio", "blink", "known"),
    [(SHUT, 0.05, 1), (OPEN, 0.9, 1), (SHUT, 0.9, 2), (OPEN, 0.05, 2), (SHUT, 0.4, 2), (OPEN, 0.4, 2), (0.14, 0.9, 2)],
)
def test_an_eye_is_unknown_where_a_second_opinion_is_sure_of_the_opposite(
    ratio: float, blink: float, known: int
) -> None:
    assert read((ratio, 1.0, blink), (OPEN, 1.0, None))[2] == known


@RATES
def test_glasses_over_which_only_a_second_opinion_sees_open_eyes_raise_no_alarm(fps: int) -> None:
    """A reflection reads as closed lids for 8 s; the other model sees the eyes open all the time."""

    def look(t_s: float) -> Face:
        ratio = 0.07 if 4 <= t_s < 12 else 0.33
        return eyes_of((ratio, 1.0, 0.05), (ratio, 1.0, 0.05))

    watch = people()
    changes = play(watch, [seen(t_s, look(t_s)) for t_s in times(11, fps)])
    assert changes == []
    state = watch.driver()
    assert state is not None
    assert state.eyes == "unknown"


#: Two people: proportions of the face, and the aspect ratios of the open and the closed eye.
ANNE = ((1.05, 0.62, 1.42, 0.36, 0.80), 0.42, 0.08)
BERT = ((1.00, 0.70, 1.30, 0.40, 0.74), 0.20, 0.07)
#: Open eyes that Anne's would call closed.
CARL = ((0.97, 0.68, 1.58, 0.33, 0.90), 0.14, 0.05)


def driving(
    person: tuple[tuple[float, ...], float, float],
    at: list[float],
    shut: Spans,
    *,
    noise: float = 0.02,
    bias: float = 0.0,
    seed: int = 1,
) -> list[Observation]:
    """Somebody whose proportions are read with this noise (relative), and a bias besides as their pose has it."""
    rng = random.Random(seed)
    proportions, open_ratio, closed_ratio = person
    clip = []
    for t_s in at:
        ratio = lids(t_s, shut, open_ratio, closed_ratio)
        shown = tuple(value * (1 + bias + rng.gauss(0, noise)) for value in proportions)
        clip.append(seen(t_s, face(ratio, ratio, proportions=shown)))
    return clip


def eyes_shut(changes: list[Episode]) -> list[tuple[str, str]]:
    return [(change.kind, change.phase) for change in changes if change.kind in ("microsleep", "sleep", "unresponsive")]


@RATES
@pytest.mark.parametrize("other", [BERT, CARL])
def test_closures_are_caught_before_and_after_a_swap_and_none_at_it(
    fps: int, other: tuple[tuple[float, ...], float, float]
) -> None:
    """Anne sleeps from 10 s to 12 s; at 20 s somebody else sits there, who sleeps from 26 s to 28 s."""
    watch = people()
    changes = play(watch, driving(ANNE, times(19.99, fps), [(10, 12)]))
    changes += play(watch, driving(other, times(30, fps, from_s=20), [(26, 28)]))
    assert [start.t_s for start in starts(changes, "microsleep")] == pytest.approx([11.5, 27.5], abs=0.15 + 1 / fps)
    assert [end.ended_s for end in ends(changes, "microsleep")] == pytest.approx([12, 28], abs=0.15)
    state = watch.driver()
    assert state is not None
    assert state.openness == pytest.approx(1.0, abs=0.2)
    assert state.known_60s * 60 == pytest.approx(9, abs=0.7)


@RATES
def test_a_sleep_that_a_swap_cuts_short_ends_with_it(fps: int) -> None:
    watch = people()
    changes = play(watch, driving(ANNE, times(19.99, fps), [(16, 30)]))
    changes += play(watch, driving(BERT, times(26, fps, from_s=20), []))
    reasons = {end.measures["reason"] for end in ends(changes, "sleep")}
    # The newcomer's open eyes end it, or their face does, whichever is noticed first.
    assert reasons <= {"eyes_opened", "driver_changed"}
    assert len(ends(changes, "sleep")) == len(starts(changes, "sleep")) == 1
    still = play(people(), driving(ANNE, times(19.99, fps), [(16, 40)]))
    assert ends(still, "sleep") == []


def test_a_closure_of_the_old_driver_ends_for_the_reason_of_the_swap() -> None:
    """The newcomer comes with closed eyes as well: a new face, so a new closure."""
    watch = people()
    play(watch, driving(ANNE, times(19.99, 20), [(16, 30)]))
    changes = play(watch, driving(BERT, times(26, 20, from_s=20), [(16, 40)]))
    assert {end.measures["reason"] for end in ends(changes, "microsleep")} == {"driver_changed"}
    (again,) = starts(changes, "microsleep")
    assert again.t_s == pytest.approx(20 + 1.1 + 1.5, abs=0.4)


@pytest.mark.parametrize("seed", range(3))
def test_the_same_driver_is_not_taken_for_somebody_else(seed: int) -> None:
    """Ten minutes with 2 % of noise in every reading, and 3 % of bias that comes and goes with the pose."""
    watch = people()
    for minute in range(10):
        bias = 0.03 if minute % 2 else 0.0
        at = times(minute * 60 + 59.9, 5, from_s=minute * 60)
        play(watch, driving(ANNE, at, [], bias=bias, seed=seed + minute))
    state = watch.driver()
    assert state is not None
    assert state.known_180s == pytest.approx(1.0, abs=0.01)
