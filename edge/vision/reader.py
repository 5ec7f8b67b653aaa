"""One frame in, an observation out: the only place that sees pixels."""

from __future__ import annotations

from pathlib import Path
from random import Random
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from edge.camera.frame import Frame
from edge.vision.backend import FaceFinder, FoundEye, FoundFace
from edge.vision.crop import expression_crop
from edge.vision.expression import ExpressionModel
from edge.vision.geometry import head_pose, mouth_opening, quality
from edge.vision.iris import LIDS, aspect_ratio, eye_contrast, eye_width
from edge.vision.litert import LiteRtFinder
from edge.vision.settings import VisionSettings
from edge.vision.tracks import Tracks
from edge.vision.types import Array, Eye, Face, HeadPose, Observation

#: Down to this width a clip made smaller step by step kept its ratios (0.07 closed, 0.32 open); below, closed rises.
MIN_EYE_WIDTH_PX = 8.0
#: An eye in the dark reads open when it is closed: the same clip made darker, with a camera's noise and compression,
#: read closed as 0.10 at 33 grey levels, 0.15 at 19, 0.28 at 9, against 0.32 to 0.34 open. From about 26 down a
#: closed eye is more than a fifth open.
MIN_EYE_CONTRAST = 30.0
#: Beyond this yaw the bridge of the nose hides part of the far eye; beyond the second the near one is seen in profile.
FAR_EYE_MAX_YAW_DEG = 35.0
NEAR_EYE_MAX_YAW_DEG = 55.0
#: Beyond this yaw no expression is read: FER2013 holds hardly any such face (95 % lie within 36°).
EXPRESSION_MAX_YAW_DEG = 45.0


class FaceReader:
    """Reads faces frame by frame, keeping track of who is who. Use as a context manager, from one thread."""

    def __init__(
        self,
        settings: VisionSettings,
        *,
        face_models: Path,
        expression_bundle: Path | None = None,
        seed: int | None = None,
    ) -> None:
        """Loads the models.

        ``face_models`` is the folder of MediaPipe's models (not used by the mediapipe backend), ``expression_bundle``
        that of the expression model, None to go without. With a ``seed`` the track ids are the same on every run.
        Raises VisionError naming the file that is missing or broken.
        """
        self._settings = settings
        self._finder = _finder(settings, face_models)
        self._expression: ExpressionModel | None = None
        if settings.expression and expression_bundle is not None:
            self._expression = ExpressionModel(expression_bundle, settings.threads)
        self._expression_read_s: dict[str, float] = {}
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
    def expression_sha256(self) -> str | None:
        """The expression model's hash, for the events that rest on it; None without one."""
        return self._expression.sha256 if self._expression else None

    @property
    def expression_name(self) -> str | None:
        """The expression model's name; None without one."""
        return self._expression.name if self._expression else None

    def read(self, frame: Frame) -> Observation:
        """All that can be read from one frame. Frames come in the order of their ``t_s``."""
        image = frame.image
        found = sorted(self._finder.find(image, frame.t_s), key=lambda face: -face.box.width * face.box.height)
        names = self._tracks.name([face.box for face in found], frame.t_s)
        self._expression_read_s = {name: at for name, at in self._expression_read_s.items() if name in names}
        faces = tuple(self._face(image, face, name, frame.t_s) for face, name in zip(found, names, strict=True))
        return Observation(
            t_s=frame.t_s,
            wall_time=frame.wall_time,
            seq=frame.seq,
            camera=frame.camera,
            size=(image.shape[1], image.shape[0]),
            faces=faces,
            quality=quality(image, faces[0].box if faces else None),
            eye_source=self._finder.eye_source,
        )

    def _face(self, image: NDArray[np.uint8], found: FoundFace, name: str, t_s: float) -> Face:
        size = (image.shape[1], image.shape[0])
        pose = head_pose(found.landmarks, size)
        return Face(
            box=found.box,
            score=found.score,
            landmarks=found.landmarks,
            track_id=name,
            right_eye=self._eye(image, found, pose, left=False),
            left_eye=self._eye(image, found, pose, left=True),
            mouth_opening=mouth_opening(found.landmarks),
            pose=pose,
            expression=self._expression_of(image, found.landmarks, pose, name, t_s),
        )

    def _eye(self, image: NDArray[np.uint8], found: FoundFace, pose: HeadPose | None, *, left: bool) -> Eye | None:
        eye = found.left_eye if left else found.right_eye
        if eye is None:
            return None
        contrast = eye_contrast(image, found.landmarks, left=left)
        return read_eye(eye, contrast, pose, (image.shape[1], image.shape[0]), left=left)

    def _expression_of(
        self, image: NDArray[np.uint8], landmarks: Array, pose: HeadPose | None, name: str, t_s: float
    ) -> Array | None:
        if self._expression is None or pose is None or abs(pose.yaw_deg) > EXPRESSION_MAX_YAW_DEG:
            return None
        if 0 <= t_s - self._expression_read_s.get(name, -np.inf) < self._settings.expression_every_s:
            return None
        self._expression_read_s[name] = t_s
        return self._expression.probabilities(expression_crop(image, landmarks))


def read_eye(found: FoundEye, contrast: float, pose: HeadPose | None, size: tuple[int, int], *, left: bool) -> Eye:
    """The eye with its aspect ratio, which is None where the eye can't be read.

    That is: too narrow, without ``contrast`` (of ``eye_contrast``), partly outside the picture of ``size`` (width,
    height), or turned away. The person's left eye is the far one when the face turns to the picture's right.
    """
    lids = found.contour[:LIDS, :2]
    inside = bool(((lids >= 0) & (lids <= np.array(size) - 1)).all())
    readable = inside and contrast >= MIN_EYE_CONTRAST and eye_width(found.contour) >= MIN_EYE_WIDTH_PX
    return Eye(found.contour, found.iris, aspect_ratio(found.contour) if readable and _faces(pose, left=left) else None)


def _faces(pose: HeadPose | None, *, left: bool) -> bool:
    """Whether the person's left or right eye is turned to the camera."""
    if pose is None:
        return False
    far = pose.yaw_deg > 0 if left else pose.yaw_deg < 0
    return abs(pose.yaw_deg) <= (FAR_EYE_MAX_YAW_DEG if far else NEAR_EYE_MAX_YAW_DEG)


def _finder(settings: VisionSettings, face_models: Path) -> FaceFinder:
    if settings.backend == "litert":
        return LiteRtFinder(face_models, settings)
    # Lives in an environment of its own, so it is asked for only where it is chosen.
    from edge.vision.mediapipe_backend import MediaPipeFinder

    return MediaPipeFinder(settings)
