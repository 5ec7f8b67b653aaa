"""One frame in, faces out: boxes, landmarks, eyes, mouth, head pose and apparent expression."""

from edge.vision.backend import VisionError
from edge.vision.reader import FaceReader
from edge.vision.settings import VisionSettings
from edge.vision.types import EXPRESSIONS, Box, Eye, EyeSource, EyeTrouble, Face, Gaze, HeadPose, Observation, Quality

__all__ = [
    "EXPRESSIONS",
    "Box",
    "Eye",
    "EyeSource",
    "EyeTrouble",
    "Face",
    "FaceReader",
    "Gaze",
    "HeadPose",
    "Observation",
    "Quality",
    "VisionError",
    "VisionSettings",
]
