"""An open live source, as the thread that reads it sees it."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass

import cv2
import numpy as np

from edge.camera.camera import CameraError
from edge.camera.capture import Image, claimed_fps
from edge.camera.framing import to_bgr

#: A stream whose time jumps back by more began anew, without a break where it comes by UDP. OpenCV would go on in the
#: size that it was opened in and squeeze every picture into it.
BACK_MS = 500.0


@dataclass(frozen=True, slots=True)
class Mode:
    """How a source gives its pictures; None is unknown or unasked."""

    width: int | None = None
    height: int | None = None
    fps: float | None = None
    pixel_format: str | None = None

    def __str__(self) -> str:
        size = f"{self.width or 'any'} × {self.height or 'any'}" if self.width or self.height else ""
        rate = f"{self.fps:g} frames a second" if self.fps else ""
        return ", ".join(part for part in (size, rate, self.pixel_format) if part) or "anything"


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture, BGR uint8 [H, W, 3], and when it came: monotonic and Unix time in seconds."""

    image: Image
    t_s: float
    wall_time: float


class Feed(ABC):
    """An open live source. One thread reads it and lets it go; only ``interrupt`` may be called by another.

    name: what to call it in messages. mode: what it says of itself.
    """

    name: str
    mode: Mode

    @abstractmethod
    def read(self, retired: threading.Event) -> Picture | None:
        """The next picture, or None for one that is garbage.

        retired: set once nobody waits for the answer any more. Raises CameraError when the source gives no more.
        """

    @abstractmethod
    def release(self) -> None:
        """Let go of the source."""

    @abstractmethod
    def interrupt(self) -> None:
        """Make a read that waits return soon, where that can be done."""


class CaptureFeed(Feed):
    """A camera or a stream read by OpenCV.

    grey_bits: how many of its bits a 16-bit grey camera fills.
    """

    def __init__(self, capture: cv2.VideoCapture, name: str, grey_bits: int) -> None:
        self.name = name
        self._capture = capture
        self._grey_bits = grey_bits
        self._stamp_ms: float | None = None
        width, height = (round(capture.get(prop)) for prop in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        code = int(capture.get(cv2.CAP_PROP_FOURCC))
        fourcc = code.to_bytes(4, "little").decode("ascii", "ignore").strip("\0 ") if code > 0 else ""
        self.mode = Mode(max(width, 0) or None, max(height, 0) or None, claimed_fps(capture), fourcc or None)

    def read(self, retired: threading.Event) -> Picture | None:  # noqa: ARG002 - OpenCV can't be interrupted
        """See Feed."""
        began_s = time.monotonic()
        if not self._capture.grab():
            if self._stamp_ms is None:
                raise CameraError(f"{self.name} opens but gives no picture; check that no other program uses it")
            waited_s = round(time.monotonic() - began_s, 1)
            how = f"has given no picture for {waited_s:g} s" if waited_s > 0.1 else "has broken off"
            raise CameraError(f"{self.name} {how}; check its cable or network")
        t_s, wall_time = time.monotonic(), time.time()
        stamp_ms = float(self._capture.get(cv2.CAP_PROP_POS_MSEC))
        if self._stamp_ms is not None and stamp_ms < self._stamp_ms - BACK_MS:
            raise CameraError(f"{self.name} has begun anew, perhaps in another size")
        self._stamp_ms = stamp_ms
        try:
            good, image = self._capture.retrieve()
            return Picture(to_bgr(np.asarray(image), self._grey_bits), t_s, wall_time) if good else None
        except (cv2.error, ValueError):
            return None

    def interrupt(self) -> None:
        """Nothing: OpenCV's reads end with a frame or by their timeout."""

    def release(self) -> None:
        """See Feed."""
        self._capture.release()
