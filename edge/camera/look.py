"""Whether a live picture moves and shows anything, judged by a grid of its pixels."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from edge.camera.capture import Image
from edge.camera.settings import CameraSettings

#: About this many pixels along the longer side are looked at; of 640 × 480 that is 96 × 72, at 20 µs.
SAMPLES = 96

BLACK = "the picture is black; is the lens covered, or the light off?"
FLAT = "the picture is without contrast; is the lens covered or fogged?"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a picture is like and, on the monotonic clock, since when."""

    kind: Literal["running", "dark", "frozen"]
    reason: str | None
    since_s: float


class Look:
    """Judges pictures one after the other. Pure: their times are handed in.

    A sensor has noise: a picture that equals the one before bit for bit, again and again, was not taken anew. A
    covered lens gives a picture without contrast or, clipped to black, even without noise: it is dark, never frozen.
    """

    def __init__(self, settings: CameraSettings) -> None:
        self._settings = settings
        self._digest: int | None = None
        self._same_since_s = 0.0
        self._dark: Verdict | None = None

    def judge(self, image: Image, t_s: float) -> Verdict:
        """The verdict on a BGR uint8 picture [H, W, 3] taken at ``t_s``."""
        step = max(max(image.shape[:2]) // SAMPLES, 1)
        grid = np.ascontiguousarray(image[step // 2 :: step, step // 2 :: step])
        fine = Verdict("running", None, t_s)
        dark = self._judge_light(grid, t_s)
        if dark is not None:
            # Black clips its noise away: it may stand still and be taken anew all the same.
            return dark if t_s - dark.since_s >= self._settings.dark_s else fine
        return self._judge_motion(grid, t_s) or fine

    def _judge_light(self, grid: Image, t_s: float) -> Verdict | None:
        """What a dark picture is to be called once it has lasted."""
        mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(cv2.cvtColor(grid, cv2.COLOR_BGR2GRAY)))
        if mean >= self._settings.black_below and deviation >= self._settings.flat_below:
            self._dark = None
            return None
        if self._dark is None:
            # The reason it began with: one that changes with the noise would be told again and again.
            self._dark = Verdict("dark", BLACK if mean < self._settings.black_below else FLAT, t_s)
        return self._dark

    def _judge_motion(self, grid: Image, t_s: float) -> Verdict | None:
        digest = zlib.crc32(grid.data, grid.shape[0] << 16 | grid.shape[1])
        if digest != self._digest:
            self._digest, self._same_since_s = digest, t_s
        limit_s = self._settings.frozen_s
        if limit_s == 0 or t_s - self._same_since_s < limit_s:
            return None
        reason = f"the very same picture for {limit_s:g} s; the camera or its encoder hangs"
        return Verdict("frozen", reason, self._same_since_s)
