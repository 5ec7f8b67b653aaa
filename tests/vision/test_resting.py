from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.vision import FaceReader, Observation, VisionSettings
from edge.vision.backend import FoundFace
from edge.vision.resting import STILL, Resting
from edge.vision.types import Box
from tests.vision.clips import still

EVERY_S = 0.055


class Counted:
    """A stopwatch that counts."""

    def __init__(self) -> None:
        self.runs: Counter[str] = Counter()

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        self.runs[stage] += 1
        yield


def face(off: float = 0.0, number: int | None = 7) -> FoundFace:
    """A face 100 high, one of whose landmarks is so many heights off."""
    landmarks = np.zeros((468, 3), np.float32)
    landmarks[13, 1] = 100 * off
    return FoundFace(Box(0, 0, 80, 100), 1.0, landmarks, number=number)


def resting(*found: Sequence[FoundFace], followed: int = 1) -> Resting:
    made = Resting()
    for at, faces in enumerate(found):
        made.take(faces, at * 0.1, followed=followed)
    return made


def test_a_face_that_kept_still_stands_for_a_moment() -> None:
    last = face(0.9 * STILL)
    made = resting([face()], [last])
    assert made.at(0.1 + 0.9 * EVERY_S, EVERY_S) is last
    assert made.at(0.1 + 1.1 * EVERY_S, EVERY_S) is None
    assert made.at(0.1, 0.0) is None, "it is to be read in every image"
    assert made.at(0.05, EVERY_S) is None, "time that runs backwards is another recording"


@pytest.mark.parametrize(
    "made",
    [
        resting(),
        resting([face()]),
        resting([face()], [face(1.1 * STILL)]),
        resting([face()], []),
        resting([], [face()]),
        resting([face(number=7)], [face(number=8)]),
        resting([face()], [face(), face()], followed=2),
        resting([face()], [face()], followed=2),
    ],
    ids=["none", "new", "moved", "gone", "come", "another", "two", "one behind"],
)
def test_all_others_are_read(made: Resting) -> None:
    assert made.at(0.11, EVERY_S) is None


@given(
    st.lists(st.floats(0.001, 0.2), max_size=60), st.lists(st.floats(0, 2 * STILL), min_size=60), st.floats(0.02, 0.15)
)
def test_no_reading_is_older_than_asked_for(gaps_s: list[float], offs: list[float], every_s: float) -> None:
    made, t_s, read_s = Resting(), 0.0, 0.0
    for gap_s, off in zip(gaps_s, offs, strict=False):
        t_s += gap_s
        if made.at(t_s, every_s) is None:
            made.take([face(off)], t_s, followed=1)
            read_s = t_s
        assert t_s - read_s < every_s


def seen(pictures: Sequence[NDArray[np.uint8]], fps: float, folder: Path, **settings: float) -> tuple[int, Observation]:
    """How often the mesh ran on pictures so many a second, and what was seen on the last."""
    counted = Counted()
    asked = VisionSettings(max_faces=1, expression=False, threads=1).model_copy(update=settings)
    with FaceReader(asked, face_models=folder, seed=0, stopwatch=counted) as reader:
        for at, picture in enumerate(pictures):
            observation = reader.read(still(picture, at / fps))
            assert observation.unread == ()
    return counted.runs["mesh"], observation


def test_of_a_face_at_rest_every_second_image_of_thirty_a_second_is_read(
    face_models: Path, portrait: NDArray[np.uint8]
) -> None:
    runs, last = seen([portrait] * 40, 30, face_models)
    assert 20 <= runs <= 24
    assert len(last.faces) == 1
    assert last.faces[0].right_eye is not None


def test_and_every_one_of_fifteen_or_where_that_is_asked_for(face_models: Path, portrait: NDArray[np.uint8]) -> None:
    assert seen([portrait] * 20, 15, face_models)[0] >= 20
    assert seen([portrait] * 20, 30, face_models, mesh_every_s=0.0)[0] >= 20


def test_a_face_on_its_way_is_read_in_every_image(face_models: Path, portrait: NDArray[np.uint8]) -> None:
    way = [np.roll(portrait, 8 * at, axis=1) for at in range(15)]
    assert seen(way, 30, face_models)[0] >= 15


def test_one_that_goes_is_missed_by_the_second_image(face_models: Path, portrait: NDArray[np.uint8]) -> None:
    gone = np.full_like(portrait, 90)
    for before in (20, 21):
        assert seen([portrait] * before + [gone] * 2, 30, face_models)[1].faces == ()


def test_eyes_that_close_meanwhile_are_seen_at_once(face_models: Path) -> None:
    from edge.demo.puppet import Pose, Puppet

    puppet = Puppet()
    open_, closed = (puppet.render(Pose(openness)) for openness in (1.0, 0.0))
    for before in (20, 21):
        ratios = []
        for after in (0, 1):
            last = seen([open_] * before + [closed] * after, 30, face_models, eyes_by_turns=False)[1].faces[0]
            assert last.right_eye is not None
            assert last.right_eye.aspect_ratio is not None
            ratios.append(last.right_eye.aspect_ratio)
        assert ratios[1] < 0.6 * ratios[0]
