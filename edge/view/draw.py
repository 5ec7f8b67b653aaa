"""A frame with what was read from it drawn on: the face's box, mesh and eye contours, and the probabilities."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.types import EXPRESSIONS, Eye, Face, Observation

Image = NDArray[np.uint8]

# BGR. Bright on dark with a dark edge under every stroke, so that it reads on any picture and without colour.
_BOX = (255, 200, 80)
_MESH = (210, 235, 210)
_EYE = (80, 230, 255)
_INK = (255, 255, 255)
_SHADE = (30, 30, 30)


def draw(image: Image, observation: Observation) -> Image:
    """A copy of a BGR frame, uint8 [H, W, 3], with every face of its observation drawn on."""
    canvas = image.copy()
    for face in observation.faces:
        _draw_face(canvas, face)
    return canvas


def _draw_face(canvas: Image, face: Face) -> None:
    unit = max(1, round(face.box.width / 250))
    for x, y in face.landmarks[:, :2]:
        cv2.circle(canvas, (round(float(x)), round(float(y))), unit, _MESH, -1, cv2.LINE_AA)
    for eye in (face.right_eye, face.left_eye):
        if eye is not None:
            _draw_eye(canvas, eye, unit)
    left, top = round(face.box.x), round(face.box.y)
    right, bottom = round(face.box.x + face.box.width), round(face.box.y + face.box.height)
    cv2.rectangle(canvas, (left, top), (right, bottom), _BOX, 2 * unit, cv2.LINE_AA)


def _draw_eye(canvas: Image, eye: Eye, unit: int) -> None:
    # The contour's first 16 points are the lids: the lower lid's nine, then the upper's seven.
    lower, upper = eye.contour[:9, :2], eye.contour[9:16, :2]
    for line in (lower, np.concatenate([lower[:1], upper, lower[-1:]])):
        cv2.polylines(canvas, [np.round(line).astype(np.int32)], False, _EYE, unit, cv2.LINE_AA)
    if eye.aspect_ratio is not None:
        x, y = eye.iris[0, :2]
        radius = float(np.linalg.norm(eye.iris[1:, :2] - eye.iris[0, :2], axis=1).mean())
        cv2.circle(canvas, (round(float(x)), round(float(y))), round(radius), _EYE, unit, cv2.LINE_AA)


def panel(face: Face, width: int, height: int) -> Image:
    """The face's numbers as a panel beside the picture, BGR uint8 [height, width, 3]."""
    canvas = np.full((height, width, 3), 32, np.uint8)
    row = height // 15
    y = row

    def write(text: str, size: float = 0.55, color: tuple[int, int, int] = _INK) -> None:
        cv2.putText(canvas, text, (16, y), cv2.FONT_HERSHEY_SIMPLEX, size, color, 1, cv2.LINE_AA)

    write("apparent expression", color=(170, 170, 170))
    if face.expression is None:
        y += row
        write("unknown")
    else:
        for name, value in zip(EXPRESSIONS, face.expression, strict=True):
            y += row
            bar = round((width - 190) * float(value))
            best = float(value) == float(face.expression.max())
            cv2.rectangle(canvas, (120, y - row // 2), (120 + bar, y), _EYE if best else (130, 130, 130), -1)
            write(name, 0.5)
            cv2.putText(canvas, f"{value:.0%}", (126 + bar, y), cv2.FONT_HERSHEY_SIMPLEX, 0.45, _INK, 1, cv2.LINE_AA)
    y += row + row // 2
    for label, eye in (("right eye", face.right_eye), ("left eye", face.left_eye)):
        ratio = "unknown" if eye is None or eye.aspect_ratio is None else f"{eye.aspect_ratio:.2f}"
        write(f"{label}  gap/width {ratio}", 0.5)
        y += row
    if face.pose is not None:
        write(
            f"yaw {face.pose.yaw_deg:+.0f}  pitch {face.pose.pitch_deg:+.0f}  roll {face.pose.roll_deg:+.0f} deg", 0.5
        )
        y += row
    if face.mouth_opening is not None:
        write(f"mouth opening {face.mouth_opening:.2f}", 0.5)
    return canvas
