"""What is benched: a clip's frames, or the puppet's, with several faces side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from math import ceil
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.camera import CameraSettings, Frame, open_camera
from edge.errors import MienError

#: A canvas of several faces is no larger than a camera's picture.
LARGEST = (1920, 1080)
#: The puppet's, when no clip is named: blinks, and a closure long enough for events.
_SECONDS, _BLINKS, _CLOSURES = 10.0, (1.0, 2.0), ((3.0, 8.0),)


@dataclass(frozen=True, slots=True)
class Scene:
    """What the report calls it, what gives its frames anew, and whether they are decoded then, as a camera's are."""

    name: str
    frames: Callable[[], Iterator[Frame]]
    decoded: bool


def scene_of(clip: Path | None, most: int) -> Scene:
    """The first ``most`` frames of a clip, or of the puppet. Raises MienError where there is no such thing."""
    if clip is None:
        return Scene("the puppet", lambda: iter(_puppet(most)), decoded=False)

    def frames() -> Iterator[Frame]:
        with open_camera(str(clip), CameraSettings(realtime=False)) as camera:
            yield from islice(camera, most)

    return Scene(clip.name, frames, decoded=True)


@cache  # drawing it takes longer than reading it
def _puppet(most: int) -> list[Frame]:
    try:
        from edge.demo.puppet import Script, frames
    except ImportError:
        raise MienError(
            "the puppet's portrait lies in scikit-image; pip install 'mien[demo]', or name a clip"
        ) from None
    drawn = frames(Script(duration_s=_SECONDS, blinks=_BLINKS, closures=_CLOSURES))
    return [
        Frame(image, t_s, wall_time=t_s, seq=seq, camera="puppet")
        for seq, (t_s, image) in enumerate(islice(drawn, most))
    ]


def tiled(frame: Frame, faces: int) -> Frame:
    """The frame ``faces`` times side by side, shrunk where the whole would be larger than ``LARGEST``."""
    if faces == 1:
        return frame
    height, width = frame.image.shape[:2]
    # As square as it can be, so that no face gets too small for the detector.
    columns = min(range(1, faces + 1), key=lambda count: (max(count * width, ceil(faces / count) * height), -count))
    rows = ceil(faces / columns)
    longest, shortest = sorted((columns * width, rows * height), reverse=True)
    shrink = min(LARGEST[0] / longest, LARGEST[1] / shortest, 1.0)
    size = (round(width * shrink), round(height * shrink))
    tile = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA) if shrink < 1 else frame.image
    canvas: NDArray[np.uint8] = np.zeros((rows * size[1], columns * size[0], 3), np.uint8)
    for number in range(faces):
        row, column = divmod(number, columns)
        canvas[row * size[1] : (row + 1) * size[1], column * size[0] : (column + 1) * size[0]] = tile
    return replace(frame, image=canvas)
