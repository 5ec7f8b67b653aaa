"""What the pixels show of an eye: evidence that there is one to read, open or closed, where the model says.

The iris model gives a contour whatever it is shown: dark glasses and a palm read half open.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.backend import FoundEye
from edge.vision.iris import LIDS, SIZE, region_of_eye
from edge.vision.types import Array

# The lids' points in one round: the lower lid to the inner corner, the upper one back.
_ROUND = (*range(9), *range(LIDS - 1, 8, -1))
# Rows and columns of the crop that the eye and its lids take up.
_EYE_ROWS, _EYE_COLUMNS = slice(SIZE * 5 // 16, SIZE * 11 // 16), slice(SIZE * 3 // 16, SIZE * 13 // 16)
_ROWS, _COLUMNS = np.mgrid[:SIZE, :SIZE].astype(np.float32)
# Around the contour, in pixels of the crop (an eye is 28 wide): the lids, and the skin next to them behind a gap.
_LASHES, _LIDS, _GAP, _SKIN = (np.ones(size, np.uint8) for size in ((3, 1), (5, 3), (7, 3), (13, 3)))
#: The iris's edge is soft: what is nearer to it than this share of its radius is neither iris nor white.
_SOFT = 0.1
_FEWEST_PIXELS = 7
#: Mean difference of blue and red in grey levels; skin has 20 and more, a grey picture after JPEG less than 1.
MIN_COLOUR = 3.0


@dataclass(frozen=True, slots=True)
class EyeLook:
    """What an eye looks like, in grey levels 0..255.

    contrast: between dark and light of the eye and its surroundings. within: the same within the lids' contour alone.
    iris: how much darker the iris is than the white beside it, as the model places them; 0 where either has no pixels.
    lash_line: how much darker the lids' contour is than the skin above and the skin below it, the lesser of both, as a
    share of ``within``: a closed eye is a dark line between two lids. coloured: whether the picture has colours;
    without any it may be of infrared light, in which an iris can be as bright as the white.
    """

    contrast: float
    within: float
    iris: float
    lash_line: float
    coloured: bool = True


def look_at(image: NDArray[np.uint8], landmarks: Array, found: FoundEye, *, left: bool) -> EyeLook:
    """The person's left or right eye in a BGR ``image`` that shows these mesh ``landmarks``."""
    region = region_of_eye(landmarks, left=left)
    crop = region.crop(image, SIZE)
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)
    points = region.to_crop(np.concatenate([found.contour[:LIDS, :2], found.iris[:, :2]]), SIZE)
    inside = np.zeros((SIZE, SIZE), np.uint8)
    # OpenCV draws in fixed point: four binary places.
    cv2.fillPoly(inside, [np.round(points[_ROUND, :] * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
    if not inside.any():
        return EyeLook(_contrast(grey[_EYE_ROWS, _EYE_COLUMNS]), 0.0, 0.0, 0.0, _coloured(crop))
    within = _contrast(grey[cv2.dilate(inside, _LIDS) > 0])
    return EyeLook(
        contrast=_contrast(grey[_EYE_ROWS, _EYE_COLUMNS]),
        within=within,
        iris=_iris(grey, inside > 0, points[LIDS:]),
        lash_line=_lash_line(grey, inside) / max(within, 1.0),
        coloured=_coloured(crop),
    )


def _coloured(crop: NDArray[np.uint8]) -> bool:
    """Whether blue and red differ by more than a compressor makes them differ in a grey picture."""
    return float(cv2.norm(crop[:, :, 0], crop[:, :, 2], cv2.NORM_L1)) / crop[:, :, 0].size > MIN_COLOUR


def _contrast(values: NDArray[np.uint8]) -> float:
    """From the 5th to the 95th percentile."""
    ordered = np.sort(values, axis=None)
    return float(ordered[int(0.95 * (ordered.size - 1))]) - float(ordered[int(0.05 * (ordered.size - 1))])


def _iris(grey: NDArray[np.uint8], inside: NDArray[np.bool_], iris: Array) -> float:
    radius = float(np.hypot(*(iris[1:] - iris[0]).T).mean())
    away = np.hypot(_COLUMNS - iris[0, 0], _ROWS - iris[0, 1])
    dark, white = grey[inside & (away < (1 - _SOFT) * radius)], grey[inside & (away > (1 + _SOFT) * radius)]
    if min(dark.size, white.size) < _FEWEST_PIXELS:
        return 0.0
    return float(np.median(white) - np.median(dark))


def _lash_line(grey: NDArray[np.uint8], inside: NDArray[np.uint8]) -> float:
    skin = cv2.dilate(inside, _SKIN) - cv2.dilate(inside, _GAP)
    # Above is what lies over the topmost pixel of the contour's column.
    above = (inside.argmax(axis=0) > _ROWS).astype(np.uint8)
    line = cv2.mean(grey, cv2.dilate(inside, _LASHES))[0]
    return min(cv2.mean(grey, skin & above)[0], cv2.mean(grey, skin & (1 - above))[0]) - line
