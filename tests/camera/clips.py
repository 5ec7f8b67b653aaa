"""Home-made clips: plain pictures whose grey level tells their number."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from edge.camera import Frame
from edge.camera.capture import quieten

SIZE = (64, 48)
GREY_STEP = 10


def write(path: Path, frames: int = 20, fps: float = 20.0, codec: str = "mp4v") -> Path:
    """A clip of that many frames, numbered by grey level."""
    quieten()
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, SIZE)
    for number in range(frames):
        writer.write(np.full((*SIZE[::-1], 3), number * GREY_STEP, np.uint8))
    writer.release()
    return path


def number(frame: Frame) -> int:
    """Which picture it is, through the codec's loss."""
    return round(float(frame.image.mean()) / GREY_STEP)
