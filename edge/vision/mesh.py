"""MediaPipe's face mesh: 468 landmarks of one face in a region (Kartynnik et al. 2019, arXiv:1907.06724)."""

from __future__ import annotations

from math import atan2, exp
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.vision.detector import Detection
from edge.vision.geometry import landmarks_box
from edge.vision.interpreter import Model
from edge.vision.region import Region
from edge.vision.types import Array, Box

FILE = "face_landmark.tflite"
SIZE = 192
#: How much larger than the face its region is, so that a moving face stays inside; of MediaPipe's graphs.
SCALE = 1.5
#: The eyes' outer corners, which give the region's turn.
RIGHT_CORNER, LEFT_CORNER = 33, 263
#: The detector frames brows to chin: its box is so many heights of the mesh's below that one, and so much lower.
BELOW, LOWER = 0.06, 0.88


class FaceMesh:
    """The mesh model; the caller names the region to look in."""

    def __init__(self, folder: Path, threads: int, *, int8_weights: bool = False) -> None:
        self._model = Model.load(folder / FILE, threads, int8_weights=int8_weights)

    def read(self, image: NDArray[np.uint8], region: Region) -> tuple[Array, float]:
        """Landmarks, float32 [468, 3] in pixels of the BGR ``image``, and the presence score 0..1.

        Landmarks come out whatever the region holds: believe them only where the score is high.
        """
        points, presence = self._model.run_image(region.crop_rgb(image, SIZE))
        # Beyond a hundred the other way it is zero all the same, and exp would run over.
        score = 1 / (1 + exp(-max(presence.item(), -100.0)))
        return region.to_image(points.reshape(-1, 3), SIZE), score


def region_of_detection(detection: Detection) -> Region:
    """Where to look for the mesh of a newly detected face; turned so that its eyes lie level."""
    return _around(detection.box, detection.keypoints[0], detection.keypoints[1])


def mesh_box(found: Detection) -> Box:
    """About the box that the mesh would have of what the detector found."""
    box = found.box
    height = box.height / LOWER
    return Box(box.x, box.y + box.height / 2 - (0.5 + BELOW) * height, box.width, height)


def region_of_landmarks(landmarks: Array, box: Box | None = None) -> Region:
    """Where to look for a face in the next image, given its landmarks in this one, and their box where it is known."""
    return _around(box or landmarks_box(landmarks), landmarks[RIGHT_CORNER], landmarks[LEFT_CORNER])


def _around(box: Box, right_eye: Array, left_eye: Array) -> Region:
    angle = atan2(float(left_eye[1] - right_eye[1]), float(left_eye[0] - right_eye[0]))
    side = SCALE * max(box.width, box.height)
    return Region(box.x + box.width / 2, box.y + box.height / 2, side, angle)
