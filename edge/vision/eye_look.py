"""What the pixels show of an eye: evidence that there is one to read, open or closed, where the model says.

The iris model gives a contour whatever it is shown: dark glasses and a palm read half open.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import dist

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.backend import FoundEye
from edge.vision.iris import LIDS, SIZE, region_of_eye
from edge.vision.types import Array

# The lids' points in one round: the lower lid to the inner corner, the upper one back.
_ROUND = np.array([*range(9), *range(LIDS - 1, 8, -1)])
# Rows and columns of the crop that the eye and its lids take up.
_EYE_ROWS, _EYE_COLUMNS = slice(SIZE * 5 // 16, SIZE * 11 // 16), slice(SIZE * 3 // 16, SIZE * 13 // 16)
_ROWS = np.arange(SIZE)[:, np.newaxis]
#: How many of an eye's points are the iris's.
_IRIS = 5
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
    crop, points = found.crop, found.points
    if crop is None or points is None:
        region = region_of_eye(landmarks, left=left)
        crop = region.crop(image, SIZE)
        points = region.to_crop(np.concatenate([found.contour, found.iris]), SIZE)
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)
    contrast = _contrast(grey[_EYE_ROWS, _EYE_COLUMNS].ravel())
    inside = np.zeros((SIZE, SIZE), np.uint8)
    # OpenCV draws in fixed point: four binary places.
    cv2.fillPoly(inside, [np.rint(points[_ROUND, :2] * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
    if not cv2.hasNonZero(inside):
        return EyeLook(contrast, 0.0, 0.0, 0.0, _coloured(crop))
    # All that follows looks no further from the contour than this.
    window = _window(inside)
    grey, inside, iris = grey[window], inside[window], points[-_IRIS:, :2] - (window[1].start, window[0].start)
    within = _contrast(grey[cv2.dilate(inside, _LIDS).view(np.bool_)])
    return EyeLook(
        contrast=contrast,
        within=within,
        iris=_iris(grey, inside, iris),
        lash_line=_lash_line(grey, inside) / max(within, 1.0),
        coloured=_coloured(crop),
    )


def _window(inside: NDArray[np.uint8]) -> tuple[slice, slice]:
    """The rows and columns around the contour, with room for the widest of the kernels."""
    x, y, width, height = cv2.boundingRect(inside)
    beside, above = _SKIN.shape[1] // 2 + 1, _SKIN.shape[0] // 2 + 1
    return slice(max(y - above, 0), y + height + above), slice(max(x - beside, 0), x + width + beside)


def _coloured(crop: NDArray[np.uint8]) -> bool:
    """Whether blue and red differ by more than a compressor makes them differ in a grey picture."""
    blue, red = cv2.extractChannel(crop, 0), cv2.extractChannel(crop, 2)
    return float(cv2.norm(blue, red, cv2.NORM_L1)) / blue.size > MIN_COLOUR


def _contrast(values: NDArray[np.uint8]) -> float:
    """From the 5th to the 95th percentile of some pixels."""
    # Counted, as there are only 256 levels: several times as fast as sorting.
    places = (int(0.05 * (values.size - 1)), int(0.95 * (values.size - 1)))
    low, high = np.bincount(values, minlength=256).cumsum().searchsorted(places, side="right").tolist()
    return float(high - low)


def _iris(grey: NDArray[np.uint8], inside: NDArray[np.uint8], iris: Array) -> float:
    centre, *edge = iris.tolist()
    radius = sum(dist(centre, point) for point in edge) / len(edge)
    rows, columns = inside.nonzero()
    levels = grey[rows, columns]
    away = np.hypot(columns - centre[0], rows - centre[1])
    dark, white = levels[away < (1 - _SOFT) * radius], levels[away > (1 + _SOFT) * radius]
    if min(dark.size, white.size) < _FEWEST_PIXELS:
        return 0.0
    return _median(white) - _median(dark)


def _median(values: NDArray[np.uint8]) -> float:
    """Of few values, for which numpy's takes ten times as long."""
    ordered = np.sort(values)
    return (int(ordered[(ordered.size - 1) // 2]) + int(ordered[ordered.size // 2])) / 2


def _lash_line(grey: NDArray[np.uint8], inside: NDArray[np.uint8]) -> float:
    skin = cv2.dilate(inside, _SKIN) - cv2.dilate(inside, _GAP)
    # Above is what lies over the topmost pixel of the contour's column.
    above = skin * (inside.argmax(axis=0) > _ROWS[: len(inside)])
    line = cv2.mean(grey, cv2.dilate(inside, _LASHES))[0]
    return min(cv2.mean(grey, above)[0], cv2.mean(grey, skin - above)[0]) - line
