"""Text on pictures, in Pillow's own typeface: the same on every machine, readable at every size."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

Image = NDArray[np.uint8]
Colour = tuple[int, int, int]


def write(canvas: Image, text: str, x: float, y: float, size: int, colour: Colour, *, align: str = "left") -> None:
    """Writes a line on a BGR picture; y: its middle. align: where of it x is: left, centre or right.

    What reaches past the picture is cut off.
    """
    mask = _mask(text, size)
    height, width = mask.shape
    left = round(x - {"left": 0.0, "centre": width / 2, "right": float(width)}[align])
    top = round(y - height / 2)
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + width, canvas.shape[1]), min(top + height, canvas.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    alpha = mask[y0 - top : y1 - top, x0 - left : x1 - left, None]
    under = canvas[y0:y1, x0:x1]
    canvas[y0:y1, x0:x1] = np.round(under + (np.array(colour, np.float32) - under) * alpha).astype(np.uint8)


def width_of(text: str, size: int) -> int:
    """How wide a line is, in pixels."""
    return int(_mask(text, size).shape[1])


@lru_cache(maxsize=4096)
def _mask(text: str, size: int) -> NDArray[np.float32]:
    """How much of each pixel the text covers, float32 [H, W]; H is the same for all texts of a size."""
    from PIL import Image as Pictures
    from PIL import ImageDraw

    font = _font(size)
    ascent, descent = font.getmetrics()
    picture = Pictures.new("L", (max(1, round(font.getlength(text)) + 1), ascent + descent))
    ImageDraw.Draw(picture).text((0, ascent), text, fill=255, font=font, anchor="ls")
    mask = np.asarray(picture, np.float32) / np.float32(255)
    mask.flags.writeable = False
    return mask


@lru_cache
def _font(size: int) -> FreeTypeFont:
    from PIL import ImageFont

    font: Any = ImageFont.load_default(size)
    return font  # type: ignore[no-any-return]
