"""Nods: the head drops and comes back. They corroborate drowsiness and never alarm."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from math import exp

from edge.state.closures import EndReason
from edge.state.ladder import Alarm
from edge.state.look import Look
from edge.state.settings import AttentionSettings
from edge.state.types import Episode, Severity

WINDOW_S = 300.0
#: Time constant of the level that a drop is measured from: longer than a nod, shorter than a change of posture.
LEVEL_S = 1.0
#: A drop begins this far below the level, four standard deviations of a head held still, and is over above that less 2.
BEGIN_DEG = 6.0
END_DEG = 4.0
#: From this share of its depth on a drop is at its bottom; a raised cosine is so for 3/8 of its time.
NEARLY = 0.7


@dataclass(slots=True)
class Drop:
    """A head on its way down and back: since when, and at which time how deep."""

    started_s: float
    course: list[tuple[float, float]] = field(default_factory=list)

    @property
    def depth_deg(self) -> float:
        """How deep it came."""
        return max(below for _, below in self.course)

    @property
    def low_s(self) -> float:
        """Seconds from the first to the last frame in which it was nearly as deep as it came, both counted."""
        low = [t_s for t_s, below in self.course if below >= NEARLY * self.depth_deg]
        frame_s = (self.course[-1][0] - self.started_s) / len(self.course)
        return low[-1] - low[0] + frame_s


class Nods:
    """The nods of the last five minutes; each is one episode of info, told when the head is back (a ``Rule``).

    A look at the instruments is as deep but rests at the bottom (``nod_low_s``); a look into the lap is deeper.
    """

    def __init__(self, settings: AttentionSettings, rng: random.Random) -> None:
        self._settings = settings
        self._alarm = Alarm("nod", Severity.INFO, 0.0, rng)
        self._recent: deque[float] = deque()
        self._level_deg: float | None = None
        self._drop: Drop | None = None
        self._known = False

    @property
    def count(self) -> int | None:
        """How many within the window; None as long as no pose was known."""
        return len(self._recent) if self._known else None

    @property
    def active(self) -> tuple[str, ...]:
        """None ever runs on: a nod is over when it is told."""
        return self._alarm.active

    def update(self, look: Look) -> list[Episode]:
        """Takes the next look; returns the nod that it completed, its start and end."""
        while self._recent and self._recent[0] < look.t_s - WINDOW_S:
            self._recent.popleft()
        pose = None if look.face is None else look.face.pose
        if pose is None or look.dt_s == 0:
            self._level_deg = self._drop = None
        if pose is None:
            return []
        self._known = True
        if self._level_deg is None:
            self._level_deg = pose.pitch_deg
            return []
        below = self._level_deg - pose.pitch_deg
        if self._drop is not None:
            return self._follow(look, self._drop, below)
        if below > BEGIN_DEG:
            self._drop = Drop(look.t_s - look.dt_s, [(look.t_s, below)])
        else:
            self._level_deg -= below * (1 - exp(-look.dt_s / LEVEL_S))
        return []

    def finish(self, t_s: float, reason: EndReason) -> list[Episode]:  # noqa: ARG002 - as every rule
        """A nod that is not over is none."""
        self._drop = None
        return []

    def _follow(self, look: Look, drop: Drop, below: float) -> list[Episode]:
        limits = self._settings
        if look.t_s - drop.started_s > limits.nod_max_s:
            # The head stays down: a posture, or a long look; the level follows.
            self._level_deg = self._drop = None
            return []
        if below > END_DEG:
            drop.course.append((look.t_s, below))
            return []
        self._drop = None
        fits = limits.nod_min_deg <= drop.depth_deg <= limits.nod_max_deg
        if not fits or look.t_s - drop.started_s < limits.nod_min_s or drop.low_s > limits.nod_low_s:
            return []
        self._recent.append(look.t_s)
        return self._tell(look, drop)

    def _tell(self, look: Look, drop: Drop) -> list[Episode]:
        depth = drop.depth_deg
        # Surest in the middle between the least and the most, half as sure at either.
        middle = (self._settings.nod_min_deg + self._settings.nod_max_deg) / 2
        confidence = 1 - 0.5 * abs(depth - middle) / (self._settings.nod_max_deg - middle)
        sensing = look.sensing
        measures = {"drop_deg": depth, "nods": len(self._recent)}
        start = self._alarm.start(
            look.t_s,
            started_s=drop.started_s,
            track_id=None if look.face is None else look.face.track_id,
            confidence=confidence,
            sensing=sensing,
            measures=measures,
        )
        end = self._alarm.end(look.t_s, ended_s=look.t_s, confidence=confidence, sensing=sensing, measures=measures)
        return [start, *end]
