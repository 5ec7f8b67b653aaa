from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.vision.detector import Detector
from edge.vision.types import Box


@pytest.fixture(scope="module")
def detector(face_models: Path) -> Detector:
    return Detector(face_models, threads=2)


def test_the_portraits_one_face_is_found_where_it_is(detector: Detector, portrait: NDArray[np.uint8]) -> None:
    (found,) = detector.detect(portrait)
    assert found.box.iou(Box(177.6, 82.9, 95.3, 95.3)) > 0.98
    assert found.score > 0.9
    right_eye, left_eye, nose, mouth, right_ear, left_ear = found.keypoints
    assert right_ear[0] < right_eye[0] < nose[0] < left_eye[0] < left_ear[0]
    assert right_eye[1] < nose[1] < mouth[1]


@pytest.mark.parametrize("shape", [(640, 512), (512, 640)])
def test_the_shape_of_the_picture_does_not_bend_the_box(
    detector: Detector, portrait: NDArray[np.uint8], shape: tuple[int, int]
) -> None:
    height, width = shape
    wider = cv2.copyMakeBorder(portrait, 0, height - 512, 0, width - 512, cv2.BORDER_CONSTANT)
    (found,) = detector.detect(wider.astype(np.uint8, copy=False))
    assert found.box.iou(Box(177.6, 82.9, 95.3, 95.3)) > 0.8
    assert found.box.width == pytest.approx(found.box.height, rel=0.02)


def test_two_people_side_by_side_are_two_faces(detector: Detector, portrait: NDArray[np.uint8]) -> None:
    face = portrait[20:270, 100:350]
    found = detector.detect(np.hstack([face, face[:, ::-1]]))
    assert len(found) == 2
    assert found[0].box.iou(found[1].box) == 0


def test_noise_has_no_face(detector: Detector) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    assert detector.detect(noise) == []


def test_a_stricter_score_drops_the_portrait(face_models: Path, portrait: NDArray[np.uint8]) -> None:
    assert Detector(face_models, threads=2, min_score=0.99).detect(portrait) == []
