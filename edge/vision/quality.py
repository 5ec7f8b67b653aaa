"""How well a picture can be read: its light, its contrast, its sharpness."""

from __future__ import annotations

from math import inf

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.types import Box, Quality

#: Sharpness is measured on a picture no wider than this, so that it means the same for near and far faces.
SHARPNESS_WIDTH = 160
#: The whole frame is judged by about this many pixels a row, and rows alike.
FRAME_SAMPLES = 96


#: Light and sharpness change slowly, and who judges by them does so over seconds.
EVERY_S = 0.5


class QualityMeter:
    """The quality of successive pictures, measured every ``EVERY_S`` and when a face comes or goes."""

    def __init__(self) -> None:
        self._last = Quality()
        self._of_face = False
        self._measured_s = -inf

    def read(self, image: NDArray[np.uint8], box: Box | None, t_s: float) -> Quality:
        """As ``quality``, of now or of a moment ago; t_s: when the picture was taken, in seconds."""
        of_face = box is not None
        if of_face != self._of_face or not 0 <= t_s - self._measured_s < EVERY_S:
            self._last, self._of_face, self._measured_s = quality(image, box), of_face, t_s
        return self._last


def quality(image: NDArray[np.uint8], box: Box | None) -> Quality:
    """The quality of a BGR ``image``, and of the part of it that ``box`` covers; of all of it without a box."""
    frame_brightness, frame_contrast = _light(image)
    height, width = image.shape[:2]
    if box is not None:
        left, top = max(int(box.x), 0), max(int(box.y), 0)
        image = image[top : min(int(box.y + box.height), height), left : min(int(box.x + box.width), width)]
    if min(image.shape[:2]) < 3:
        return Quality(frame_brightness=frame_brightness, frame_contrast=frame_contrast)
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    shrink = SHARPNESS_WIDTH / image.shape[1]
    if shrink < 1:
        grey = cv2.resize(grey, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    _, edges = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))
    return Quality(cv2.mean(grey)[0], float(edges[0, 0]) ** 2, frame_brightness, frame_contrast)


def _light(image: NDArray[np.uint8]) -> tuple[float, float]:
    """Mean and standard deviation of the grey levels, from a grid of single pixels: averaging would cost ten times."""
    step = max(max(image.shape[:2]) // FRAME_SAMPLES, 1)
    grid = np.ascontiguousarray(image[step // 2 :: step, step // 2 :: step])
    mean, deviation = cv2.meanStdDev(cv2.cvtColor(grid, cv2.COLOR_BGR2GRAY))
    return float(mean[0, 0]), float(deviation[0, 0])
