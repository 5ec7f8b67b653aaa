"""What was read and judged, as rows: one for each event, one for each frame and face."""

from __future__ import annotations

import json

from edge.analysis.tables import Columns, Row, Value
from edge.daemon import Step
from edge.events import Event
from edge.state import People
from edge.state.types import DriverState
from edge.vision.types import EXPRESSIONS, Eye, Face, Observation

#: Times count in seconds from the clip's start. measures: JSON.
EVENT_COLUMNS: Columns = {
    "clip": str, "t_s": float, "subject": str, "kind": str, "phase": str, "severity": str, "started_s": float,
    "ended_s": float, "duration_s": float, "confidence": float, "sensing": str, "track_id": str, "episode_id": str,
    "measures": str,
}  # fmt: skip

#: Those of a face (box in pixels, eye_ratio the lids' gap over the eye's width, p_ the smoothed probabilities), then
#: those of the driver, which stand in the row of the driver's face, or in one without a face while it is out of sight.
#: active: the kinds of the episodes that run, with spaces between.
FRAME_COLUMNS: Columns = {
    "clip": str, "frame": int, "t_s": float, "faces": int, "track": str, "driver": bool, "score": float,
    "box_x": float, "box_y": float, "box_width": float, "box_height": float,
    "right_eye_ratio": float, "left_eye_ratio": float, "mouth_opening": float,
    "yaw_deg": float, "pitch_deg": float, "roll_deg": float,
    "expression": str, **{f"p_{name}": float for name in EXPRESSIONS},
    "eyes": str, "openness": float, "right_openness": float, "left_openness": float, "closed_for_s": float,
    "perclos_60s": float, "perclos_180s": float, "fatigue": float, "attentive": bool,
    "yaw_off_deg": float, "pitch_off_deg": float, "sensing": str, "sensing_reason": str, "active": str,
}  # fmt: skip

_OF_DRIVER = tuple(FRAME_COLUMNS)[tuple(FRAME_COLUMNS).index("eyes") : -1]
#: Finer than anything that is measured here, and a third of the digits.
_DIGITS = 5


def event_row(event: Event, clip: str, began_at_s: float) -> dict[str, Value]:
    """An event flat; began_at_s: Unix time of the clip's first frame."""
    data = event.data
    return {
        "clip": clip,
        "t_s": round(event.time.timestamp() - began_at_s, 6),
        "subject": event.subject,
        **{name: getattr(data, name) for name in ("kind", "phase", "severity", "sensing", "track_id", "episode_id")},
        "started_s": round(data.started_at.timestamp() - began_at_s, 6),
        "ended_s": None if data.ended_at is None else round(data.ended_at.timestamp() - began_at_s, 6),
        "duration_s": round(data.duration_s, 6),
        "confidence": _rounded(data.confidence),
        "measures": json.dumps(data.measures, ensure_ascii=False),
    }


class FrameRows:
    """Rows of a clip, gathered step by step."""

    def __init__(self, clip: str) -> None:
        self.rows: list[Row] = []
        self._clip = clip
        self._running: dict[str, tuple[str | None, str]] = {}

    def __call__(self, step: Step, people: People) -> None:
        """A frame, and what the rules made of it."""
        for event in step.events:
            if event.data.phase == "end":
                self._running.pop(event.data.episode_id, None)
            else:
                self._running[event.data.episode_id] = (event.data.track_id, event.data.kind)
        if step.observation is not None:
            self._add(step.observation, people)

    def _add(self, observation: Observation, people: People) -> None:
        driver = people.driver()
        shown = {state.track_id: state for state in people.expressions()}
        of_frame: dict[str, Value] = {
            "clip": self._clip,
            "frame": observation.seq,
            "t_s": observation.t_s,
            "faces": len(observation.faces),
        }
        driver_seen = False
        for face in observation.faces:
            row = of_frame | _of_face(face)
            expression = shown.get(face.track_id)
            active = [kind for track, kind in self._running.values() if track == face.track_id]
            if expression is not None:
                row["expression"] = expression.label
                row |= {f"p_{name}": _rounded(value) for name, value in expression.probabilities.items()}
            if driver is not None:
                row["driver"] = face.track_id == driver.track_id
                if row["driver"]:
                    driver_seen = True
                    row |= _of_driver(driver)
                    active = [*driver.active, *(kind for kind in active if kind not in driver.active)]
            self.rows.append(row | {"active": " ".join(active)})
        if not driver_seen and (driver is not None or not observation.faces):
            row = of_frame if driver is None else of_frame | _of_driver(driver) | {"driver": True}
            self.rows.append(row | {"active": "" if driver is None else " ".join(driver.active)})


def _of_face(face: Face) -> dict[str, Value]:
    box, pose = face.box, face.pose
    return {
        "track": face.track_id,
        "score": _rounded(face.score),
        **{f"box_{name}": _rounded(getattr(box, name)) for name in ("x", "y", "width", "height")},
        "right_eye_ratio": _ratio(face.right_eye),
        "left_eye_ratio": _ratio(face.left_eye),
        "mouth_opening": _rounded(face.mouth_opening),
        "yaw_deg": None if pose is None else _rounded(pose.yaw_deg),
        "pitch_deg": None if pose is None else _rounded(pose.pitch_deg),
        "roll_deg": None if pose is None else _rounded(pose.roll_deg),
    }


def _of_driver(driver: DriverState) -> dict[str, Value]:
    values = {name: getattr(driver, name) for name in _OF_DRIVER}
    return {name: _rounded(value) if isinstance(value, float) else value for name, value in values.items()}


def _ratio(eye: Eye | None) -> float | None:
    return None if eye is None else _rounded(eye.aspect_ratio)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), _DIGITS)
