from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edge.vision.likeness import Seen, newcomers
from edge.vision.tracks import REMEMBER_S, Tracks, matched
from edge.vision.types import Box

boxes = st.builds(Box, *[st.floats(0, 600)] * 2, *[st.floats(10, 200)] * 2)


def head(x: float, height: float = 100.0, turn: float = 0.0, broader: float | None = None) -> Seen:
    """A face with its middle at ``x``; broader: the logarithm of its proportions, all alike."""
    box = Box(x - 0.4 * height, 300 - height / 2, 0.8 * height, height)
    return Seen(box, turn) if broader is None else Seen(box, turn, np.full(5, broader, np.float32))


def walk(tracks: Tracks, frames: Sequence[Sequence[Seen]], fps: float = 10.0) -> list[list[str]]:
    return [tracks.name(faces, at / fps) for at, faces in enumerate(frames)]


@pytest.mark.parametrize("fps", [10, 15, 30])
def test_a_face_that_walks_by_keeps_its_name(fps: int) -> None:
    names = walk(Tracks(Random(1)), [[head(700 * at / fps)] for at in range(2 * fps)], fps)
    assert len({name for (name,) in names}) == 1


def test_two_faces_keep_their_names_when_their_order_changes() -> None:
    tracks = Tracks(Random(1))
    first, second = tracks.name([head(100), head(250)], 0.0)
    assert tracks.name([head(250), head(100)], 0.1) == [second, first]


@pytest.mark.parametrize("fps", [10, 15, 30])
def test_two_who_walk_past_each_other_keep_their_names_although_one_hides_the_other(fps: int) -> None:
    frames = []
    for at in range(2 * fps):
        near, far = head(100 + 300 * at / fps, 120, turn=0.6), head(700 - 300 * at / fps, 90, turn=-0.6)
        hidden = abs(near.box.x + near.box.width / 2 - far.box.x - far.box.width / 2) < 60
        frames.append([near] if hidden else [near, far])
    names = walk(Tracks(Random(1)), frames, fps)
    assert any(len(frame) == 1 for frame in names)
    assert names[0] == names[-1]


def test_who_stands_is_not_taken_for_the_passer_by_in_front() -> None:
    passing = [[head(100 + 60 * at, 150, turn=0.6)] for at in range(12)]
    frames = [faces if 4 <= at <= 8 else [*faces, head(460, 100)] for at, faces in enumerate(passing)]
    names = walk(Tracks(Random(1)), [[head(460, 100)]] * 5 + frames)
    (standing,) = names[0]
    assert {name[0] for name in names[5:]} != {standing}
    assert all(standing not in frame for frame in names[9:13])
    assert names[-1][1] == standing


def test_a_crossing_in_the_dark_is_told_by_proportions() -> None:
    """Both out of sight, they come back where neither's way tells whose place it is."""
    slim, broad = -0.08, 0.08
    frames = [[head(250, broader=slim), head(350, broader=broad)]] * 10
    back = [head(350, broader=slim), head(250, broader=broad)]
    names = walk(Tracks(Random(1)), [*frames, *[[]] * 8, back])
    assert names[-1] == names[0]


def test_a_face_hidden_for_a_moment_is_the_same_and_after_longer_another() -> None:
    tracks = Tracks(Random(1))
    (name,) = tracks.name([head(100)], 0.0)
    assert tracks.name([], 0.5) == []
    assert tracks.name([head(105)], 0.9) == [name]
    assert tracks.name([head(105)], 1.0 + REMEMBER_S) != [name]


def test_a_face_whose_turn_does_not_come_is_neither_taken_for_another_nor_forgotten() -> None:
    tracks = Tracks(Random(1))
    for at in range(5):
        (waiting,) = tracks.name([head(100)], at / 10)
    for at in range(5, 20):
        (other,) = tracks.name([head(110)], at / 10, unread=[waiting])
        assert other != waiting
    assert tracks.name([replace(head(95), followed=waiting), head(110)], 2.0) == [waiting, other]


def test_a_face_elsewhere_is_another_one() -> None:
    tracks = Tracks(Random(1))
    assert tracks.name([head(100)], 0.0) != tracks.name([head(500)], 0.1)


def test_a_face_that_comes_up_near_by_is_the_same_but_rather_a_new_one_at_the_picture_s_side() -> None:
    size = (1280, 720)
    for x, same in ((600.0, True), (1240.0, False)):
        tracks = Tracks(Random(3))
        (name,) = {name for (name,) in walk(tracks, [[head(x - 120)]] * 10)}
        face = head(x)
        assert (tracks.name([replace(face, new=newcomers(face.box, size))], 1.4) == [name]) is same


def test_who_was_in_view_together_with_a_face_does_not_get_its_name() -> None:
    tracks = Tracks(Random(0))
    ((name,), *_) = walk(tracks, [[head(300)]] * 5)
    assert tracks.name([replace(head(310), beside=frozenset({name}))], 0.5) != [name]
    assert tracks.name([head(300)], 0.6) == [name]


def test_a_face_further_down_is_another_sooner_than_one_further_along() -> None:
    for box, same in ((Box(380, 300, 80, 100), True), (Box(260, 420, 80, 100), False)):
        tracks = Tracks(Random(0))
        ((name,),) = walk(tracks, [[Seen(Box(260, 300, 80, 100))]])
        assert (tracks.name([Seen(box)], 0.1) == [name]) == same


def test_a_recording_that_starts_over_starts_with_new_names() -> None:
    tracks = Tracks(Random(1))
    assert tracks.name([head(100)], 9.0) != tracks.name([head(100)], 0.0)


def test_a_seed_gives_the_same_names_and_no_seed_others() -> None:
    def name(random: Random) -> str:
        return Tracks(random).name([head(100)], 0.0)[0]

    assert name(Random(7)) == name(Random(7))
    assert name(Random()) != name(Random())


@given(st.lists(st.lists(boxes, max_size=6), max_size=6))
def test_no_two_faces_of_a_frame_ever_share_a_name(sequence: list[list[Box]]) -> None:
    tracks = Tracks(Random(0))
    for at, frame in enumerate(sequence):
        names = tracks.name([Seen(box) for box in frame], at / 10)
        assert len(set(names)) == len(frame)


@given(arrays.arrays(np.float64, st.tuples(*[st.integers(1, 5)] * 2), elements=st.floats(-50, 50, width=32)))
def test_no_other_pairing_costs_less(costs: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> None:
    most = 12.0
    pairs = matched(costs, most)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    assert all(costs[pair] < most for pair in pairs)
    wide = np.minimum(costs if costs.shape[0] <= costs.shape[1] else costs.T, most)
    best = min(wide[range(len(wide)), list(columns)].sum() for columns in permutations(range(wide.shape[1]), len(wide)))
    left = len(wide) - len(pairs)
    assert sum(costs[pair] for pair in pairs) + most * left == pytest.approx(best, abs=1e-3)
