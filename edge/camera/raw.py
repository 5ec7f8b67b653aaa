"""Raw pictures from a pipe: how many bytes each one takes, and how they become BGR."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

import cv2
import numpy as np

from edge.camera.capture import Image

RawFormat = Literal["bgr24", "rgb24", "gray8", "yuv420p", "nv12", "y4m"]
RAW_FORMATS: Final[tuple[RawFormat, ...]] = get_args(RawFormat)

#: A stream that tells its own size (YUV4MPEG2): a line on the whole, then before each picture a line of its own.
Y4M_MAGIC = b"YUV4MPEG2"
Y4M_FRAME = b"FRAME"

_TO_BGR = {
    "rgb24": cv2.COLOR_RGB2BGR,
    "gray8": cv2.COLOR_GRAY2BGR,
    "yuv420p": cv2.COLOR_YUV2BGR_I420,
    "nv12": cv2.COLOR_YUV2BGR_NV12,
}

#: More than any camera gives: a header that asks for more is garbage, and would ask for the memory.
_MAX_SIDE = 16384


@dataclass(frozen=True, slots=True)
class Layout:
    """What the bytes of one picture mean. Raises ValueError where the format cannot have the size."""

    format: RawFormat
    width: int
    height: int

    def __post_init__(self) -> None:
        if not (0 < self.width <= _MAX_SIDE and 0 < self.height <= _MAX_SIDE):
            raise ValueError(f"{self.width} × {self.height} is no picture's size")
        if self.format in ("yuv420p", "nv12") and (self.width % 2 or self.height % 2):
            raise ValueError(f"{self.width} × {self.height}: {self.format} needs even numbers")

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the uint8 array that holds one picture's bytes."""
        match self.format:
            case "bgr24" | "rgb24":
                return self.height, self.width, 3
            case "gray8":
                return self.height, self.width
        return self.height * 3 // 2, self.width

    def to_bgr(self, raw: Image) -> Image:
        """BGR uint8 [H, W, 3]; ``raw`` itself where it is BGR already."""
        if self.format == "bgr24":
            return raw
        return np.asarray(cv2.cvtColor(raw, _TO_BGR[self.format]), dtype=np.uint8)


def y4m_layout(header: bytes) -> tuple[Layout, float | None]:
    """What a YUV4MPEG2 header says: the layout, and frames a second if it says so. Raises ValueError."""
    magic, *fields = header.decode("ascii", "replace").split()
    if magic != Y4M_MAGIC.decode():
        raise ValueError("it does not begin with YUV4MPEG2")
    said = {field[0]: field[1:] for field in fields}
    colours = said.get("C", "420")
    # Of the kinds of 4:2:0 only 8-bit ones lie in memory alike: 420, 420jpeg, 420mpeg2, 420paldv.
    if colours != "mono" and (not colours.startswith("420") or colours.startswith("420p1")):
        raise ValueError(f"its colours are {colours}; 420 or mono can be read: add -pix_fmt yuv420p or the like")
    if not (said.get("W", "").isdecimal() and said.get("H", "").isdecimal()):
        raise ValueError("its header names no size")
    over, _, under = said.get("F", "").partition(":")
    fps = int(over) / int(under) if over.isdecimal() and under.isdecimal() and int(under) else None
    return Layout("gray8" if colours == "mono" else "yuv420p", int(said["W"]), int(said["H"])), fps or None
