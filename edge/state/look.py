"""What one frame tells of the driver, worked out once for all rules, and what a rule is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from edge.state.closures import Closure, EndReason
from edge.state.eyes import EyeReading
from edge.state.perclos import NOTHING_KNOWN, ClosedShare
from edge.state.pose import HeadOffset
from edge.state.types import Episode, Sensing, Vehicle
from edge.vision.types import Face, Quality


@dataclass(frozen=True, slots=True)
class Look:
    """One frame's look at the driver; None is unknown.

    t_s: capture time. dt_s: seconds since the last look, 0 where they were too many to say what happened meanwhile.
    face: the driver's. reading: how far the eyes are open. eyes: the same after hysteresis. shut_now: whether the
    newest reading itself is of closed eyes. closure: the one that runs; ended: the one that this frame ended.
    baseline_frozen: whether the driver's own open eye is known for good. head: where the head points, None before the
    usual direction is known. on_road: whether head and gaze point to the road, that is about where this driver usually
    looks; None without a pose or before that is known. usual_frozen: whether that is known for good.
    perclos_60s, perclos_180s: how much of the last minute, or three, the eyes were closed.
    """

    t_s: float
    dt_s: float
    face: Face | None
    reading: EyeReading | None
    eyes: Literal["open", "closed", "unknown"]
    shut_now: bool
    closure: Closure | None
    ended: Closure | None
    baseline_frozen: bool
    head: HeadOffset | None
    on_road: bool | None
    quality: Quality
    vehicle: Vehicle
    usual_frozen: bool = False
    perclos_60s: ClosedShare = NOTHING_KNOWN
    perclos_180s: ClosedShare = NOTHING_KNOWN

    @property
    def sensing(self) -> Sensing:
        """How well this frame's eyes can be read: both, at most one, or no face at all."""
        if self.face is None:
            return "lost"
        return "good" if self.reading is not None and self.reading.known == 2 else "degraded"


class Rule(Protocol):
    """One rule about the driver: looks in, changes of its episodes out."""

    @property
    def active(self) -> tuple[str, ...]:
        """The kinds of its episodes that run."""
        ...

    def update(self, look: Look) -> list[Episode]:
        """Takes the next look; returns what changed."""
        ...

    def finish(self, t_s: float, reason: EndReason) -> list[Episode]:
        """Nobody looks any more: ends what runs."""
        ...
