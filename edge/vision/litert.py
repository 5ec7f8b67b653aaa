"""MediaPipe's face models run directly in LiteRT: detect rarely, track between."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.vision.backend import FoundEye, FoundFace, Stopwatch, unwatched
from edge.vision.detector import Detector
from edge.vision.geometry import landmarks_box
from edge.vision.iris import IrisModel
from edge.vision.mesh import FaceMesh, region_of_detection, region_of_landmarks
from edge.vision.region import Region
from edge.vision.settings import VisionSettings
from edge.vision.tracks import distinct
from edge.vision.types import Array, EyeSource


class LiteRtFinder:
    """Finds faces with BlazeFace, the face mesh and the iris model (a ``FaceFinder``).

    A face found once is followed from its own landmarks. The detector runs while no face is in view, in the frame
    where one was lost, and every ``detect_every_s`` while there is room for more.
    """

    def __init__(self, folder: Path, settings: VisionSettings, stopwatch: Stopwatch = unwatched) -> None:
        """Loads the models from ``folder``. Raises VisionError naming a file that is missing or broken."""
        self._settings = settings
        self._watch = stopwatch
        self.detector = Detector(folder, settings.threads, settings.min_detection_score)
        self._mesh = FaceMesh(folder, settings.threads)
        self._iris = IrisModel(folder, settings.threads) if settings.eyes else None
        self._regions: list[Region] = []
        self._detected_s = -np.inf

    @property
    def eye_source(self) -> EyeSource:
        """The iris model."""
        return "iris"

    def find(self, image: NDArray[np.uint8], t_s: float) -> list[FoundFace]:
        """The faces in a BGR uint8 image [H, W, 3] taken at ``t_s``, at most ``max_faces``, those followed first."""
        faces = self._read(image, self._regions)
        lost = len(faces) < len(self._regions)
        if len(faces) < self._settings.max_faces and (lost or not faces or self._due(t_s)):
            self._detected_s = t_s
            faces = self._read(image, self._new_regions(image), faces)
        self._regions = [region_of_landmarks(landmarks) for landmarks, _ in faces]
        return [self._found(image, landmarks, score) for landmarks, score in faces]

    def adjust(self, settings: VisionSettings) -> None:
        """Takes over the most faces, the least presence, how often to detect, and whether eyes are read."""
        self._settings = settings

    def close(self) -> None:
        """Forgets the faces followed."""
        self._regions = []

    def _due(self, t_s: float) -> bool:
        return not 0 <= t_s - self._detected_s < self._settings.detect_every_s

    def _new_regions(self, image: NDArray[np.uint8]) -> list[Region]:
        with self._watch("detect"):
            detections = self.detector.detect(image)
        nearest_first = sorted(detections, key=lambda found: -found.box.width)
        return [region_of_detection(found) for found in nearest_first]

    def _read(
        self, image: NDArray[np.uint8], regions: list[Region], known: list[tuple[Array, float]] | None = None
    ) -> list[tuple[Array, float]]:
        """``known`` faces and those that the mesh sees in ``regions``, each once."""
        faces = list(known or [])
        for region in regions:
            if len(faces) >= self._settings.max_faces:
                break
            with self._watch("mesh"):
                landmarks, score = self._mesh.read(image, region)
            if score >= self._settings.min_presence:
                faces.append((landmarks, score))
        return [faces[at] for at in distinct([landmarks_box(landmarks) for landmarks, _ in faces])]

    def _found(self, image: NDArray[np.uint8], landmarks: Array, score: float) -> FoundFace:
        eyes: list[FoundEye | None] = [None, None]
        if self._iris is not None and self._settings.eyes:
            with self._watch("iris"):
                eyes = [self._iris.read(image, landmarks, left=left) for left in (False, True)]
        return FoundFace(landmarks_box(landmarks), score, landmarks, *eyes)
