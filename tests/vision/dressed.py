"""What people wear or hold before their eyes, drawn onto a picture of a face."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.types import Array

Image = NDArray[np.uint8]
_CORNERS = ((33, 133), (362, 263))


def clear_glasses(image: Image, landmarks: Array) -> Image:
    """Dark rims around both eyes."""
    return _ellipses(image, landmarks, wide=1.75, high=1.25, thickness=0.08)


def dark_glasses(image: Image, landmarks: Array, wide: float = 1.35, high: float = 0.95) -> Image:
    """Opaque lenses; these show skin all around, so that there is contrast near the eyes but none in them."""
    return _ellipses(image, landmarks, wide, high, thickness=None)


def covering_hand(image: Image, landmarks: Array) -> Image:
    """Three fingers across both eyes, with shadows between them, in the cheek's colour."""
    covered = image.copy()
    along = landmarks[263, :2] - landmarks[33, :2]
    wide = float(np.linalg.norm(along))
    along /= wide
    down = np.array([-along[1], along[0]])
    centre = (landmarks[33, :2] + landmarks[263, :2]) / 2
    x, y = landmarks[50, :2].astype(int)
    skin = image[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3).mean(axis=0)
    for at in np.linspace(-0.5, 0.5, 61):
        middle = centre + down * at * 0.75 * wide
        colour = skin * (0.6 + 0.4 * abs(np.sin((at + 0.5) * 3 * np.pi)))
        ends = [tuple(np.round(middle + side * wide * along).astype(int).tolist()) for side in (-0.9, 0.9)]
        cv2.line(covered, ends[0], ends[1], colour.tolist(), max(round(wide / 40), 2))
    return covered


def _ellipses(image: Image, landmarks: Array, wide: float, high: float, thickness: float | None) -> Image:
    drawn = image.copy()
    along = landmarks[263, :2] - landmarks[33, :2]
    angle = float(np.degrees(np.arctan2(along[1], along[0])))
    for corner, other in _CORNERS:
        x, y = ((landmarks[corner, :2] + landmarks[other, :2]) / 2).tolist()
        eye = float(np.linalg.norm(landmarks[corner, :2] - landmarks[other, :2]))
        line = -1 if thickness is None else max(round(thickness * eye), 2)
        cv2.ellipse(drawn, ((x, y), (wide * eye, high * eye), angle), (25, 22, 20), line, cv2.LINE_AA)
    return drawn
