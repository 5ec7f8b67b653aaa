"""Square, turned regions of an image: how each model's crop is cut out and how its points come back."""

from __future__ import annotations

from dataclasses import dataclass

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

    def crop(self, image: NDArray[np.uint8], size: int, border: int = cv2.BORDER_REPLICATE) -> NDArray[np.uint8]:
        """The region scaled bilinearly to ``size`` × ``size``; ``border`` (of cv2) fills what lies outside the image.

        As MediaPipe's ImageToTensorCalculator cuts: the region's corner falls on the crop's first pixel.
        """
        step = self.side / size
        along, across = step * np.cos(self.angle), step * np.sin(self.angle)
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
        step = self.side / size
        along, across = step * np.cos(self.angle), step * np.sin(self.angle)
        x, y = points[:, 0] - size / 2, points[:, 1] - size / 2
        return np.stack(
            [self.x + along * x - across * y, self.y + across * x + along * y, points[:, 2] * step], axis=1
        ).astype(np.float32)

    def to_crop(self, points: Array, size: int) -> Array:
        """Points [n, 2] in pixels of the image, in those of a ``size`` × ``size`` crop: ``to_image`` undone."""
        across, down = (points[:, :2] - np.array([self.x, self.y], dtype=np.float32)).T
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        turned = np.stack([cos * across + sin * down, cos * down - sin * across], axis=1)
        return np.asarray(turned * (size / max(self.side, 1e-6)) + size / 2, dtype=np.float32)
