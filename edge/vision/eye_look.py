"""What the pixels show of an eye: evidence that there is one to read, open or closed, where the model says.

The iris model gives a contour whatever it is shown: dark glasses and a palm read half open.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
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


class EyeLook:
    """What an eye looks like, in grey levels 0..255; each figure is worked out when it is first asked for."""

    def __init__(self, crop: NDArray[np.uint8], points: Array) -> None:
        """Of its crop and its points there, as ``FoundEye`` has them."""
        self._crop = crop
        self._points = points

    @classmethod
    def of(cls, image: NDArray[np.uint8], landmarks: Array, found: FoundEye, *, left: bool) -> EyeLook:
        """The person's left or right eye in a BGR ``image`` that shows these mesh ``landmarks``."""
        if found.crop is not None and found.points is not None:
            return cls(found.crop, found.points)
        region = region_of_eye(landmarks, left=left)
        points = np.concatenate([found.contour, found.iris])
        return cls(region.crop_rgb(image, SIZE), region.to_crop(points, SIZE))

    @cached_property
    def contrast(self) -> float:
        """Between dark and light of the eye and its surroundings."""
        return _contrast(self._grey[_EYE_ROWS, _EYE_COLUMNS])

    @cached_property
    def within(self) -> float:
        """The same within the lids' contour alone."""
        return _contrast(self._seen.grey[cv2.dilate(self._seen.inside, _LIDS).view(np.bool_)]) if self._seen else 0.0

    @cached_property
    def iris(self) -> float:
        """How much darker the iris is than the white beside it, as the model places them; 0 where either is unseen."""
        return _iris(self._seen) if self._seen else 0.0

    @cached_property
    def lash_line(self) -> float:
        """How much darker the lids' contour is than the skin above and the skin below it, the lesser of both.

        As a share of ``within``: a closed eye is a dark line between two lids.
        """
        return _lash_line(self._seen) / max(self.within, 1.0) if self._seen else 0.0

    @cached_property
    def coloured(self) -> bool:
        """Whether the picture has colours; without any it may be of infrared light.

        In that an iris can be as bright as the white. A compressor makes blue and red differ a little all the same.
        """
        red, blue = cv2.extractChannel(self._crop, 0), cv2.extractChannel(self._crop, 2)
        return float(cv2.norm(red, blue, cv2.NORM_L1)) / blue.size > MIN_COLOUR

    @cached_property
    def _grey(self) -> NDArray[np.uint8]:
        return cv2.cvtColor(self._crop, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)

    @cached_property
    def _seen(self) -> _Seen | None:
        """The lids' contour and what is around it; None where no pixel lies within."""
        inside = np.zeros((SIZE, SIZE), np.uint8)
        # OpenCV draws in fixed point: four binary places.
        cv2.fillPoly(inside, [np.rint(self._points[_ROUND, :2] * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
        if not cv2.hasNonZero(inside):
            return None
        # All that follows looks no further from the contour than this.
        window = _window(inside)
        corner = window[1].start, window[0].start
        return _Seen(self._grey[window], inside[window], self._points[-_IRIS:, :2] - corner)


@dataclass(frozen=True, slots=True)
class _Seen:
    """An eye and some skin: grey levels, the pixels within the lids' contour, and the iris's points [5, 2]."""

    grey: NDArray[np.uint8]
    inside: NDArray[np.uint8]
    iris: Array


def _window(inside: NDArray[np.uint8]) -> tuple[slice, slice]:
    """The rows and columns around the contour, with room for the widest of the kernels."""
    x, y, width, height = cv2.boundingRect(inside)
    beside, above = _SKIN.shape[1] // 2 + 1, _SKIN.shape[0] // 2 + 1
    return slice(max(y - above, 0), y + height + above), slice(max(x - beside, 0), x + width + beside)


def _contrast(values: NDArray[np.uint8]) -> float:
    """From the 5th to the 95th percentile of some pixels."""
    ordered = _sorted(values)
    low, high = ordered[int(0.05 * (ordered.size - 1))], ordered[int(0.95 * (ordered.size - 1))]
    return float(high) - float(low)


def _iris(eye: _Seen) -> float:
    grey, inside, iris = eye.grey, eye.inside, eye.iris
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
    ordered = _sorted(values)
    return (int(ordered[(ordered.size - 1) // 2]) + int(ordered[ordered.size // 2])) / 2


def _sorted(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    ordered = values.flatten()
    # Of bytes, numpy's stable sort counts: several times as fast as the others.
    ordered.sort(kind="stable")
    return ordered


def _lash_line(eye: _Seen) -> float:
    grey, inside = eye.grey, eye.inside
    skin = cv2.dilate(inside, _SKIN) - cv2.dilate(inside, _GAP)
    # Above is what lies over the topmost pixel of the contour's column.
    above = skin * (inside.argmax(axis=0) > _ROWS[: len(inside)])
    line = cv2.mean(grey, cv2.dilate(inside, _LASHES))[0]
    return min(cv2.mean(grey, above)[0], cv2.mean(grey, skin - above)[0]) - line
