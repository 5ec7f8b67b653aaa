"""One frame as the page is told of it: a JSON text, and a JPEG where pictures are shown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.camera.frame import Frame
from edge.state.audience.types import AudienceState
from edge.state.types import DriverState, ExpressionState
from edge.vision.types import EXPRESSIONS, Eye, Face, Observation

#: Wider pictures are made smaller: a phone shows no more, and half the width is a quarter of the encoding.
MAX_WIDTH = 640
JPEG_QUALITY = 75
#: The lids are the eye contour's first 16 points: the lower lid's nine, then the upper's seven.
LIDS = 16


@dataclass(frozen=True, slots=True)
class Look:
    """A frame and what is known with it.

    driver, driver_track: None where no driver is watched, or none seen yet. expressions: of the faces that have one;
    none while expressions are off. audience: None where nobody counts it.
    """

    frame: Frame
    observation: Observation
    driver: DriverState | None
    driver_track: str | None
    expressions: Sequence[ExpressionState]
    audience: AudienceState | None = None


def text(look: Look, *, pixels: bool) -> str:
    """What is known of a frame, as JSON. pixels: whether its picture follows.

    Points are in tenths of a pixel of the camera's frame, whose size stands beside them.
    """
    observation = look.observation
    shown = {state.track_id: state for state in look.expressions}
    message = {
        "type": "frame",
        "t": round(observation.t_s, 3),
        "wall": round(observation.wall_time, 3),
        "size": observation.size,
        "picture": pixels,
        "faces": [_face(face, shown.get(face.track_id), look.driver_track) for face in observation.faces],
        "driver": None if look.driver is None else _driver(look.driver),
        "audience": None if look.audience is None else _audience(look.audience),
        "quality": {
            "brightness": _round(observation.quality.brightness, 1),
            "sharpness": _round(observation.quality.sharpness, 1),
            "frame_brightness": _round(observation.quality.frame_brightness, 1),
            "frame_contrast": _round(observation.quality.frame_contrast, 1),
        },
    }
    return json.dumps(message, separators=(",", ":"), allow_nan=False)


def picture(frame: Frame) -> bytes:
    """A frame's picture as JPEG, at most ``MAX_WIDTH`` wide."""
    image = frame.image
    height, width = image.shape[:2]
    if width > MAX_WIDTH:
        size = (MAX_WIDTH, max(1, round(height * MAX_WIDTH / width)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    _, data = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))
    return data.tobytes()


def _face(face: Face, shown: ExpressionState | None, driver: str | None) -> dict[str, Any]:
    box, pose, gaze = face.box, face.pose, face.gaze
    return {
        "id": face.track_id,
        "driver": face.track_id == driver,
        "box": [round(value, 1) for value in (box.x, box.y, box.width, box.height)],
        "points": _tenths(face.landmarks),
        "eyes": [_eye(eye) for eye in (face.right_eye, face.left_eye) if eye is not None],
        "mouth": _round(face.mouth_opening, 3),
        "pose": None if pose is None else [round(v, 1) for v in (pose.yaw_deg, pose.pitch_deg, pose.roll_deg)],
        "gaze": None if gaze is None else [round(gaze.yaw_deg, 1), round(gaze.pitch_deg, 1)],
        "expression": None if shown is None else _expression(shown),
    }


def _eye(eye: Eye) -> dict[str, Any]:
    return {
        "lids": _tenths(eye.contour[:LIDS]),
        "iris": _tenths(eye.iris),
        "width": round(float(np.linalg.norm(eye.contour[8, :2] - eye.contour[0, :2])), 1),
        "readable": eye.aspect_ratio is not None,
        "confidence": round(eye.confidence, 2),
        "trouble": eye.trouble,
    }


def _expression(shown: ExpressionState) -> dict[str, Any]:
    return {"label": shown.label, "shares": [round(float(shown.probabilities[name]), 3) for name in EXPRESSIONS]}


def _driver(driver: DriverState) -> Mapping[str, Any]:
    return {
        "present": driver.present,
        "eyes": driver.eyes,
        "openness": _round(driver.openness, 3),
        "closed_for_s": round(driver.closed_for_s, 2),
        "blinks_per_minute": _round(driver.blinks_per_minute, 1),
        "perclos_60s": _round(driver.perclos_60s, 4),
        "known_60s": round(driver.known_60s, 3),
        "fatigue": _round(driver.fatigue, 0),
        "attentive": driver.attentive,
        "yaw_off_deg": _round(driver.yaw_off_deg, 1),
        "pitch_off_deg": _round(driver.pitch_off_deg, 1),
        "active": driver.active,
        "sensing": driver.sensing,
        "sensing_reason": driver.sensing_reason,
    }


def _audience(audience: AudienceState) -> Mapping[str, Any]:
    return {"present": audience.present, "attentive": audience.attentive, "smiling": audience.smiling}


def _tenths(points: NDArray[np.float32]) -> list[int]:
    tenths: list[int] = np.round(points[:, :2] * 10).astype(np.int32).ravel().tolist()
    return tenths


def _round(value: float | None, digits: int) -> float | None:
    return None if value is None else round(float(value), digits)
