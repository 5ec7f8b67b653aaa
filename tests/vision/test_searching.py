"""Where the detector looks next, and whose each of its detections is; the detector sees what a test has it see."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.vision.backend import unwatched
from edge.vision.detector import Detection, Detector
from edge.vision.following import Followed, apart, crowded
from edge.vision.framing import Framing
from edge.vision.mesh import BELOW, LOWER, mesh_box
from edge.vision.motion import Motion
from edge.vision.reading import Reading
from edge.vision.region import Region
from edge.vision.searching import MOST, Search, whose
from edge.vision.settings import VisionSettings
from edge.vision.tiles import holds, views
from edge.vision.types import Box

PICTURE = np.zeros((360, 640, 3), np.uint8)
SIZE = (640, 360)
TILES = views(SIZE, 2)


def detected(box: Box, score: float = 0.9) -> Detection:
    """What the detector makes of a face that the mesh has in ``box``."""
    height = LOWER * box.height
    middle = box.y + (0.5 + BELOW) * box.height
    return Detection(Box(box.x, middle - height / 2, box.width, height), score, np.zeros((6, 2), np.float32))


def face(number: int, box: Box, t_s: float = 0.0, *, hidden: bool = False) -> Followed:
    region = Region(box.x + box.width / 2, box.y + box.height / 2, 1.5 * box.height)
    return Followed(number, region, motion=Motion(box, t_s), hidden=hidden, readings=2, born_s=t_s)


class Eyes:
    """A detector of faces at given places; remembers where it looked."""

    def __init__(self, *boxes: Box) -> None:
        self.boxes = boxes
        self.looked: list[Region] = []

    def detect(self, _image: NDArray[np.uint8], square: Region, _faint: float) -> list[Detection]:
        self.looked.append(square)
        return [detected(box) for box in self.boxes if holds(square, box)]


def search_of(eyes: Eyes) -> Search:
    return Search(cast("Detector", cast("Any", eyes)), unwatched)


def test_places_take_turns_one_a_frame_where_frames_come_quickly_and_two_where_they_come_late() -> None:
    settings = VisionSettings(detect_every_s=0.05, detect_tiles=2)
    for step_s, a_frame in ((0.0625, 1), (0.25, MOST)):
        eyes = Eyes()
        search = search_of(eyes)
        for at in range(12):
            search.begin(PICTURE, at * step_s, settings)
            assert search.due()
            search.by_turns()
            assert len(search.views) == (a_frame if at else len(search.views))
        tiles = [eyes.looked.count(tile) for tile in TILES]
        assert min(tiles[1:]) >= tiles[0] > 0, "the whole picture no more often than a tile, and nothing never"


def test_a_face_in_two_overlapping_views_is_one_detection() -> None:
    box = Box(295, 100, 50, 70)
    assert all(holds(view, box) for view in TILES)
    eyes = Eyes(box)
    search = search_of(eyes)
    search.begin(PICTURE, 0.0, VisionSettings(detect_tiles=2))
    search.by_turns()
    assert len(search.views) == 2
    assert len(search.detections) == 1


def test_a_place_is_looked_at_once_in_an_image() -> None:
    box = Box(100, 100, 80, 100)
    eyes = Eyes(box)
    search = search_of(eyes)
    settings = VisionSettings(detect_every_s=0.1, detect_tiles=1)
    search.begin(PICTURE, 0.0, settings)
    search.at(box)
    search.at(box)
    search.again([box])
    search.by_turns()
    assert len(eyes.looked) == 1
    search.begin(PICTURE, 0.05, settings)
    search.again([box], at_once=False)
    assert len(eyes.looked) == 1
    search.again([box])
    assert len(eyes.looked) == 2


def test_a_crowd_is_looked_at_in_every_image_and_other_places_as_often_as_without() -> None:
    settings = VisionSettings(detect_every_s=0.05, detect_tiles=2)
    crowd = Box(20, 100, 80, 100)
    assert [tile for tile in TILES[1:] if holds(tile, crowd)] == TILES[1:2]
    looked: list[list[int]] = []
    for boxes in ([crowd], []):
        eyes = Eyes()
        search = search_of(eyes)
        for at in range(60):
            search.begin(PICTURE, at / 30, settings)
            search.again(boxes)
            if search.due():
                search.by_turns()
        looked.append([eyes.looked.count(place) for place in TILES])
    with_crowd, without = looked
    assert with_crowd[1] == 60
    assert with_crowd[2] == pytest.approx(without[2], abs=4)
    assert with_crowd[0] == pytest.approx(without[0], abs=4)


def test_half_a_face_on_a_seam_is_none() -> None:
    class Seam(Eyes):
        def detect(self, image: NDArray[np.uint8], square: Region, faint: float) -> list[Detection]:
            return [detected(self.boxes[0])] if square == TILES[2] else super().detect(image, square, faint)

    left_end = TILES[2].x - TILES[2].side / 2
    half, at_the_edge = Box(left_end - 30, 100, 80, 100), Box(600, 100, 80, 100)
    for box, seen in ((half, 0), (at_the_edge, 1)):
        search = Search(cast("Detector", cast("Any", Seam(box))), unwatched)
        search.begin(PICTURE, 0.0, VisionSettings(detect_tiles=2))
        search.at(Box(450, 100, 80, 100))
        assert [len(search.views), len(search.detections)] == [1, seen]


@given(st.floats(0, 500), st.floats(0, 500), st.floats(20, 300))
def test_the_meshs_box_is_worked_out_from_the_detectors(x: float, y: float, height: float) -> None:
    box = Box(x, y, 0.8 * height, height)
    again = mesh_box(detected(box))
    assert (again.x, again.y, again.width, again.height) == pytest.approx((box.x, box.y, box.width, box.height))


def test_each_detection_is_the_nearest_face_s_and_a_far_one_nobody_s() -> None:
    left, right, stranger = Box(100, 100, 80, 100), Box(300, 100, 80, 100), Box(500, 250, 80, 100)
    seen = [detected(stranger), detected(right), detected(left)]
    assert whose([face(0, left), face(1, right)], seen, 0.05, SIZE)[0] == {0: seen[2], 1: seen[1]}
    assert whose([], seen, 0.05, SIZE)[0] == whose([face(0, left)], [], 0.05, SIZE)[0] == {}


def test_of_a_hidden_face_less_is_believed_the_further_away() -> None:
    box = Box(300, 100, 80, 100)
    aside = [detected(Box(box.x + 35, box.y, box.width, box.height))]
    assert whose([face(0, box)], aside, 0.1, SIZE)[0] == {0: aside[0]}
    far = [detected(Box(box.x + 150, box.y, box.width, box.height))]
    assert whose([face(0, box, hidden=True)], far, 1.0, SIZE)[0] == {}, "what it does behind another is a guess"


def test_who_comes_in_at_the_side_is_rather_new_than_one_who_was_near_there() -> None:
    def found(x: float, t_s: float) -> bool:
        here = detected(Box(x, 100, 80, 100))
        return bool(whose([face(0, Box(x + 30, 100, 80, 100))], [here], t_s, SIZE)[0])

    assert found(280, 0.6)
    assert not found(0, 1.0)
    assert found(0, 0.1)


def test_a_hidden_face_is_back_when_it_was_seen_for_a_moment() -> None:
    box = Box(300, 100, 80, 100)
    hidden, seen = face(0, box, hidden=True), detected(box)
    assert [hidden.comes_out(seen, t_s) for t_s in (0.4, 0.45, 0.5)] == [False, False, True]
    hidden = face(0, box, hidden=True)
    came_out = [hidden.comes_out(found, t_s) for found, t_s in ((seen, 0.4), (None, 0.45), (seen, 0.5))]
    assert came_out == [False, False, False], "that was somebody who walked by"


def test_who_walks_through_a_hidden_face_s_place_is_not_that_face() -> None:
    box = Box(300, 100, 80, 100)
    hidden = face(0, box)
    for at in range(1, 20):  # it stands
        hidden.take(np.zeros((468, 3), np.float32), box, 0.05 * at, detected(box))
    hidden.hidden = True
    passer = [detected(Box(box.x + 400 * (t_s - 1.1), box.y, 80, 100)) for t_s in (1.1, 1.15, 1.2)]
    taken = []
    for found, t_s in zip(passer, (1.1, 1.15, 1.2), strict=True):
        its = whose([hidden], [found], t_s, SIZE)[0].get(0)
        taken.append((its is not None, hidden.comes_out(its, t_s)))
    assert taken[0] == (True, False), "where it stands, but only just"
    assert taken[2] == (False, False), "gone on before it could be"


def test_how_the_detector_frames_a_face_is_learned() -> None:
    framing, box = Framing(), Box(300, 100, 80, 100)
    odd = detected(Box(box.x + 8, box.y - 12, 88, 112))
    before, blur = framing.mesh_box(odd), framing.blur
    for _ in range(20):
        framing.take(odd, box)
    assert apart(framing.mesh_box(odd), box) < 0.02 < 0.1 < apart(before, box)
    assert framing.mesh_box(odd).height == pytest.approx(box.height, rel=0.03)
    assert framing.blur < 0.6 * blur


def test_a_face_that_came_in_beside_another_is_remembered_as_not_that_one() -> None:
    stands, comes = Box(520, 100, 60, 80), Box(575, 100, 60, 80)
    eyes, followed = Eyes(stands, comes), face(7, stands)
    search = search_of(eyes)
    settings = VisionSettings(detect_tiles=2)
    search.begin(PICTURE, 0.05, settings)
    search.again([stands, comes])
    search.note({7: stands}, [followed], search.strangers([followed]))
    comes_nearer = Box(555, 100, 60, 80)
    eyes.boxes = (comes_nearer,)  # before the other now
    search.begin(PICTURE, 0.1, settings)
    search.again([comes_nearer])
    ((stranger, found),) = search.strangers([followed])
    assert search.whose([followed]) == {}
    assert stranger.others(mesh_box(found), 0.1) == {7}


def test_who_is_seen_in_the_middle_of_the_picture_and_not_followed_is_not_remembered() -> None:
    eyes = Eyes(box := Box(300, 100, 50, 70))
    search = search_of(eyes)
    search.begin(PICTURE, 0.0, VisionSettings(detect_tiles=2))
    search.again([box])
    search.note({}, [], search.strangers([]))
    search.begin(PICTURE, 0.05, VisionSettings(detect_tiles=2))
    search.again([box])
    assert search.detections
    assert not search.strangers([])


def test_what_left_a_hidden_face_s_place_is_somebody_else_s_but_not_where_that_face_should_be() -> None:
    box = Box(300, 100, 50, 70)
    hidden = face(3, box, hidden=True)
    hidden.comes_out(detected(box), 0.05)
    eyes = Eyes(left := Box(340, 100, 50, 70))
    search = search_of(eyes)
    search.begin(PICTURE, 0.1, VisionSettings(detect_tiles=2))
    search.again([left])
    search.went_on(hidden)
    ((stranger, found),) = search.strangers([])
    assert stranger.others(mesh_box(found), 0.1) == {3}
    assert stranger.others(box, 0.1) == frozenset()


def test_a_face_that_was_in_view_a_moment_ago_keeps_newcomers_from_its_place() -> None:
    hidden = face(0, Box(300, 100, 80, 100), hidden=True)
    assert [hidden.there(t_s) for t_s in (0.1, 0.5)] == [True, False]


def test_who_was_in_view_for_a_moment_is_waited_for_for_a_moment() -> None:
    brief, long = (face(number, Box(300, 100, 80, 100), hidden=True) for number in range(2))
    long.born_s = -5.0
    assert [one.may_come_out(SIZE, 1.0) for one in (brief, long)] == [False, True]
    assert not long.may_come_out(SIZE, 3.0)


def test_two_are_a_crowd_when_they_stand_close() -> None:
    one, close, away = Box(100, 100, 80, 100), Box(190, 100, 80, 100), Box(400, 100, 80, 100)
    this = face(0, one)
    assert crowded(this, [this, face(1, close)], 0.0)
    assert not crowded(this, [this, face(1, away)], 0.0)


def reading(of: Followed, box: Box) -> Reading:
    return Reading.of(of, np.zeros((468, 3), np.float32), 1.0, box, of.box(0.05))


def test_a_reading_beside_others_must_lie_where_its_face_was_going() -> None:
    known = face(0, Box(100, 100, 80, 100))
    near, astray = reading(known, Box(104, 100, 80, 100)), reading(known, Box(150, 100, 80, 100))
    for crowd in (False, True):
        assert near.likely(0.05, sighted=False, crowded=crowd)
    assert not astray.likely(0.05, sighted=False, crowded=True)
    assert astray.likely(0.05, sighted=True, crowded=False), "alone, and the detector sees it there"


def test_a_reading_that_may_be_of_one_who_was_not_read_is_contested() -> None:
    one, other = face(0, Box(100, 100, 80, 100)), face(1, Box(110, 100, 80, 100))
    between = reading(one, Box(107, 100, 80, 100))
    assert between.contested([one, other], 0.05)
    assert not between.contested([one], 0.05)
    other.motion = Motion(Box(110, 100, 80, 100), 0.05)
    assert not between.contested([one, other], 0.05), "the other was read in this very image"


def test_a_contested_reading_is_put_off_for_a_moment_only() -> None:
    one = face(0, Box(100, 100, 80, 100))
    assert [one.waits(t_s, contested=True) for t_s in (0.1, 0.15, 0.25)] == [True, True, False]
    assert not one.waits(0.3, contested=False)
    assert one.waits(0.35, contested=True), "begins anew"
