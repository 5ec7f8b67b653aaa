"""Detector and mesh frame a face differently: how, is learned of each face, so that its detections tell it apart."""

from __future__ import annotations

from math import exp, sqrt

from edge.vision.detector import Detection
from edge.vision.mesh import mesh_box
from edge.vision.motion import place
from edge.vision.types import Box

#: Standard deviations of the mesh's place and height about a detection's (``mesh_box``), in heights: between faces, and
#: of one face from image to image; and over how many images, about, its mean is taken.
STRANGE, FRAMED, FRAMES = 0.09, 0.045, 8


class Framing:
    """How the detector frames one face: where it puts the mesh's box from, on average.

    blur: standard deviation of ``mesh_box``, in heights of the face, each way, and of its height's logarithm.
    """

    def __init__(self) -> None:
        self._across = self._down = self._log_height = 0.0
        self._number = 0

    @property
    def blur(self) -> float:
        """See the class."""
        return sqrt(FRAMED**2 + STRANGE**2 / (1 + self._number * STRANGE**2 / FRAMED**2))

    def mesh_box(self, found: Detection) -> Box:
        """Where the mesh's box is of what the detector found."""
        box, scale = mesh_box(found), exp(self._log_height)
        (x, y, _), width, height = place(box), scale * box.width, scale * box.height
        x, y = x + self._across * box.height, y + self._down * box.height
        return Box(x - width / 2, y - height / 2, width, height)

    def take(self, found: Detection, box: Box) -> None:
        """A face was found there by the detector, and its mesh has this box."""
        guess = mesh_box(found)
        (x, y, log_height), (guess_x, guess_y, guess_log_height) = place(box), place(guess)
        self._number = min(self._number + 1, FRAMES)
        gain = 1 / (self._number + FRAMED**2 / STRANGE**2)
        self._across += gain * ((x - guess_x) / guess.height - self._across)
        self._down += gain * ((y - guess_y) / guess.height - self._down)
        self._log_height += gain * (log_height - guess_log_height - self._log_height)
