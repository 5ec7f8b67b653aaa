"""Two frames at once: the same as one after the other, and nothing that was not asked for any more."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.camera.frame import Frame
from edge.vision import FaceReader, Observation, VisionSettings
from edge.vision.ahead import MOST
from edge.vision.types import Face
from tests.delivery.parts import wait_for
from tests.vision.clips import frames, still


def numbers(face: Face) -> list[NDArray[np.float32] | float | str | None]:
    eyes = [eye for eye in (face.right_eye, face.left_eye) if eye is not None]
    of_eyes = [part for eye in eyes for part in (eye.contour, eye.aspect_ratio, eye.confidence)]
    return [face.track_id, face.landmarks, face.expression, *of_eyes]


def assert_same(one: Observation, other: Observation) -> None:
    assert (one.seq, one.quality, len(one.faces)) == (other.seq, other.quality, len(other.faces))
    for face, twin in zip(one.faces, other.faces, strict=True):
        for number, its in zip(numbers(face), numbers(twin), strict=True):
            np.testing.assert_array_equal(number, its)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_ahead_reads_what_one_after_the_other_does(shared: Path, face_models: Path, threads: int) -> None:
    clip = list(frames(shared / "data" / "clips" / "sad-to-happy.mp4", until_s=1.5))
    settings = VisionSettings(threads=threads)
    with FaceReader(settings, face_models=face_models, seed=7) as reader:
        plain = [reader.read(frame) for frame in clip]
    with FaceReader(settings, face_models=face_models, seed=7) as reader:
        ahead = list(reader.read_ahead([*clip[:9], None, *clip[9:]]))
    assert ahead.pop(9) is None, "a moment without a frame comes through in its place"
    for frame, one, result in zip(clip, plain, ahead, strict=True):
        assert result is not None
        assert result[0] is frame
        assert_same(one, result[1])


def counted(picture: NDArray[np.uint8], taken: list[tuple[int, str]]) -> Iterator[Frame]:
    for at in range(MOST + 4):
        taken.append((at, threading.current_thread().name))
        yield still(picture, at / 10)


@pytest.mark.parametrize(("at_hand", "early"), [(0, 0), (1, 1), (2, 2), (9, MOST)])
def test_the_next_frames_are_fetched_early_where_they_are_at_hand_and_so_many_at_most(
    face_models: Path, portrait: NDArray[np.uint8], at_hand: int, early: int
) -> None:
    with FaceReader(VisionSettings(threads=2, eyes=False), face_models=face_models) as reader:
        taken: list[tuple[int, str]] = []
        results = reader.read_ahead(counted(portrait, taken), lambda: at_hand)
        for number in (1, 2):
            next(results)
            assert wait_for(lambda: len(taken) >= number + early, 5)  # noqa: B023 - called at once
        results.close()
    assert len(taken) == 2 + early
    assert (taken[-1][1] != threading.current_thread().name) == bool(early)


def test_frames_taken_before_the_camera_was_closed_are_dropped(face_models: Path, portrait: NDArray[np.uint8]) -> None:
    taken: list[tuple[int, str]] = []
    with FaceReader(VisionSettings(threads=2, eyes=False), face_models=face_models) as reader:
        results = reader.read_ahead(counted(portrait, taken))
        first = next(results)
        reader.drop_ahead()
        *dropped, second = (next(results) for _ in range(MOST + 1))
        results.close()
    assert dropped == [None] * MOST
    seen = [result[1].t_s for result in (first, second) if result is not None]
    assert seen == pytest.approx([0.0, (MOST + 1) / 10]), "those up to the second seen were held already"


def test_what_goes_wrong_with_the_next_frame_comes_after_this_one(
    face_models: Path, portrait: NDArray[np.uint8]
) -> None:
    def broken() -> Iterator[Frame]:
        yield still(portrait)
        raise OSError("the disk is gone")

    with FaceReader(VisionSettings(threads=2, eyes=False), face_models=face_models) as reader:
        results = reader.read_ahead(broken())
        assert next(results) is not None
        with pytest.raises(OSError, match="the disk is gone"):
            next(results)
