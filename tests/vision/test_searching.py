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
from edge.vision.following import Followed, crowded
from edge.vision.motion import Motion
from edge.vision.reading import Reading
from edge.vision.region import Region
from edge.vision.searching import BELOW, LOWER, MOST, Search, mesh_box, whose
from edge.vision.settings import VisionSettings
from edge.vision.tiles import holds, views
from edge.vision.types import Box

PICTURE = np.zeros((360, 640, 3), np.uint8)
TILES = views((640, 360), 2)


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


def test_a_place_that_was_just_seen_is_not_looked_at_again() -> None:
    box = Box(100, 100, 80, 100)
    eyes = Eyes(box)
    search = search_of(eyes)
    search.begin(PICTURE, 0.0, VisionSettings(detect_every_s=0.1, detect_tiles=1))
    search.at(box)
    search.at(box)
    search.again([box])
    search.begin(PICTURE, 0.05, VisionSettings(detect_every_s=0.1, detect_tiles=1))
    search.again([box])
    assert len(eyes.looked) == 1
    search.begin(PICTURE, 0.1, VisionSettings(detect_every_s=0.1, detect_tiles=1))
    search.again([box])
    assert len(eyes.looked) == 2


@given(st.floats(0, 500), st.floats(0, 500), st.floats(20, 300))
def test_the_meshs_box_is_worked_out_from_the_detectors(x: float, y: float, height: float) -> None:
    box = Box(x, y, 0.8 * height, height)
    again = mesh_box(detected(box))
    assert (again.x, again.y, again.width, again.height) == pytest.approx((box.x, box.y, box.width, box.height))


def test_each_detection_is_the_nearest_face_s_and_a_far_one_nobody_s() -> None:
    left, right, stranger = Box(100, 100, 80, 100), Box(300, 100, 80, 100), Box(500, 250, 80, 100)
    seen = [detected(stranger), detected(right), detected(left)]
    assert whose([face(0, left), face(1, right)], seen, 0.05) == {0: seen[2], 1: seen[1]}
    assert whose([], seen, 0.05) == whose([face(0, left)], [], 0.05) == {}


def test_of_a_hidden_face_less_is_believed_the_further_away() -> None:
    box = Box(300, 100, 80, 100)
    aside = [detected(Box(box.x + 35, box.y, box.width, box.height))]
    assert whose([face(0, box)], aside, 0.1) == {0: aside[0]}
    far = [detected(Box(box.x + 150, box.y, box.width, box.height))]
    assert whose([face(0, box, hidden=True)], far, 1.0) == {}, "what it does behind another is a guess"


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
