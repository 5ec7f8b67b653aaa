"""A photo, taken for a clip of one picture: shown for a while, and what was read at last is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from edge.camera import Camera, CameraError, CameraSettings, Frame
from edge.camera.capture import Image, quieten
from edge.camera.framing import Framing
from edge.config import Config
from edge.daemon import Step

#: What OpenCV's wheels read everywhere, and the formats that cameras and phones export.
PHOTO_SUFFIXES = frozenset((".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"))

#: How often a photo is shown: with 4 tiles to a side there are 26 places to look at, two at each showing, and a face
#: that is found takes some more until it is settled and its expression is told. They are so far apart in time.
LOOKS: Final = 30
_EVERY_S: Final = 0.1


class PhotoCamera(Camera):
    """Shows a photo LOOKS times.

    Args:
        path: the picture; turned upright where it says how it was held (EXIF).
        settings: id, rotate, mirror and region count here.

    Raises:
        CameraError: when it is no picture that can be read.
    """

    def __init__(self, path: Path, settings: CameraSettings) -> None:
        self._image = Framing(settings).apply(_read(path))
        self._shown = 0
        height, width = self._image.shape[:2]
        super().__init__(settings.id, (width, height), 1 / _EVERY_S, LOOKS)

    def __next__(self) -> Frame:
        if self._shown >= LOOKS:
            self._become("ended")
            raise StopIteration
        seq, self._shown = self._shown, self._shown + 1
        return Frame(self._image, seq * _EVERY_S, seq * _EVERY_S, seq, self.id)

    def at_hand(self) -> int:
        """See Camera."""
        return LOOKS - self._shown

    def close(self) -> None:
        """Shows it no more."""
        self._shown = LOOKS


def is_photo(path: Path) -> bool:
    """Whether a file is taken for a photo: by its name."""
    return path.suffix.lower() in PHOTO_SUFFIXES


def without_time(config: Config) -> Config:
    """A configuration for what stands still: all is read at each look, and nobody's eyes have been shut for long."""
    vision = {
        "detect_every_s": 0.0,
        "expression_every_s": 0.0,
        "mesh_every_s": 0.0,
        "read_faces": None,
        "eyes_by_turns": False,
    }
    return config.model_copy(
        update={
            "vision": config.vision.model_copy(update=vision),
            "state": config.state.model_copy(update={"driver": False}),
        }
    )


def last_look(steps: Iterable[Step]) -> Iterator[Step]:
    """What was read and judged at the last showing, as of one moment, in which nothing can have happened."""
    for step in islice(steps, LOOKS - 1, LOOKS):
        seen = step.observation
        yield replace(step, observation=seen and replace(seen, t_s=0.0, wall_time=0.0, seq=0), events=())


def _read(path: Path) -> Image:
    quieten()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CameraError(f"{path}: {error.strerror or error}; name a file that can be read") from None
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    except cv2.error:  # larger than OpenCV's limit of pixels
        image = None
    if image is None:
        raise CameraError(f"{path} is no picture that can be read here, or is cut off; give a whole JPEG or PNG")
    return np.asarray(image, dtype=np.uint8)
