"""What the state rules pass on: changes that become events, and the present state at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class Phase(StrEnum):
    """Where in its life an episode is."""

    START = "start"
    UPDATE = "update"
    END = "end"


class Severity(StrEnum):
    """The alarm ladder; ``info`` is below it and never alarms."""

    INFO = "info"
    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"


#: Below it a vehicle counts as standing.
STANDING_BELOW_KMH = 3.0

Subject = Literal["driver", "expression", "audience"]
Sensing = Literal["good", "degraded", "lost"]
Measure = float | int | str | bool | None


@dataclass(frozen=True, slots=True)
class Vehicle:
    """What the vehicle says of itself; None is unknown. speed_kmh: never negative. reverse: whether in reverse gear."""

    speed_kmh: float | None = None
    reverse: bool | None = None

    @property
    def standing(self) -> bool | None:
        """Whether it stands still; below walking pace it counts as standing, as wheel sensors jitter."""
        return None if self.speed_kmh is None else self.speed_kmh < STANDING_BELOW_KMH


UNKNOWN_VEHICLE = Vehicle()


@dataclass(frozen=True, slots=True)
class Episode:
    """A stretch of time with a name: a microsleep, a shown happiness. Start and end share ``episode_id``.

    t_s: when this change was recognized, in capture time. started_s: when what it rests on began, which may
    be earlier (a microsleep is recognized 1.5 s after the eyes closed). ended_s: for phase ``end``, when it
    ceased. duration_s: seconds from started_s to the change (or to ended_s). confidence: 0..1. measures: the
    numbers that the change rests on, by name, with units in the names.
    """

    subject: Subject
    kind: str
    phase: Phase
    episode_id: str
    severity: Severity
    t_s: float
    started_s: float
    duration_s: float
    confidence: float
    sensing: Sensing
    track_id: str | None = None
    ended_s: float | None = None
    measures: Mapping[str, Measure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DriverState:
    """The driver now. ``None`` is unknown. eyes: hysteresis applied; openness 0 (closed) to about 1 (own normal).

    closed_for_s: seconds of known closed eyes in the closure that runs, 0 without one. blinks_per_minute, blinks,
    long_blinks, blink_mean_s: over the last 60 s; blinks counts long ones too. active: the kinds of the episodes
    that run. perclos_60s, perclos_180s: share of the known time with eyes closed, blinks left out; known_60s,
    known_180s: the share of the window that was known. fatigue: 0 (none) to 100. mouth_opening: as of ``Face``.
    yaw_off_deg, pitch_off_deg: the head from the driver's own usual direction. attentive: whether the head points to
    the road. yawns, nods: over the last 5 minutes. sensing: how well the driver can be read, and why not better.
    track_id: the driver's face among the frame's, None while out of sight. right_openness, left_openness: of each eye.
    """

    t_s: float
    present: bool
    eyes: Literal["open", "closed", "unknown"]
    openness: float | None
    closed_for_s: float
    blinks_per_minute: float | None
    active: tuple[str, ...]
    blinks: int | None = None
    long_blinks: int | None = None
    blink_mean_s: float | None = None
    perclos_60s: float | None = None
    perclos_180s: float | None = None
    known_60s: float = 0.0
    known_180s: float = 0.0
    fatigue: float | None = None
    mouth_opening: float | None = None
    yaw_off_deg: float | None = None
    pitch_off_deg: float | None = None
    attentive: bool | None = None
    yawns: int | None = None
    nods: int | None = None
    sensing: Sensing = "good"
    sensing_reason: str | None = None
    track_id: str | None = None
    right_openness: float | None = None
    left_openness: float | None = None


@dataclass(frozen=True, slots=True)
class ExpressionState:
    """One face's expression now: the smoothed probabilities by name, and the label after hysteresis and dwell."""

    t_s: float
    track_id: str
    label: str | None
    probabilities: Mapping[str, float]
