"""What vision passes on: numbers about faces, no pixels. ``None`` means not known, never zero and never "no"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

#: FER2013's seven classes in FER2013's order; *apparent* expressions, not feelings.
EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in pixels of the frame; it may reach past the frame's edge."""

    x: float
    y: float
    width: float
    height: float

    def iou(self, other: Box) -> float:
        """Intersection over union, 0..1."""
        shared = self._shared(other)
        return shared / (self.width * self.height + other.width * other.height - shared) if shared else 0.0

    def covered(self, other: Box) -> float:
        """The share of this one that the other covers, 0..1."""
        shared = self._shared(other)
        return shared / (self.width * self.height) if shared else 0.0

    def _shared(self, other: Box) -> float:
        wide = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        high = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        return wide * high if wide > 0 and high > 0 else 0.0


#: Why an eye can't be read: too few pixels, too little contrast, partly out of the picture, or turned away.
EyeTrouble = Literal["small", "dark", "outside", "turned"]


@dataclass(frozen=True, slots=True)
class Eye:
    """One eye as the iris model sees it.

    contour: the lids and brow, float32 [71, 3], x and y in pixels of the frame, z on the same scale.
    iris: centre, then right, top, left, bottom of the iris, float32 [5, 3].
    aspect_ratio: the lids' gap over the eye's width (Soukupová & Čech 2016), None where the eye can't be read.
    confidence: 0..1, how far the aspect ratio can be trusted. trouble: why it is None. blink: 0 (open) to 1 (closed),
    what a second model thinks of it, None where none is configured.
    """

    contour: Array
    iris: Array
    aspect_ratio: float | None
    confidence: float = 1.0
    trouble: EyeTrouble | None = None
    blink: float | None = None


@dataclass(frozen=True, slots=True)
class Gaze:
    """Where both eyes look relative to the camera, degrees; signs as of ``HeadPose``."""

    yaw_deg: float
    pitch_deg: float


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Where the head points relative to the camera, degrees.

    yaw: positive when the face turns toward the picture's right edge. pitch: positive when it looks up.
    roll: positive when the head tilts clockwise in the picture.
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float


@dataclass(frozen=True, slots=True)
class Face:
    """One face in one frame.

    landmarks: MediaPipe's face mesh, float32 [468, 3], x and y in pixels of the frame, z on the same scale
    (smaller is nearer). score: 0..1, how sure the mesh model is that this is a face. track_id: random, the
    same for a face from frame to frame, lasting no longer than the session. "right" and "left" are the
    person's own. mouth_opening: the inner lips' gap over the mouth's width. expression: seven probabilities
    in the order of EXPRESSIONS, float32 [7]. proportions: a few distances between rigid points of the face over its
    size, as if seen from the front: enough to notice that somebody else sat down, not to tell who.
    """

    box: Box
    score: float
    landmarks: Array
    track_id: str
    right_eye: Eye | None = None
    left_eye: Eye | None = None
    mouth_opening: float | None = None
    pose: HeadPose | None = None
    expression: Array | None = None
    gaze: Gaze | None = None
    proportions: tuple[float, ...] | None = None


#: Which model the eyelids come from; the closed eye's aspect ratio depends on it.
EyeSource = Literal["iris", "attention", "landmarker"]


@dataclass(frozen=True, slots=True)
class Quality:
    """How well the frame can be read, grey levels being 0..255; measured in it or up to half a second before.

    brightness, sharpness: mean grey level, and variance of the Laplacian, of the nearest face, of the whole frame
    without one. frame_brightness, frame_contrast: mean and standard deviation of the whole frame's grey levels; a
    covered lens has next to no contrast.
    """

    brightness: float | None = None
    sharpness: float | None = None
    frame_brightness: float | None = None
    frame_contrast: float | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """A face that is followed but was not read in this frame, as others' turn had come: nothing of it is known now.

    box: where it should be. read_s: the ``t_s`` of the frame in which it was read last.
    """

    track_id: str
    box: Box
    read_s: float


@dataclass(frozen=True, slots=True)
class Observation:
    """All that vision read from one frame; t_s, wall_time, seq and camera are the frame's own.

    faces: nearest (largest) first. size: the frame's width and height in pixels. unread: who is followed besides.
    """

    t_s: float
    wall_time: float
    seq: int
    camera: str
    size: tuple[int, int]
    faces: tuple[Face, ...]
    quality: Quality = field(default_factory=Quality)
    eye_source: EyeSource = "iris"
    unread: tuple[Unread, ...] = ()
