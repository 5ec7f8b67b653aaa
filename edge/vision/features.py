"""What is read of one face besides its landmarks: pose, eyes, gaze, expression."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge.vision.backend import FoundEyes, FoundFace, Stopwatch
from edge.vision.crop import expression_crop
from edge.vision.expression import ExpressionModel
from edge.vision.eye import read_eye
from edge.vision.eye_look import EyeLook
from edge.vision.gaze import gaze_of
from edge.vision.geometry import Head, find_head, mouth_opening, proportions
from edge.vision.landmarker import Landmarker
from edge.vision.settings import VisionSettings
from edge.vision.types import Array, Eye, Face

#: Beyond this yaw no expression is read: FER2013 holds hardly any such face (95 % lie within 36°).
EXPRESSION_MAX_YAW_DEG = 45.0
#: Beyond this yaw the mesh guesses the face's far half, and its proportions drift.
PROPORTIONS_MAX_YAW_DEG = 35.0


@dataclass(frozen=True, slots=True)
class Begun:
    """A face as far as it can be read without its eyes: its head, and the expression where that was its turn."""

    head: Head | None
    expression: Array | None


class Features:
    """Reads faces in two steps, so that their eyes may be found elsewhere during the first.

    settings may be set anew between two frames. reads_expressions: whether the expression model, where there is one,
    runs; likewise. expression: that model, None to go without.
    """

    def __init__(self, settings: VisionSettings, expression: ExpressionModel | None, stopwatch: Stopwatch) -> None:
        self.settings = settings
        self.reads_expressions = True
        self._watch = stopwatch
        self.expression = expression if settings.expression else None
        self._landmarker: Landmarker | None = None
        if settings.landmarker is not None and settings.eyes:
            self._landmarker = Landmarker(settings.landmarker, settings.model_threads)
        self._expression_read_s: dict[str, float] = {}
        #: By track id: landmarks, and the head that they show; those of a face at rest are the same for some images.
        self._heads: dict[str, tuple[Array, Head | None]] = {}
        #: By track id and left: an eye's crop, and what it looks like.
        self._looks: dict[tuple[str, bool], tuple[NDArray[np.uint8] | None, EyeLook]] = {}

    def keep(self, names: set[str]) -> None:
        """Forgets all tracks but these."""
        self._expression_read_s = {name: at for name, at in self._expression_read_s.items() if name in names}
        self._looks = {key: look for key, look in self._looks.items() if key[0] in names}
        self._heads = {name: head for name, head in self._heads.items() if name in names}

    def begin(self, image: NDArray[np.uint8], face: FoundFace, name: str, t_s: float) -> Begun:
        """The first step, of the face found in a BGR ``image`` taken at ``t_s``; name: its track id."""
        landmarks, head = self._heads.get(name, (None, None))
        if landmarks is not face.landmarks:
            head = find_head(face.landmarks, (image.shape[1], image.shape[0]))
            self._heads[name] = face.landmarks, head
        return Begun(head, self._expression_of(image, face.landmarks, head, name, t_s))

    def finish(
        self, image: NDArray[np.uint8], face: FoundFace, name: str, begun: Begun, eyes: FoundEyes | None
    ) -> Face:
        """The whole face, with its eyes where they were found."""
        head = begun.head
        right, left = self._eyes(image, face, eyes, name, head) if eyes else (None, None)
        turned = head is None or abs(head.pose.yaw_deg) > PROPORTIONS_MAX_YAW_DEG
        return Face(
            box=face.box,
            score=face.score,
            landmarks=face.landmarks,
            track_id=name,
            right_eye=right,
            left_eye=left,
            mouth_opening=mouth_opening(face.landmarks),
            pose=head.pose if head else None,
            expression=begun.expression,
            gaze=gaze_of(right, left, head) if right and left and head else None,
            proportions=None if turned else proportions(face.landmarks),
        )

    def _eyes(
        self, image: NDArray[np.uint8], face: FoundFace, found: FoundEyes, name: str, head: Head | None
    ) -> tuple[Eye, Eye]:
        """The right and the left one."""
        size = (image.shape[1], image.shape[0])
        eyes = []
        with self._watch("lids"):
            for eye, left in zip(found, (False, True), strict=True):
                seen = self._looks.get((name, left))
                if seen is None or eye.crop is None or seen[0] is not eye.crop:
                    seen = self._looks[name, left] = eye.crop, EyeLook.of(image, face.landmarks, eye, left=left)
                eyes.append(read_eye(eye, seen[1], head, size, left=left, score=face.score))
        right, left_ = eyes
        landmarker = self._landmarker if self.settings.landmarker is not None else None
        if landmarker is None or (right.trouble is not None and left_.trouble is not None):
            return right, left_
        with self._watch("landmarker"):
            blinks = landmarker.blinks(image, face.landmarks) or (None, None)
        return replace(right, blink=blinks[0]), replace(left_, blink=blinks[1])

    def _expression_of(
        self, image: NDArray[np.uint8], landmarks: Array, head: Head | None, name: str, t_s: float
    ) -> Array | None:
        if self.expression is None or not self.reads_expressions:
            return None
        if head is None or abs(head.pose.yaw_deg) > EXPRESSION_MAX_YAW_DEG:
            return None
        if 0 <= t_s - self._expression_read_s.get(name, -np.inf) < self.settings.expression_every_s:
            return None
        self._expression_read_s[name] = t_s
        with self._watch("crop"):
            crop = expression_crop(image, landmarks)
        with self._watch("expression"):
            return self.expression.probabilities(crop)
