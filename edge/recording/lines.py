"""What stands in a recording: one JSON object a line, numbers only.

The first line is a ``Header``, then follows a ``Moment`` for each frame, the last is an ``End``. Floats are written
so that the same bits are read again. Landmarks and contours stay out: no rule needs them, and they would be nine
tenths of the file. Within version 1 fields may be added, never changed or removed.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from uuid import UUID

import numpy as np
from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from edge.events import ClockMapping
from edge.state.types import UNKNOWN_VEHICLE, Vehicle
from edge.vision.types import Box, Eye, EyeSource, EyeTrouble, Face, Gaze, HeadPose, Observation, Quality, Unread

SCHEMA: Literal["mien-recording/1"] = "mien-recording/1"

EndReason = Literal["source_ended", "stopped", "camera_lost"]

_NOT_RECORDED = np.empty((0, 3), np.float32)
_NOT_RECORDED.flags.writeable = False


def _plain(value: object) -> object:
    # A float32 widened to a Python float and back is the same float32.
    return value.tolist() if isinstance(value, np.ndarray) else value


Numbers = Annotated[tuple[float, ...], BeforeValidator(_plain)]


def _in_pixels(name: str) -> Any:  # noqa: ANN401 - what pydantic's Field returns
    """A field that vision calls ``name`` and the file calls ``name_px``."""
    return Field(validation_alias=AliasChoices(name, f"{name}_px"), serialization_alias=f"{name}_px")


class _Line(BaseModel):
    # NaN is not JSON, but Python writes and reads it; null would come back as something else than what was seen.
    model_config = ConfigDict(frozen=True, extra="ignore", from_attributes=True, ser_json_inf_nan="constants")

    def to_json(self) -> bytes:
        """The line, with its end."""
        return self.model_dump_json(by_alias=True).encode() + b"\n"


class Header(_Line):
    """What was recorded, and what makes a replay's events those of the recorded run, ids included.

    source: the file's name, the camera's number or the stream's address without user and password. seed: of the
    episodes' ids. state: the rules' settings while it was recorded.
    """

    kind: Literal["mien-recording/1"] = Field(default=SCHEMA, alias="schema")
    version: str = Field(description="mien's version")
    source: str
    source_sha256: str | None
    device: str
    boot_id: UUID
    model_sha256: str | None
    seed: int
    state: dict[str, Any]


class SeenEye(_Line):
    """An ``Eye`` without its contours."""

    aspect_ratio: float | None
    confidence: float = 1.0
    trouble: EyeTrouble | None = None
    blink: float | None = None

    def to_eye(self) -> Eye:
        """What vision had passed on, contours empty."""
        return Eye(_NOT_RECORDED, _NOT_RECORDED, self.aspect_ratio, self.confidence, self.trouble, self.blink)


class SeenFace(_Line):
    """A ``Face`` without its landmarks."""

    track_id: str
    score: float
    box: Box = _in_pixels("box")
    right_eye: SeenEye | None = None
    left_eye: SeenEye | None = None
    mouth_opening: float | None = None
    pose: HeadPose | None = None
    gaze: Gaze | None = None
    expression: Numbers | None = None
    proportions: Numbers | None = None

    def to_face(self) -> Face:
        """What vision had passed on, landmarks empty."""
        return Face(
            box=self.box,
            score=self.score,
            landmarks=_NOT_RECORDED,
            track_id=self.track_id,
            right_eye=self.right_eye.to_eye() if self.right_eye else None,
            left_eye=self.left_eye.to_eye() if self.left_eye else None,
            mouth_opening=self.mouth_opening,
            pose=self.pose,
            expression=None if self.expression is None else np.array(self.expression, np.float32),
            gaze=self.gaze,
            proportions=self.proportions,
        )


class SeenBefore(_Line):
    """An ``Unread``: a face whose turn it was not."""

    track_id: str
    box: Box = _in_pixels("box")
    read_s: float

    def to_unread(self) -> Unread:
        """What vision had passed on."""
        return Unread(self.track_id, self.box, self.read_s)


class Moment(_Line):
    """One frame's observation, with what else was known when it was judged.

    wall_time_s: Unix time. time_synced: whether the wall clock was known to be set. vehicle: what it had said last.
    """

    t_s: float
    wall_time_s: float = Field(validation_alias=AliasChoices("wall_time", "wall_time_s"))
    time_synced: bool = False
    seq: int
    camera: str
    size: tuple[int, int] = _in_pixels("size")
    eye_source: EyeSource
    quality: Quality
    vehicle: Vehicle = UNKNOWN_VEHICLE
    faces: tuple[SeenFace, ...]
    unread: tuple[SeenBefore, ...] = ()

    @classmethod
    def of(cls, observation: Observation, clock: ClockMapping, vehicle: Vehicle = UNKNOWN_VEHICLE) -> Self:
        """The line for an observation that was told with this clock and judged with this vehicle."""
        return cls.model_validate(observation).model_copy(update={"time_synced": clock.synced, "vehicle": vehicle})

    @property
    def clock(self) -> ClockMapping:
        """The mapping to wall time that its events were made with."""
        return ClockMapping.at(self.t_s, self.wall_time_s, synced=self.time_synced)

    def to_observation(self) -> Observation:
        """What vision had passed on, but for the landmarks and contours."""
        return Observation(
            t_s=self.t_s,
            wall_time=self.wall_time_s,
            seq=self.seq,
            camera=self.camera,
            size=self.size,
            faces=tuple(face.to_face() for face in self.faces),
            quality=self.quality,
            eye_source=self.eye_source,
            unread=tuple(face.to_unread() for face in self.unread),
        )


class End(_Line):
    """The recording is whole; without it the file breaks off."""

    end: EndReason
    frames: int
