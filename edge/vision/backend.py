"""What finds faces: the small interface that the LiteRT and the mediapipe backends share."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.errors import MienError
from edge.vision.settings import VisionSettings
from edge.vision.types import Array, Box, EyeSource


class VisionError(MienError):
    """A model that is missing, broken or not the one that its manifest names."""


@dataclass(frozen=True, slots=True)
class FoundEye:
    """One eye's points in pixels of the image, and what it was read from.

    contour: lids and brow, float32 [71, 3], in the order of ``iris.RIGHT_CONTOUR`` or ``iris.LEFT_CONTOUR``.
    iris: centre, then right, top, left, bottom as the picture shows them, float32 [5, 3].
    crop: the eye cut out as ``iris.region_of_eye`` says, RGB uint8 [64, 64, 3]; points: contour and iris in its
    pixels, float32 [76, 3]. None from a backend that does not cut eyes out. An eye that was not read anew in this image
    has them of when it was.
    """

    contour: Array
    iris: Array
    crop: NDArray[np.uint8] | None = None
    points: Array | None = None


#: The person's own right and left eye.
FoundEyes = tuple[FoundEye, FoundEye]


@dataclass(frozen=True, slots=True)
class FoundFace:
    """One face in one image, before it has an identity in time.

    box: the upright rectangle around the landmarks (``geometry.landmarks_box``), whichever backend found them.
    score: 0..1, the mesh model's face presence, or 1.0 from a backend that only tells present from absent.
    landmarks: float32 [468, 3], x and y in pixels of the image, z on the same scale. eyes: the person's own right and
    left one, from a backend that reads them along with the face. number: the finder's own for a face that it follows,
    as in ``FaceFinder.unread``; None from a backend that reads every face every time. beside: the numbers of faces that
    were in view together with it before it had one.
    """

    box: Box
    score: float
    landmarks: Array
    eyes: FoundEyes | None = None
    number: int | None = None
    beside: frozenset[int] = frozenset()


class Stopwatch(Protocol):
    """Times what vision does, stage by stage: detect, mesh, iris, lids, landmarker, crop, expression, quality.

    And all that is done of a frame to find the faces, and then to observe them but for the iris model: find, observe.
    These three may run at once, in threads of their own, each for another frame.
    """

    def __call__(self, stage: str) -> AbstractContextManager[None]:
        """A context that lasts as long as one run of a stage."""


#: What a stopwatch is told besides the stages.
WHOLES = ("find", "observe")
_UNWATCHED = nullcontext()


def unwatched(stage: str) -> AbstractContextManager[None]:  # noqa: ARG001 - of the protocol
    """The stopwatch of nobody: takes a tenth of a microsecond."""
    return _UNWATCHED


class FaceFinder(Protocol):
    """Finds faces in successive images of one source, tracking between them as it sees fit."""

    @property
    def eye_source(self) -> EyeSource:
        """Which model the eyes' contours come from."""

    @property
    def unread(self) -> list[tuple[int, Box]]:
        """The faces followed but not read in the last image, for others' sake: number, and where it should be."""

    def find(self, image: NDArray[np.uint8], t_s: float) -> list[FoundFace]:
        """The faces in a BGR uint8 image [H, W, 3] taken at ``t_s`` seconds of capture time, in any order."""

    def eyes(self, image: NDArray[np.uint8], faces: Sequence[FoundFace]) -> list[FoundEyes | None]:
        """The eyes of all ``faces`` that ``find`` found in the image; None where eyes are not asked for.

        For one image after another, as ``find``, which may be at the next one in another thread meanwhile.
        """

    def adjust(self, settings: VisionSettings) -> None:
        """From the next image on takes of ``settings`` what can be changed while running."""

    def close(self) -> None:
        """Lets go of the models; ``find`` may not be called afterwards."""
