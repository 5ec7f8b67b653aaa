"""What is drawn of a face and no more: a kilobyte instead of the whole mesh, so that a long clip can be kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.state.types import DriverState, ExpressionState
from edge.vision.types import EXPRESSIONS, Box, Eye, Face, Observation

Points = NDArray[np.float32]

# fmt: off
#: Lines along MediaPipe's mesh (its FACEMESH_CONTOURS), as indices of its points.
OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
        152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109, 10)
OUTER_LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185, 61)
INNER_LIPS = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191, 78)
RIGHT_BROW = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46, 70)
LEFT_BROW = (300, 293, 334, 296, 336, 285, 295, 282, 283, 276, 300)
NOSE = (168, 6, 197, 195, 5, 4)
NOSTRILS = (98, 97, 2, 326, 327)
# fmt: on
_MESH_LINES = (OVAL, OUTER_LIPS, INNER_LIPS, RIGHT_BROW, LEFT_BROW, NOSE, NOSTRILS)
_OF_MESH = np.concatenate([np.array(line) for line in _MESH_LINES])
_CUTS = np.cumsum([len(line) for line in _MESH_LINES])[:-1]
# The contour's first 16 points are the lids': the lower lid from corner to corner, then the upper without the corners.
_LIDS = (*range(9), *range(15, 8, -1), 0)


@dataclass(frozen=True, slots=True)
class EyeSketch:
    """One eye. lids: closed line, float32 [17, 2]. iris: x, y and radius, None where the eye can't be read."""

    lids: Points
    iris: tuple[float, float, float] | None


@dataclass(frozen=True, slots=True)
class FaceSketch:
    """One face, in pixels of the frame.

    mesh: points on the lines of the mesh, float32 [N, 2]; see ``lines``. "right" and "left" are the person's own.
    label, probabilities: the apparent expression as published, the seven in the order of EXPRESSIONS.
    """

    track_id: str
    box: Box
    mesh: Points
    right_eye: EyeSketch | None
    left_eye: EyeSketch | None
    is_driver: bool
    label: str | None
    probabilities: tuple[float, ...] | None

    @property
    def lines(self) -> list[Points]:
        """The face's oval, lips, brows and nose."""
        return list(np.split(self.mesh, _CUTS))

    @property
    def hull(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the box and all that is drawn within it."""
        box, points = self.box, self.mesh
        low, high = points.min(axis=0), points.max(axis=0)
        return (
            min(box.x, float(low[0])),
            min(box.y, float(low[1])),
            max(box.x + box.width, float(high[0])),
            max(box.y + box.height, float(high[1])),
        )


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame, without its pixels: when it was taken, and what was read and judged."""

    t_s: float
    faces: tuple[FaceSketch, ...]
    driver: DriverState | None


def take(observation: Observation, driver: DriverState | None, expressions: Iterable[ExpressionState]) -> Shot:
    """What is to be drawn on a frame."""
    shown = {state.track_id: state for state in expressions}
    track_id = None if driver is None else driver.track_id
    faces = tuple(_sketch(face, shown.get(face.track_id), track_id) for face in observation.faces)
    return Shot(observation.t_s, faces, driver)


def _sketch(face: Face, shown: ExpressionState | None, driver_track: str | None) -> FaceSketch:
    return FaceSketch(
        track_id=face.track_id,
        box=face.box,
        mesh=face.landmarks[_OF_MESH, :2].astype(np.float32),
        right_eye=_eye(face.right_eye),
        left_eye=_eye(face.left_eye),
        is_driver=face.track_id == driver_track,
        label=None if shown is None else shown.label,
        probabilities=None if shown is None else tuple(shown.probabilities[name] for name in EXPRESSIONS),
    )


def _eye(eye: Eye | None) -> EyeSketch | None:
    if eye is None:
        return None
    iris = None
    if eye.aspect_ratio is not None:
        x, y = (float(value) for value in eye.iris[0, :2])
        iris = (x, y, float(np.linalg.norm(eye.iris[1:, :2] - eye.iris[0, :2], axis=1).mean()))
    return EyeSketch(eye.contour[_LIDS, :2].astype(np.float32), iris)
