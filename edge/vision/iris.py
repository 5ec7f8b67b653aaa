"""MediaPipe's iris model: lids, brow and iris of one eye (Ablavatski et al. 2020, arXiv:2006.11341).

Its lids follow a closing eye where the plain mesh stays half open.
"""

from __future__ import annotations

from math import atan2, dist, hypot
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.backend import FoundEye
from edge.vision.interpreter import Model
from edge.vision.region import Region
from edge.vision.types import Array

FILE = "iris_landmark.tflite"
SIZE = 64
#: The region's side over the eye's width; of MediaPipe's iris graph.
SCALE = 2.3

# fmt: off
#: The mesh's indices of the contour's 71 points, the person's right eye: lower lid from the outer to the inner
#: corner, upper lid likewise without the corners, then three rings outwards to the brow
#: (MediaPipe, update_face_landmarks_calculator.cc, which calls this eye the left).
RIGHT_CONTOUR = (
    33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173,
    130, 25, 110, 24, 23, 22, 26, 112, 243, 247, 30, 29, 27, 28, 56, 190,
    226, 31, 228, 229, 230, 231, 232, 233, 244, 113, 225, 224, 223, 222, 221, 189,
    35, 124, 46, 53, 52, 65,
    143, 111, 117, 118, 119, 120, 121, 128, 245, 156, 70, 63, 105, 66, 107, 55, 193,
)
#: The same points of the person's left eye.
LEFT_CONTOUR = (
    263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398,
    359, 255, 339, 254, 253, 252, 256, 341, 463, 467, 260, 259, 257, 258, 286, 414,
    446, 261, 448, 449, 450, 451, 452, 453, 464, 342, 445, 444, 443, 442, 441, 413,
    265, 353, 276, 283, 282, 295,
    372, 340, 346, 347, 348, 349, 350, 357, 465, 383, 300, 293, 334, 296, 336, 285, 417,
)
# fmt: on
#: How many of the contour's points are the lids'.
LIDS = 16
#: The model's points of a mirrored eye, contour and iris, in the order of one that is not.
_UNMIRRORED = np.array([*range(len(LEFT_CONTOUR)), *(len(LEFT_CONTOUR) + at for at in (0, 3, 2, 1, 4))])
#: By left: the mesh's corners of an eye, from the picture's left to its right.
_CORNERS_BY_LEFT = {False: np.array([33, 133]), True: np.array([362, 263])}
# Places in the contour; the same for both eyes, as the left one is read mirrored.
_OUTER, _INNER = 0, 8
_GAPS = ((11, 3), (13, 5))


class IrisModel:
    """The iris model; it was trained on one side only, so the person's left eye goes through it mirrored."""

    def __init__(self, folder: Path, *, int8_weights: bool = False) -> None:
        # So small that two threads on one eye take longer than one does.
        self._model = Model.load(folder / FILE, 1, int8_weights=int8_weights)

    def read_both(self, image: NDArray[np.uint8], landmarks: Array) -> tuple[FoundEye, FoundEye]:
        """The right and the left eye, each as ``read`` has it."""
        return self.read(image, landmarks, left=False), self.read(image, landmarks, left=True)

    def read(self, image: NDArray[np.uint8], landmarks: Array, *, left: bool) -> FoundEye:
        """One eye of the face with these mesh ``landmarks`` in the BGR ``image``, the person's left or right."""
        region = region_of_eye(landmarks, left=left)
        crop = region.crop_rgb(image, SIZE)
        contour, iris = self._model.run_image(cv2.flip(crop, 1).astype(np.uint8, copy=False) if left else crop)
        points = np.concatenate([contour.reshape(-1, 3), iris.reshape(-1, 3)])
        if left:
            # The model orders the iris centre, towards the nose, top, towards the temple, bottom.
            points = points[_UNMIRRORED]
            points[:, 0] = SIZE - points[:, 0]
        in_image = region.to_image(points, SIZE)
        return FoundEye(in_image[:-5], in_image[-5:], crop, points)


def region_of_eye(landmarks: Array, *, left: bool) -> Region:
    """The square around one eye, turned so that its corners lie level in the picture's left-to-right order."""
    (from_x, from_y), (to_x, to_y) = landmarks[_CORNERS_BY_LEFT[left], :2].tolist()
    # MediaPipe takes the larger of the two extents, which shrinks the square of a tilted eye; the width does not.
    width = hypot(to_x - from_x, to_y - from_y)
    return Region((from_x + to_x) / 2, (from_y + to_y) / 2, SCALE * width, atan2(to_y - from_y, to_x - from_x))


def eye_width(contour: Array) -> float:
    """From corner to corner, in pixels."""
    return dist(contour[_OUTER, :2].tolist(), contour[_INNER, :2].tolist())


def corners_centre(contour: Array) -> Array:
    """The middle between the eye's corners, float32 [2], in pixels."""
    return np.asarray((contour[_OUTER, :2] + contour[_INNER, :2]) / 2, dtype=np.float32)


def aspect_ratio(contour: Array) -> float:
    """The lids' mean gap over the eye's width (EAR; Soukupová & Čech 2016, eq. 1), of a contour [71, 3]."""
    # More points than are needed, but a slice of them takes half as long as a choice.
    lids = contour[:LIDS, :2].tolist()
    gaps = [dist(lids[upper], lids[lower]) for upper, lower in _GAPS]
    return sum(gaps) / len(gaps) / max(dist(lids[_OUTER], lids[_INNER]), 1e-6)
