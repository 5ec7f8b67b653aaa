"""OpenCV's VideoCapture, quietened and with its answers checked."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

#: Beyond this a container's frame rate is its time base rather than a rate (90,000 for raw streams).
MAX_FPS = 1000.0

_AV_LOG_QUIET = "-8"

# FFmpeg draws text files as pictures of text ("ansi"): no camera ever sees one.
_TEXT = cv2.VideoWriter.fourcc(*"ansi")


def quieten() -> None:
    """Keep FFmpeg and OpenCV off stderr: the user gets one line from us.

    To see theirs, set OPENCV_FFMPEG_LOGLEVEL (32) and OPENCV_LOG_LEVEL (INFO) in the environment. FFmpeg's is read
    once, when a process makes its first capture or writer: whoever makes one calls this before.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", _AV_LOG_QUIET)
    if "OPENCV_LOG_LEVEL" not in os.environ:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def open_capture(source: str | int, backend: int, options: Sequence[int] = ()) -> cv2.VideoCapture | None:
    """A capture for ``source``, or None where OpenCV cannot open it. options: pairs of property and value."""
    quieten()
    # The stubs know a number and a name apart, not both in one.
    capture = cv2.VideoCapture(source, backend, list(options))  # type: ignore[call-overload,unused-ignore]
    if capture.isOpened() and int(capture.get(cv2.CAP_PROP_FOURCC)) != _TEXT:
        return capture
    capture.release()
    return None


def read_image(capture: cv2.VideoCapture) -> Image | None:
    """The next picture, BGR uint8 [H, W, 3], or None at the end or on a fault: OpenCV does not tell them apart."""
    return retrieve_image(capture) if capture.grab() else None


def retrieve_image(capture: cv2.VideoCapture) -> Image | None:
    """The picture last grabbed, BGR uint8 [H, W, 3], or None where it cannot be decoded."""
    good, image = capture.retrieve()
    return np.asarray(image, dtype=np.uint8) if good else None


def claimed_fps(capture: cv2.VideoCapture) -> float | None:
    """Frames a second as the source claims, None where it claims none or nonsense."""
    fps = float(capture.get(cv2.CAP_PROP_FPS))
    return fps if math.isfinite(fps) and 0 < fps <= MAX_FPS else None


def claimed_frames(capture: cv2.VideoCapture) -> int | None:
    """About how many frames the source holds, None for a live one."""
    frames = float(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    return round(frames) if math.isfinite(frames) and frames > 0 else None
