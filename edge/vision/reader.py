"""One frame in, an observation out: the only place that sees pixels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.camera.frame import Frame
from edge.vision.backend import FaceFinder, FoundFace, Stopwatch, unwatched
from edge.vision.crop import expression_crop
from edge.vision.expression import ExpressionModel
from edge.vision.eye import read_eye
from edge.vision.eye_look import look_at
from edge.vision.gaze import gaze_of
from edge.vision.geometry import Head, find_head, mouth_opening, proportions
from edge.vision.landmarker import Landmarker
from edge.vision.likeness import Seen
from edge.vision.litert import LiteRtFinder
from edge.vision.quality import QualityMeter
from edge.vision.settings import VisionSettings
from edge.vision.tracks import Tracks
from edge.vision.types import Array, Eye, Face, HeadPose, Observation, Unread

#: Beyond this yaw no expression is read: FER2013 holds hardly any such face (95 % lie within 36°).
EXPRESSION_MAX_YAW_DEG = 45.0
#: Beyond this yaw the mesh guesses the face's far half, and its proportions drift.
PROPORTIONS_MAX_YAW_DEG = 35.0


class FaceReader:
    """Reads faces frame by frame, keeping track of who is who. Use as a context manager, from one thread.

    reads_expressions: whether the expression model, where there is one, runs; may be changed between two frames.
    """

    def __init__(
        self,
        settings: VisionSettings,
        *,
        face_models: Path,
        expression: ExpressionModel | None = None,
        seed: int | None = None,
        stopwatch: Stopwatch = unwatched,
    ) -> None:
        """Loads the models.

        ``face_models`` is the folder of MediaPipe's models (not used by the mediapipe backend), ``expression`` the
        expression model, None to go without. With a ``seed`` the track ids are the same on every run.
        ``stopwatch`` times the stages of each reading.
        Raises VisionError naming the file that is missing or broken.
        """
        # Else OpenCV would wake a thread on every core to cut out an eye.
        cv2.setNumThreads(settings.threads)
        self.reads_expressions = True
        self._settings = settings
        self._watch = stopwatch
        self._finder = _finder(settings, face_models, stopwatch)
        self._landmarker: Landmarker | None = None
        if settings.landmarker is not None and settings.eyes:
            self._landmarker = Landmarker(settings.landmarker, settings.threads)
        self._expression = expression if settings.expression else None
        self._expression_read_s: dict[str, float] = {}
        self._quality = QualityMeter()
        #: By the finder's number: a face's track id, and when it was read last.
        self._read: dict[int, tuple[str, float]] = {}
        self._tracks = Tracks(Random(seed))  # noqa: S311 - names, not secrets

    def __enter__(self) -> FaceReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the models."""
        self._finder.close()

    @property
    def settings(self) -> VisionSettings:
        """What holds for the next frame. Set, of it counts what needs no other models.

        That is ``max_faces``, ``read_faces``, ``min_presence``, ``detect_every_s``, ``detect_tiles`` and
        ``expression_every_s``; ``eyes`` and ``landmarker`` can be switched off, and on again where their models were
        loaded. The mediapipe backend takes ``expression_every_s`` alone.
        """
        return self._settings

    @settings.setter
    def settings(self, settings: VisionSettings) -> None:
        self._settings = settings
        self._finder.adjust(settings)

    @property
    def expression_sha256(self) -> str | None:
        """The expression model's hash, for the events that rest on it; None without one."""
        return self._expression.sha256 if self._expression else None

    @property
    def expression_name(self) -> str | None:
        """The expression model's name; None without one."""
        return self._expression.name if self._expression else None

    @property
    def expression_fallback(self) -> str | None:
        """Why the expression model runs in another's place; None where it is the one that was asked for."""
        return self._expression.fallback if self._expression else None

    def read(self, frame: Frame) -> Observation:
        """All that can be read from one frame. Frames come in the order of their ``t_s``."""
        image = frame.image
        found = sorted(self._finder.find(image, frame.t_s), key=lambda face: -face.box.width * face.box.height)
        unread = self._unread()
        waiting = [face.track_id for face in unread]
        seen = [Seen.of(face.landmarks, self._followed_as(face)) for face in found]
        names = self._tracks.name(seen, frame.t_s, waiting)
        for face, name in zip(found, names, strict=True):
            if face.number is not None:
                self._read[face.number] = name, frame.t_s
        known = {*names, *waiting}
        self._read = {number: last for number, last in self._read.items() if last[0] in known}
        self._expression_read_s = {name: at for name, at in self._expression_read_s.items() if name in known}
        faces = tuple(self._face(image, face, name, frame.t_s) for face, name in zip(found, names, strict=True))
        with self._watch("quality"):
            quality = self._quality.read(image, faces[0].box if faces else None, frame.t_s)
        return Observation(
            t_s=frame.t_s,
            wall_time=frame.wall_time,
            seq=frame.seq,
            camera=frame.camera,
            size=(image.shape[1], image.shape[0]),
            faces=faces,
            quality=quality,
            eye_source=self._finder.eye_source,
            unread=unread,
        )

    def _followed_as(self, face: FoundFace) -> str | None:
        read = None if face.number is None else self._read.get(face.number)
        return None if read is None else read[0]

    def _unread(self) -> tuple[Unread, ...]:
        return tuple(
            Unread(name, box, read_s)
            for number, box in self._finder.unread
            if number in self._read
            for name, read_s in [self._read[number]]
        )

    def _face(self, image: NDArray[np.uint8], found: FoundFace, name: str, t_s: float) -> Face:
        head = find_head(found.landmarks, (image.shape[1], image.shape[0]))
        pose = head.pose if head else None
        right, left = self._eyes(image, found, head)
        return Face(
            box=found.box,
            score=found.score,
            landmarks=found.landmarks,
            track_id=name,
            right_eye=right,
            left_eye=left,
            mouth_opening=mouth_opening(found.landmarks),
            pose=pose,
            expression=self._expression_of(image, found.landmarks, pose, name, t_s),
            gaze=gaze_of(right, left, head) if right and left and head else None,
            proportions=proportions(found.landmarks) if pose and abs(pose.yaw_deg) <= PROPORTIONS_MAX_YAW_DEG else None,
        )

    def _eyes(self, image: NDArray[np.uint8], found: FoundFace, head: Head | None) -> tuple[Eye | None, Eye | None]:
        """The right and the left one."""
        size = (image.shape[1], image.shape[0])
        eyes: list[Eye | None] = []
        with self._watch("lids"):
            for eye, left in ((found.right_eye, False), (found.left_eye, True)):
                if eye is None:
                    eyes.append(None)
                    continue
                look = look_at(image, found.landmarks, eye, left=left)
                eyes.append(read_eye(eye, look, head, size, left=left, score=found.score))
        landmarker = self._landmarker if self._settings.landmarker is not None else None
        if landmarker is not None and any(eye and eye.trouble is None for eye in eyes):
            with self._watch("landmarker"):
                blinks = landmarker.blinks(image, found.landmarks)
            eyes = [eye and replace(eye, blink=blink) for eye, blink in zip(eyes, blinks or (None, None), strict=True)]
        right, left_ = eyes
        return right, left_

    def _expression_of(
        self, image: NDArray[np.uint8], landmarks: Array, pose: HeadPose | None, name: str, t_s: float
    ) -> Array | None:
        if self._expression is None or not self.reads_expressions:
            return None
        if pose is None or abs(pose.yaw_deg) > EXPRESSION_MAX_YAW_DEG:
            return None
        if 0 <= t_s - self._expression_read_s.get(name, -np.inf) < self._settings.expression_every_s:
            return None
        self._expression_read_s[name] = t_s
        with self._watch("crop"):
            crop = expression_crop(image, landmarks)
        with self._watch("expression"):
            return self._expression.probabilities(crop)


def _finder(settings: VisionSettings, face_models: Path, stopwatch: Stopwatch) -> FaceFinder:
    if settings.backend == "litert":
        return LiteRtFinder(face_models, settings, stopwatch)
    # Lives in an environment of its own, so it is asked for only where it is chosen.
    from edge.vision.mediapipe_backend import MediaPipeFinder

    return MediaPipeFinder(settings)
