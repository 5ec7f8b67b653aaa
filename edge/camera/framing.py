"""From what a source gives to what the rooms beyond see: BGR, upright, and only the part that was asked for."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.camera.capture import Image
from edge.camera.settings import CameraSettings, Region

_ROTATIONS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def to_bgr(image: NDArray[Any], grey_bits: int) -> Image:
    """BGR uint8 [H, W, 3] of a picture that may be grey or have more bits; itself where it is BGR already.

    grey_bits: how many of 16 bits a sensor fills, counted from the lowest. Raises ValueError for no picture.
    """
    if image.ndim not in (2, 3) or image.size == 0:
        raise ValueError(f"an array of shape {image.shape} is no picture")
    if image.dtype == np.uint16:
        image = np.asarray(cv2.convertScaleAbs(image, alpha=255 / (2**grey_bits - 1)), dtype=np.uint8)
    channels = 1 if image.ndim == 2 else image.shape[2]
    if image.dtype != np.uint8 or channels not in (1, 3):
        raise ValueError(f"{channels} channels of {image.dtype} are no picture known here")
    if channels == 1:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), dtype=np.uint8)
    return np.asarray(image, dtype=np.uint8)


class Framing:
    """Rotates, mirrors and cuts; by default it does nothing and costs nothing."""

    def __init__(self, settings: CameraSettings) -> None:
        self._rotate = settings.rotate
        self._mirror = settings.mirror
        # Cut first and turn what is left: the cut is free, the turn is paid by the pixel.
        region = settings.region
        self._region = None if region is None else _as_the_source_sees(region, settings.rotate, settings.mirror)

    def apply(self, image: Image) -> Image:
        """The picture as it was asked for; it may be a view into ``image``."""
        if self._region is not None:
            height, width = image.shape[:2]
            left, top, wide, high = self._region
            x, y = (min(round(at * size), size - 1) for at, size in ((left, width), (top, height)))
            image = image[y : max(round((top + high) * height), y + 1), x : max(round((left + wide) * width), x + 1)]
        if self._rotate:
            image = np.asarray(cv2.rotate(image, _ROTATIONS[self._rotate]), dtype=np.uint8)
        if self._mirror:
            image = np.asarray(cv2.flip(image, 1), dtype=np.uint8)
        return image


def _as_the_source_sees(region: Region, rotate: int, mirror: bool) -> Region:
    """Where a region of the upright picture lies in the picture that the source gives, in shares."""
    x, y, width, height = region
    if mirror:
        x = 1 - x - width
    match rotate:
        case 90:
            return y, 1 - x - width, height, width
        case 180:
            return 1 - x - width, 1 - y - height, width, height
        case 270:
            return 1 - y - height, x, height, width
    return x, y, width, height
