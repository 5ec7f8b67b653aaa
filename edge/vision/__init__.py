"""One frame in, faces out: boxes, landmarks, eyes, mouth, head pose and apparent expression."""

from edge.vision.backend import VisionError
from edge.vision.reader import FaceReader
from edge.vision.settings import VisionSettings
from edge.vision.types import EXPRESSIONS, Box, Eye, EyeSource, Face, HeadPose, Observation, Quality

__all__ = [
    "EXPRESSIONS",
    "Box",
    "Eye",
    "EyeSource",
    "Face",
    "FaceReader",
    "HeadPose",
    "Observation",
    "Quality",
    "VisionError",
    "VisionSettings",
]
