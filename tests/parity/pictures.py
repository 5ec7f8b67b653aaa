"""The pictures that both sides read; this runs in mediapipe's environment too, so it imports nothing of edge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

Image = NDArray[np.uint8]

#: Where the photos lie, beside the checkout; they are never part of it.
PHOTOS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "photos"
#: Several people each. The detector misses faces that are small in the picture, so quarters are read too.
_PHOTOS = ("five-faces.jpg", "crowd.jpg")
#: Degrees, counter-clockwise, that the portrait is turned by, for tilted heads.
_TILTS = (-30, 30)


def portraits() -> Iterator[tuple[str, Image]]:
    """Name and BGR uint8 image of scikit-image's public-domain portrait: as it is, tilted, and not square."""
    portrait = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    yield "portrait", _uint8(portrait)
    height, width = portrait.shape[:2]
    for degrees in _TILTS:
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
        tilted = cv2.warpAffine(portrait, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
        yield f"portrait tilted {degrees:+}°", _uint8(tilted)
    yield "portrait, wide", _uint8(cv2.copyMakeBorder(portrait, 0, 0, 0, 170, cv2.BORDER_REFLECT_101))
    yield "portrait, tall", _uint8(cv2.copyMakeBorder(portrait, 0, 170, 0, 0, cv2.BORDER_REFLECT_101))


def photos(folder: Path = PHOTOS) -> Iterator[tuple[str, Image]]:
    """Name and BGR uint8 image of each photo in ``folder``, whole and in quarters; none where there is no folder."""
    for name in _PHOTOS if folder.is_dir() else ():
        image = cv2.imread(str(folder / name))
        if image is None:
            raise FileNotFoundError(f"{folder / name}: no picture")
        yield name, _uint8(image)
        height, width = image.shape[0] // 2, image.shape[1] // 2
        for row, top in (("top", 0), ("bottom", height)):
            for column, left in (("left", 0), ("right", width)):
                yield f"{name}, {row} {column}", _uint8(image[top : top + height, left : left + width])


def _uint8(image: cv2.typing.MatLike) -> Image:
    return np.ascontiguousarray(image, dtype=np.uint8)
