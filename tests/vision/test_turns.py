"""Eyes by turns: who is asked, and that a closing eye is never missed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.camera.frame import Frame
from edge.demo.puppet import Pose, Puppet
from edge.vision import FaceReader, VisionSettings, interpreter
from edge.vision.backend import FoundEye
from edge.vision.iris import SIZE, IrisModel, aspect_ratio
from edge.vision.turns import EyesByTurns
from edge.vision.types import Array


class Asked(IrisModel):
    """The iris model, and which eyes it was asked for: left or not."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.lefts: list[bool] = []

    def read(self, image: NDArray[np.uint8], landmarks: Array, *, left: bool) -> FoundEye:
        self.lefts.append(left)
        return super().read(image, landmarks, left=left)


@pytest.fixture
def asked(face_models: Path) -> Asked:
    return Asked(face_models)


@pytest.fixture(scope="module")
def pictures() -> dict[float, NDArray[np.uint8]]:
    puppet = Puppet()
    return {openness: puppet.render(Pose(openness=openness)) for openness in (1.0, 0.5, 0.0)}


@pytest.fixture(scope="module")
def landmarks(face_models: Path, pictures: dict[float, NDArray[np.uint8]]) -> Array:
    with FaceReader(VisionSettings(eyes=False, expression=False), face_models=face_models) as reader:
        for at in range(3):
            seen = reader.read(Frame(pictures[1.0], at / 30, wall_time=0.0, seq=at, camera="puppet"))
    return seen.faces[0].landmarks


def test_open_eyes_take_turns_after_both_were_read_once(
    asked: Asked, pictures: dict[float, NDArray[np.uint8]], landmarks: Array
) -> None:
    turns = EyesByTurns(asked)
    for _ in range(5):
        turns.read(pictures[1.0], landmarks, 0)
    assert asked.lefts == [False, True, True, False, True, False]


@pytest.mark.parametrize("shut", [0.5, 0.0])
@pytest.mark.parametrize("open_frames", [4, 5])
def test_once_one_eye_is_not_wide_open_both_are_read_in_that_very_frame(
    asked: Asked, pictures: dict[float, NDArray[np.uint8]], landmarks: Array, shut: float, open_frames: int
) -> None:
    turns = EyesByTurns(asked)
    for _ in range(open_frames):
        opened = turns.read(pictures[1.0], landmarks, 0)
    before = len(asked.lefts)
    closed = turns.read(pictures[shut], landmarks, 0)
    assert len(asked.lefts) == before + 2
    for eye, was in zip(closed, opened, strict=True):
        assert aspect_ratio(eye.contour) < 0.8 * aspect_ratio(was.contour)


def test_an_eye_that_waits_moves_along_with_the_face_and_keeps_its_shape(
    asked: Asked, pictures: dict[float, NDArray[np.uint8]], landmarks: Array
) -> None:
    turns = EyesByTurns(asked)
    right, left = turns.read(pictures[1.0], landmarks, 0)
    moved = landmarks + np.array([7.0, -3.0, 0.0], np.float32)
    image = np.roll(pictures[1.0], (-3, 7), axis=(0, 1))
    right_now, left_now = turns.read(image, moved, 0)
    assert asked.lefts[-1] is True
    np.testing.assert_allclose(right_now.contour - right.contour, np.tile([7.0, -3.0, 0.0], (71, 1)), atol=0.01)
    assert right_now.crop is right.crop, "as it was when it was read"
    assert left_now.crop is not left.crop


def test_every_face_has_turns_of_its_own_and_one_that_was_away_begins_anew(
    asked: Asked, pictures: dict[float, NDArray[np.uint8]], landmarks: Array
) -> None:
    turns = EyesByTurns(asked)
    for number in (0, 1):
        turns.read(pictures[1.0], landmarks, number)
    assert len(asked.lefts) == 4, "both eyes of each"
    turns.keep({1})
    turns.read(pictures[1.0], landmarks, 1)
    assert len(asked.lefts) == 5
    turns.read(pictures[1.0], landmarks, 0)
    assert len(asked.lefts) == 7


@pytest.mark.parametrize(("by_turns", "runs"), [(True, 5), (False, 8)])
def test_in_every_frame_both_are_read_where_that_is_asked_for(
    face_models: Path, portrait: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch, by_turns: bool, runs: int
) -> None:
    sides: list[int] = []
    monkeypatch.setattr(interpreter, "listener", lambda model, at: sides.append(model.get_tensor(at).shape[1]))
    settings = VisionSettings(eyes_by_turns=by_turns, expression=False)
    with FaceReader(settings, face_models=face_models) as reader:
        for at in range(4):
            reader.read(Frame(portrait, at / 30, wall_time=0.0, seq=at, camera="still"))
    assert sides.count(SIZE) == runs
