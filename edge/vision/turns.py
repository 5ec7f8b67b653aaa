"""The iris model by turns: one eye a frame, and both once one of them is not wide open.

The model is the larger part of a frame's time, and two lids close together. An eye whose turn it is not keeps the shape
that it had and moves along with the face. What that does to the closures found: docs/speed/eyelids.md, which
``python -m tests.bench.eyelids`` writes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from edge.vision.backend import FoundEye
from edge.vision.iris import SIZE, IrisModel, aspect_ratio, region_of_eye
from edge.vision.types import Array

#: Wide open is an eye at this share of the widest that it was of late.
OPEN = 0.9
#: What is left of that width after each reading: half after 70, a few seconds.
FORGET = 0.99


@dataclass(slots=True)
class _Eye:
    """One eye as it was read last, and the aspect ratio of the widest that it was of late."""

    found: FoundEye
    widest: float = 0.0

    def take(self, found: FoundEye) -> bool:
        """It was read so; whether it is wide open."""
        ratio = aspect_ratio(found.contour)
        self.found, self.widest = found, max(self.widest * FORGET, ratio)
        return ratio >= OPEN * self.widest


@dataclass(slots=True)
class _Pair:
    """The eyes of one face by left, and which one's turn it is."""

    eyes: dict[bool, _Eye] = field(default_factory=dict)
    left_next: bool = False


class EyesByTurns:
    """Reads the eyes of faces that are known by a number."""

    def __init__(self, model: IrisModel) -> None:
        self._model = model
        self._pairs: dict[int, _Pair] = {}

    def read(self, image: NDArray[np.uint8], landmarks: Array, number: int) -> tuple[FoundEye, FoundEye]:
        """The right and the left eye of face ``number`` with these mesh ``landmarks`` in the BGR ``image``.

        One that was not read anew has the crop and the points in it of when it was.
        """
        pair = self._pairs.setdefault(number, _Pair())
        first, second = pair.left_next, not pair.left_next
        pair.left_next = second
        if not self._ask(pair, image, landmarks, left=first) or second not in pair.eyes:
            self._ask(pair, image, landmarks, left=second)
        else:
            eye = pair.eyes[second]
            eye.found = moved(eye.found, landmarks, left=second)
        return pair.eyes[False].found, pair.eyes[True].found

    def keep(self, numbers: set[int]) -> None:
        """Forgets all faces but these."""
        self._pairs = {number: pair for number, pair in self._pairs.items() if number in numbers}

    def _ask(self, pair: _Pair, image: NDArray[np.uint8], landmarks: Array, *, left: bool) -> bool:
        found = self._model.read(image, landmarks, left=left)
        return pair.eyes.setdefault(left, _Eye(found)).take(found)


def moved(eye: FoundEye, landmarks: Array, *, left: bool) -> FoundEye:
    """An eye that the iris model read, where the face has it now."""
    if eye.points is None:
        raise ValueError("an eye without points in its crop cannot be moved")
    points = region_of_eye(landmarks, left=left).to_image(eye.points, SIZE)
    return replace(eye, contour=points[:-5], iris=points[-5:])
