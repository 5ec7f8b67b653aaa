from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from edge.vision.tracks import SAME_BOX, Tracks, distinct
from edge.vision.types import Box

boxes = st.builds(Box, *[st.floats(0, 600)] * 2, *[st.floats(10, 200)] * 2)


def test_a_face_that_moves_keeps_its_name() -> None:
    tracks = Tracks(Random(1))
    names = {tracks.name([Box(10.0 * step, 50, 100, 120)], step / 10)[0] for step in range(20)}
    assert len(names) == 1


def test_two_faces_keep_their_names_when_their_order_changes() -> None:
    tracks = Tracks(Random(1))
    left, right = Box(0, 0, 100, 100), Box(150, 0, 100, 100)
    first, second = tracks.name([left, right], 0.0)
    assert tracks.name([right, left], 0.1) == [second, first]


def test_a_face_hidden_for_a_moment_is_the_same_and_after_longer_another() -> None:
    tracks = Tracks(Random(1))
    (name,) = tracks.name([Box(0, 0, 100, 100)], 0.0)
    assert tracks.name([], 0.5) == []
    assert tracks.name([Box(5, 0, 100, 100)], 0.9) == [name]
    assert tracks.name([Box(5, 0, 100, 100)], 5.0) != [name]


def test_a_face_elsewhere_is_another_one() -> None:
    tracks = Tracks(Random(1))
    assert tracks.name([Box(0, 0, 100, 100)], 0.0) != tracks.name([Box(300, 0, 100, 100)], 0.1)


def test_a_recording_that_starts_over_starts_with_new_names() -> None:
    tracks = Tracks(Random(1))
    assert tracks.name([Box(0, 0, 100, 100)], 9.0) != tracks.name([Box(0, 0, 100, 100)], 0.0)


def test_a_seed_gives_the_same_names_and_no_seed_others() -> None:
    def name(random: Random) -> str:
        return Tracks(random).name([Box(0, 0, 100, 100)], 0.0)[0]

    assert name(Random(7)) == name(Random(7))
    assert name(Random()) != name(Random())


@given(st.lists(st.lists(boxes, max_size=6), max_size=6))
def test_no_two_faces_of_a_frame_ever_share_a_name(sequence: list[list[Box]]) -> None:
    tracks = Tracks(Random(0))
    for at, frame in enumerate(sequence):
        names = tracks.name(frame, at / 10)
        assert len(set(names)) == len(frame)


@given(st.lists(boxes, max_size=8))
def test_what_is_kept_never_overlaps_and_what_is_dropped_always_does(faces: list[Box]) -> None:
    kept = distinct(faces)
    for at, box in enumerate(faces):
        overlaps = [box.iou(faces[other]) >= SAME_BOX for other in kept if other != at]
        assert any(overlaps) != (at in kept)
