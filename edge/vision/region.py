"""Square, turned regions of an image: how each model's crop is cut out and how its points come back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import cos, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.types import Array


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
