"""Yawns: a mouth that opens wide once, slowly. They corroborate drowsiness and never alarm."""

from __future__ import annotations

import random
from math import cos, radians

from edge.state.closures import EndReason
from edge.state.filters import RecentTimes, crossing
from edge.state.ladder import Alarm
from edge.state.look import Look
from edge.state.settings import DrowsinessSettings
from edge.state.types import Episode, Measure, Sensing, Severity
from edge.vision.types import Face

WINDOW_S = 300.0


class _Wide:
    """A mouth that has been open wide since ``started_s``; counts how often its opening turned."""

    def __init__(self, started_s: float, opening: float) -> None:
        self.started_s = started_s
        self.widest = opening
        self.turns = 0
        self._extreme = opening
        self._rising = True

    def add(self, opening: float, swing: float) -> None:
        """The opening now; it turned when it came back from its last extreme by ``swing``."""
        self.widest = max(self.widest, opening)
        beyond = opening > self._extreme if self._rising else opening < self._extreme
        if beyond:
            self._extreme = opening
        elif abs(opening - self._extreme) >= swing:
            self._extreme, self._rising = opening, not self._rising
            self.turns += 1


class Yawns:
    """One driver's yawns (a ``Rule``), and how many there were in the last five minutes.

    Talking, laughing and singing open the mouth as wide, but up and down: a yawn opens once. A long steady note at
    full voice cannot be told from a yawn.
    """

    def __init__(self, settings: DrowsinessSettings, bridge_s: float, rng: random.Random) -> None:
        self._settings = settings
        self._bridge_s = bridge_s
        self._alarm = Alarm("yawn", Severity.INFO, 0.0, rng)
        self._before: tuple[float, float] | None = None
        self._wide: _Wide | None = None
        self._recent = RecentTimes(WINDOW_S)
        self._known = False

    @property
    def active(self) -> tuple[str, ...]:
        """The kinds of its episodes that run."""
        return self._alarm.active

    @property
    def count(self) -> int | None:
        """How many within the window; None as long as no mouth was seen."""
        return self._recent.count if self._known else None

    def update(self, look: Look) -> list[Episode]:
        """Takes the next look; returns what changed."""
        t_s = look.t_s
        self._recent.forget(t_s)
        changes = []
        if self._before is not None and t_s - self._before[0] > self._bridge_s:
            changes = self._end(t_s, self._before[0], "mouth_lost")
            self._before = None
        opening = _opening(look.face)
        if opening is None:
            return changes
        self._known = True
        before, self._before = self._before, (t_s, opening)
        if self._wide is None:
            limit = self._settings.yawn_opening
            if opening > limit:
                started_s = t_s if before is None else crossing(*before, t_s, opening, limit)
                self._wide = _Wide(started_s, opening)
            return changes
        if opening < self._settings.yawn_leave:
            ended_s = t_s if before is None else crossing(*before, t_s, opening, self._settings.yawn_leave)
            return changes + self._end(t_s, ended_s, "mouth_closed")
        self._wide.add(opening, self._settings.yawn_swing)
        return changes + self._start(look, self._wide)

    def finish(self, t_s: float, reason: EndReason) -> list[Episode]:
        """Ends what runs, at ``t_s``; the mouth was open until last seen."""
        return self._end(t_s, t_s if self._before is None else self._before[0], reason)

    def _start(self, look: Look, wide: _Wide) -> list[Episode]:
        restless = wide.turns > self._settings.yawn_turns_max
        if self._alarm.running or restless or look.t_s - wide.started_s < self._settings.yawn_s:
            return []
        self._recent.add(wide.started_s)
        start = self._alarm.start(
            look.t_s,
            started_s=wide.started_s,
            track_id=None if look.face is None else look.face.track_id,
            confidence=1.0,
            sensing="good",
            measures=self._measures(),
        )
        return [start]

    def _end(self, t_s: float, ended_s: float, reason: str) -> list[Episode]:
        measures, self._wide = self._measures() | {"reason": reason}, None
        sensing: Sensing = "lost" if reason == "mouth_lost" else "good"
        return self._alarm.end(t_s, ended_s=ended_s, confidence=1.0, sensing=sensing, measures=measures)

    def _measures(self) -> dict[str, Measure]:
        return {
            "widest_opening": None if self._wide is None else self._wide.widest,
            "yawns": self._recent.count,
        }


def _opening(face: Face | None) -> float | None:
    """The mouth's opening over its width as seen from the front: a turned face shows its mouth narrower than it is."""
    if face is None or face.mouth_opening is None:
        return None
    return face.mouth_opening * (1.0 if face.pose is None else cos(radians(face.pose.yaw_deg)))
