"""The mediapipe package as a backend: its own graphs, in an environment of its own.

Its attention mesh has the sharpest eyelids of all sources (its custom operators run nowhere else). mediapipe
cannot share an environment with TensorFlow, and pulls in an OpenCV that needs libGL.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.backend import FoundEye, FoundEyes, FoundFace, VisionError
from edge.vision.geometry import landmarks_box
from edge.vision.iris import LEFT_CONTOUR, RIGHT_CONTOUR
from edge.vision.settings import VisionSettings
from edge.vision.types import Array, Box, EyeSource

MESH_POINTS = 468
#: Rows of the refined mesh [478, 3], behind the mesh proper: each iris as centre and four points of its edge.
RIGHT_IRIS, LEFT_IRIS = slice(468, 473), slice(473, 478)
#: Later releases have no ``mp.solutions``, and report usage to Google over the network.
LAST_RELEASE = (0, 10, 21)


class MediaPipeFinder:
    """Finds faces with ``mp.solutions.face_mesh`` (a ``FaceFinder``), tracking between images as mediapipe does.

    mediapipe searches every image while it follows fewer than ``max_faces``: ``detect_every_s`` has no say here.
    """

    def __init__(self, settings: VisionSettings) -> None:
        """Starts mediapipe's graph. Raises VisionError where mediapipe is missing, too new or cannot be imported."""
        self._eyes = settings.eyes
        self._mesh = _face_mesh_module().FaceMesh(
            max_num_faces=settings.max_faces,
            refine_landmarks=settings.eyes,
            min_detection_confidence=settings.min_detection_score,
            min_tracking_confidence=settings.min_presence,
        )

    @property
    def eye_source(self) -> EyeSource:
        """The attention mesh."""
        return "attention"

    @property
    def unread(self) -> list[tuple[int, Box]]:
        """None: mediapipe reads every face every time."""
        return []

    def find(self, image: NDArray[np.uint8], t_s: float) -> list[FoundFace]:  # noqa: ARG002 - of the protocol
        """The faces in a BGR uint8 image [H, W, 3], each with score 1.0: mediapipe keeps its score to itself."""
        found = self._mesh.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)).multi_face_landmarks or []
        return [self._face(points_in_pixels(face, image.shape[1], image.shape[0])) for face in found]

    def eyes(self, image: NDArray[np.uint8], faces: Sequence[FoundFace]) -> list[FoundEyes | None]:  # noqa: ARG002
        """Those that came with the faces."""
        return [face.eyes for face in faces]

    def adjust(self, settings: VisionSettings) -> None:
        """Nothing: mediapipe's graph is set when it starts."""

    def close(self) -> None:
        """Ends mediapipe's graph."""
        self._mesh.close()

    def _face(self, points: Array) -> FoundFace:
        mesh = points[:MESH_POINTS]
        if not self._eyes:
            return FoundFace(landmarks_box(mesh), 1.0, mesh)
        right = FoundEye(points[list(RIGHT_CONTOUR)], points[RIGHT_IRIS])
        left = FoundEye(points[list(LEFT_CONTOUR)], points[LEFT_IRIS])
        return FoundFace(landmarks_box(mesh), 1.0, mesh, (right, left))


def points_in_pixels(face: Any, width: int, height: int) -> Array:  # noqa: ANN401 - mediapipe ships no types
    """A NormalizedLandmarkList as float32 [n, 3] in pixels; its z is on x's scale."""
    points = np.array([(point.x, point.y, point.z) for point in face.landmark], dtype=np.float32)
    return points * np.array([width, height, width], dtype=np.float32)


def _face_mesh_module() -> Any:  # noqa: ANN401 - mediapipe ships no types
    way_out = "in an environment of its own run: pip install 'mien[mediapipe]'"
    try:
        version = metadata.version("mediapipe")
    except metadata.PackageNotFoundError:
        raise VisionError(f"vision.backend: mediapipe is not installed; {way_out}") from None
    if tuple(int(part) for part in version.split(".")[:3]) > LAST_RELEASE:
        raise VisionError(f"vision.backend: mediapipe {version} has no mp.solutions (0.10.21 is the last); {way_out}")
    try:
        from mediapipe.python.solutions import face_mesh
    except ImportError as error:
        raise VisionError(f"vision.backend: mediapipe {version} cannot be imported ({error}); {way_out}") from None
    return face_mesh
