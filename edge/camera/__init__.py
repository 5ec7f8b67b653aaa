"""Frames with capture times, from anything that yields them."""

from edge.camera.camera import Camera, CameraError
from edge.camera.frame import Frame
from edge.camera.health import Condition
from edge.camera.settings import CameraSettings
from edge.camera.source import open_camera

__all__ = ["Camera", "CameraError", "CameraSettings", "Condition", "Frame", "open_camera"]
