"""Image files as grey faces of 48×48; what cannot be read is named."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from tqdm import tqdm

from train.data.faces import SIDE, DataError, LeftOut

Grey = NDArray[np.uint8]

#: What counts as an image.
SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".tif", ".tiff", ".webp"})
#: Share of images that may be unreadable before a set is refused: a bad disk or download, no longer single files.
MAX_UNREADABLE = 0.01
#: What Pillow's readers were seen to raise on damaged files.
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)


@dataclass(frozen=True, slots=True)
class Images:
    """Images read from files.

    faces: uint8 [N, 48, 48]. kept: intp [N], which of the files they are. sizes: (width, height) as stored ->
    number. unreadable: the other files.
    """

    faces: Grey
    kept: NDArray[np.intp]
    sizes: Counter[tuple[int, int]]
    unreadable: tuple[LeftOut, ...]


def read_grey(path: Path) -> Grey:
    """An image file as upright grey levels, uint8 [H, W]; ValueError or another of Pillow's errors where it is none.

    With Pillow, since OpenCV gives a cut JPEG back with its lower part grey, and complains on stderr.
    """
    with Image.open(path) as stored:
        image = ImageOps.exif_transpose(stored)
        if image.mode.startswith("I;16"):  # which convert("L") would clip, not scale
            return (np.asarray(image) >> 8).astype(np.uint8)
        if image.mode in ("I", "F"):
            raise ValueError(f"pixels of mode {image.mode}, not of 8 or 16 bits")
        return np.asarray(image.convert("L"), np.uint8)


def resized(grey: Grey) -> Grey:
    """A picture of a face at 48×48, by averaging areas; one that is not square is squeezed."""
    if grey.shape == (SIDE, SIDE):
        return grey
    return cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def read_images(
    files: Sequence[Path],
    root: Path,
    max_unreadable: float,
    face_of: Callable[[int, Grey], Grey] = lambda _, grey: resized(grey),
) -> Images:
    """Read image files, with a progress bar; ``face_of(index, grey)`` makes the face [48, 48] of each.

    Raises DataError, naming the first of them, where more than the share ``max_unreadable`` cannot be read.
    """
    faces: list[Grey] = []
    kept: list[int] = []
    sizes: Counter[tuple[int, int]] = Counter()
    broken: list[str] = []
    for index, file in enumerate(tqdm(files, desc=root.name, unit="image", leave=False, disable=None, delay=1)):
        try:
            grey = read_grey(file)
        except _DAMAGED as error:
            reason = str(error).partition(str(file))[0].partition("\n")[0].strip(" '\"") or type(error).__name__
            broken.append(f"{file.relative_to(root)} ({reason})")
            continue
        faces.append(face_of(index, grey))
        kept.append(index)
        sizes[grey.shape[1], grey.shape[0]] += 1
    unreadable = (LeftOut("unreadable images", tuple(broken)),) if broken else ()
    if unreadable and (not faces or len(broken) > max_unreadable * len(files)):
        raise DataError(
            f"{root}: of {len(files):,} images {unreadable[0].describe(3)}; at most {max_unreadable:.1%} may be: "
            "restore or remove them"
        )
    return Images(np.stack(faces), np.array(kept, np.intp), sizes, unreadable)
