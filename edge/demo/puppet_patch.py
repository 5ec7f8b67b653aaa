"""A rectangle of a picture that a warp fills anew."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Points = NDArray[np.float32]


class Patch:
    """A rectangle of the picture and the coordinates of its samples, float32: x [1, w] and y [h, 1].

    fineness: samples a pixel, each way; more than one smooths the edges that a warp cuts.
    """

    def __init__(
        self, size: tuple[int, int], left: float, top: float, right: float, bottom: float, fineness: int = 1
    ) -> None:
        x0, x1 = np.clip((int(left), int(right) + 1), 0, size[0])
        y0, y1 = np.clip((int(top), int(bottom) + 1), 0, size[1])
        self.where = np.s_[y0:y1, x0:x1]
        self.size = (int(x1 - x0), int(y1 - y0))
        step = np.float32(1.0 / fineness)
        self.x = ((np.arange(x0 * fineness, x1 * fineness) + 0.5) * step - 0.5).astype(np.float32)[None, :]
        self.y = ((np.arange(y0 * fineness, y1 * fineness) + 0.5) * step - 0.5).astype(np.float32)[:, None]

    def sample(self, image: Image, x: Points, y: Points) -> Image:
        """The picture at x and y (pixels of the whole picture, one for each sample), as large as the patch."""
        map_x, map_y = np.broadcast_arrays(x, y)
        maps = (np.ascontiguousarray(map_x, np.float32), np.ascontiguousarray(map_y, np.float32))
        samples = cv2.remap(image, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(cv2.resize(samples, self.size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
