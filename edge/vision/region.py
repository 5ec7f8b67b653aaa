"""Square, turned regions of an image: how each model's crop is cut out and how its points come back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import cos, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.types import Array

#: Of a crop with this side and more, what it needs of the image is first cut out, if that has up to so many times the
#: crop's pixels. A warp jumps from row to row, and takes more than twice as long over a picture that no cache holds; a
#: copy does not. Of more it skips too much, and of less the copy's own call takes longer than it saves.
_LARGE, _CUT_OUT = 96, 8


@dataclass(frozen=True, slots=True)
class Region:
    """A square in pixels of an image, its centre at (x, y), turned clockwise by ``angle`` radians."""

    x: float
    y: float
    side: float
    angle: float = 0.0

    def moved(self, along: float, across: float) -> Region:
        """The same square so many pixels further along its own rows and columns."""
        turn, lift = cos(self.angle), sin(self.angle)
        return replace(self, x=self.x + along * turn - across * lift, y=self.y + along * lift + across * turn)

    def crop(self, image: NDArray[np.uint8], size: int, border: int = cv2.BORDER_REPLICATE) -> NDArray[np.uint8]:
        """The region scaled bilinearly to ``size`` × ``size``; ``border`` (of cv2) fills what lies outside the image.

        As MediaPipe's ImageToTensorCalculator cuts: the region's corner falls on the crop's first pixel.
        """
        along, across = self._steps(size)
        half = size / 2
        to_image = np.array(
            [
                [along, -across, self.x - half * (along - across)],
                [across, along, self.y - half * (across + along)],
            ]
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(image, to_image, (size, size), flags=flags, borderMode=border).astype(
            np.uint8, copy=False
        )

    def crop_rgb(self, image: NDArray[np.uint8], size: int, border: int = cv2.BORDER_REPLICATE) -> NDArray[np.uint8]:
        """The same of a BGR ``image``, its colours in the order that MediaPipe's models want."""
        there = self
        if size >= _LARGE:
            rows, columns = self.window((image.shape[1], image.shape[0]))
            if (rows.stop - rows.start) * (columns.stop - columns.start) <= _CUT_OUT * size**2:
                image = np.ascontiguousarray(image[rows, columns])
                there = Region(self.x - columns.start, self.y - rows.start, self.side, self.angle)
        return cv2.cvtColor(there.crop(image, size, border), cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)

    def window(self, size: tuple[int, int], spare: int = 2, least: int = 1) -> tuple[slice, slice]:
        """The rows and columns that a crop of the region needs of an image of ``size`` (width, height).

        spare: how many more on each side, for the interpolation. There are ``least`` of each, wherever the region lies.
        """
        # Half of the upright square around it.
        reach = self.side / 2 * (abs(cos(self.angle)) + abs(sin(self.angle))) + spare
        return _span(self.y, reach, size[1], least), _span(self.x, reach, size[0], least)

    def to_image(self, points: Array, size: int) -> Array:
        """Points [n, 3] in pixels of a ``size`` × ``size`` crop, in pixels of the image; z scales along."""
        along, across = self._steps(size)
        half = size / 2
        affine = np.array(
            [
                [along, -across, 0.0, self.x - half * (along - across)],
                [across, along, 0.0, self.y - half * (across + along)],
                [0.0, 0.0, self.side / size, 0.0],
            ]
        )
        # Several times as fast as numpy's, which multiplies so narrow arrays row by row.
        return np.asarray(cv2.transform(points[np.newaxis], affine)[0], dtype=np.float32)

    def to_crop(self, points: Array, size: int) -> Array:
        """Points [n, 2] in pixels of the image, in those of a ``size`` × ``size`` crop: ``to_image`` undone."""
        scale = size / max(self.side, 1e-6)
        along, across = scale * cos(self.angle), scale * sin(self.angle)
        turn = np.array([[along, -across], [across, along]])
        return np.asarray((points[:, :2] - (self.x, self.y)) @ turn + size / 2, dtype=np.float32)

    def _steps(self, size: int) -> tuple[float, float]:
        """From one pixel of a crop's row to the next, in pixels of the image, as (x, y)."""
        step = self.side / size
        return step * cos(self.angle), step * sin(self.angle)


def _span(middle: float, reach: float, most: int, least: int) -> slice:
    """What lies within ``reach`` of a middle and from 0 to ``most``, or ``least`` of the nearest that does."""
    first = min(max(int(middle - reach), 0), max(most - least, 0))
    return slice(first, min(max(int(middle + reach), first + least), most))
