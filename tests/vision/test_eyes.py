"""Eyelids against what a person sees in the clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.vision import FaceReader, VisionSettings
from edge.vision.backend import FoundEye
from edge.vision.iris import LEFT_CONTOUR, RIGHT_CONTOUR, aspect_ratio
from edge.vision.reader import read_eye
from edge.vision.types import HeadPose
from tests.vision.clips import frames, still

SIZE = (640, 480)
AHEAD = HeadPose(0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def eyes_close(shared: Path, face_models: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times and mean eye aspect ratios of the clip in which a man blinks three times, then sleeps."""
    times, ratios = [], []
    with FaceReader(VisionSettings(detect_every_s=60), face_models=face_models) as reader:
        for frame in frames(shared / "data" / "clips" / "eyes-close.mp4"):
            (face,) = reader.read(frame).faces
            for eye in (face.right_eye, face.left_eye):
                assert eye is not None
                assert eye.aspect_ratio is not None
                times.append(frame.t_s)
                ratios.append(eye.aspect_ratio)
    return np.array(times).reshape(-1, 2)[:, 0], np.array(ratios).reshape(-1, 2).mean(axis=1)


def test_a_sleepers_eyes_read_closed_and_a_waking_mans_open(
    eyes_close: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    times, ratios = eyes_close
    closed, opened = ratios[(times > 4.6) & (times < 8.7)], ratios[(times > 1.1) & (times < 1.9)]
    assert closed.mean() == pytest.approx(0.070, abs=0.03)
    assert opened.mean() == pytest.approx(0.336, abs=0.03)
    assert closed.max() < opened.min() / 2


@pytest.mark.parametrize("start_s", [0.75, 1.95, 3.15])
def test_each_blink_is_a_dip_with_open_eyes_before_it(
    eyes_close: tuple[NDArray[np.float64], NDArray[np.float64]], start_s: float
) -> None:
    times, ratios = eyes_close
    assert ratios[(times > start_s - 0.3) & (times < start_s - 0.03)].min() > 0.28
    assert ratios[(times > start_s - 0.03) & (times < start_s + 0.3)].min() < 0.10


def test_the_portraits_two_open_eyes_agree_and_mirror_each_other(
    face_models: Path, portrait: NDArray[np.uint8]
) -> None:
    with FaceReader(VisionSettings(), face_models=face_models) as reader:
        (face,) = reader.read(still(portrait)).faces
        reader.close()
        (mirrored,) = reader.read(still(np.ascontiguousarray(portrait[:, ::-1]), 100.0)).faces
    right, left, swapped = face.right_eye, face.left_eye, mirrored.left_eye
    assert right is not None
    assert left is not None
    assert swapped is not None
    assert right.aspect_ratio == pytest.approx(left.aspect_ratio, abs=0.05)
    assert right.aspect_ratio == pytest.approx(swapped.aspect_ratio, abs=0.05)
    for eye, contour in ((right, RIGHT_CONTOUR), (left, LEFT_CONTOUR)):
        # The iris model's own corners lie where the mesh puts them, and the iris between them.
        assert np.abs(eye.contour[[0, 8], :2] - face.landmarks[[contour[0], contour[8]], :2]).max() < 3
        assert eye.contour[:16, 0].min() < eye.iris[0, 0] < eye.contour[:16, 0].max()
        centre, picture_right, top, picture_left, bottom = eye.iris
        assert picture_left[0] < centre[0] < picture_right[0]
        assert top[1] < centre[1] < bottom[1]


def eye_at(x: float, y: float, width: float, gap: float = 0.3) -> FoundEye:
    """An eye whose outer corner is at (x, y)."""
    contour = np.zeros((71, 3), dtype=np.float32)
    contour[:, :2] = x, y
    contour[8, 0] += width
    contour[[11, 13, 3, 5], 0] += width / 2
    contour[[11, 13], 1] -= gap * width / 2
    contour[[3, 5], 1] += gap * width / 2
    return FoundEye(contour, contour[:5])


def ratio(
    found: FoundEye, pose: HeadPose | None = AHEAD, *, left: bool = True, contrast: float = 100.0
) -> float | None:
    return read_eye(found, contrast, pose, SIZE, left=left).aspect_ratio


def test_the_aspect_ratio_is_the_lids_gap_over_the_eyes_width() -> None:
    assert aspect_ratio(eye_at(100, 100, 40, gap=0.25).contour) == pytest.approx(0.25)
    assert ratio(eye_at(100, 100, 40, gap=0.25)) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("yaw", "left_known", "right_known"),
    [(0, True, True), (30, True, True), (40, False, True), (-40, True, False), (60, False, False), (-60, False, False)],
)
def test_a_head_that_turns_away_hides_its_far_eye_first(yaw: float, left_known: bool, right_known: bool) -> None:
    pose = HeadPose(yaw, 0.0, 0.0)
    assert (ratio(eye_at(100, 100, 40), pose, left=True) is not None) == left_known
    assert (ratio(eye_at(100, 100, 40), pose, left=False) is not None) == right_known


@pytest.mark.parametrize(
    ("x", "y", "width"),
    [(100, 100, 6), (-10, 100, 40), (620, 100, 40), (100, -2, 40), (100, 479, 40)],
    ids=["too small", "left of the picture", "right of it", "above it", "below it"],
)
def test_an_eye_that_cannot_be_seen_is_unknown_not_open(x: float, y: float, width: float) -> None:
    assert ratio(eye_at(x, y, width)) is None


def test_without_a_pose_no_eye_is_believed() -> None:
    assert ratio(eye_at(100, 100, 40), None) is None


def test_eyes_that_were_not_asked_for_are_absent(face_models: Path, portrait: NDArray[np.uint8]) -> None:
    with FaceReader(VisionSettings(eyes=False), face_models=face_models) as reader:
        (face,) = reader.read(still(portrait)).faces
    assert face.right_eye is None
    assert face.left_eye is None


def test_eyes_in_the_dark_are_unknown_though_the_face_is_found(face_models: Path, portrait: NDArray[np.uint8]) -> None:
    with FaceReader(VisionSettings(), face_models=face_models) as reader:
        (face,) = reader.read(still(portrait // 8)).faces
    assert face.right_eye is not None
    assert face.left_eye is not None
    assert face.right_eye.aspect_ratio is None
    assert face.left_eye.aspect_ratio is None
    assert ratio(eye_at(100, 100, 40), contrast=10.0) is None
