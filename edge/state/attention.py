"""Distraction: one long look off the road, or many short ones."""

from __future__ import annotations

import random

from edge.state.closures import EndReason
from edge.state.filters import SlidingSum
from edge.state.ladder import Alarm
from edge.state.look import Look
from edge.state.settings import AttentionSettings
from edge.state.types import Episode, Measure, Sensing, Severity, Vehicle

#: How far a usual direction that is still being learnt is believed.
PROVISIONAL = 0.75
#: One glance's time off the road is added up over this long; every limit for it is shorter.
GLANCE_WINDOW_S = 60.0


class OffRoad:
    """Time off the road added up, from the first look away until enough time on the road, and the alarm on it.

    reset_s: seconds on the road that end it. window_s: what is older no longer counts. forget_s, lost_s: seconds of
    unknown direction after which it is given up, before and while the alarm runs; shorter ones count as neither.
    """

    def __init__(self, alarm: Alarm, *, reset_s: float, window_s: float, forget_s: float, lost_s: float) -> None:
        self.alarm = alarm
        self._reset_s = reset_s
        self._window_s = window_s
        self._forget_s = forget_s
        self._lost_s = lost_s
        self._told: Sensing = "good"
        self._clear()

    def _clear(self) -> None:
        self._off = SlidingSum(self._window_s)
        self._known_s = 0.0
        self._started_s: float | None = None
        self._last_off_s = 0.0

    def away(self, look: Look, span_s: float, limit_s: float, *, armed: bool) -> list[Episode]:
        """The driver looked elsewhere for the last ``span_s``; from ``limit_s`` on the alarm starts, if ``armed``."""
        if self._started_s is None:
            self._started_s = look.t_s - span_s
        self._last_off_s = look.t_s
        self._off.add(look.t_s, span_s)
        self._known_s += span_s
        changes = self._tell_sight(look, limit_s)
        if armed and self._off.total >= limit_s and self.alarm.ready(look.t_s):
            self._told = look.sensing
            self._started_s = max(self._started_s, look.t_s - self._window_s)
            start = self.alarm.start(
                look.t_s,
                started_s=self._started_s,
                track_id=None if look.face is None else look.face.track_id,
                confidence=self._confidence(look.t_s, look),
                sensing=look.sensing,
                measures=self._measures(look, limit_s),
            )
            changes.append(start)
        return changes

    def back(self, look: Look, span_s: float, on_s: float, limit_s: float) -> list[Episode]:
        """The driver looked at the road for the last ``span_s``, and without looking elsewhere for ``on_s``."""
        self._off.add(look.t_s, 0.0)
        if self._started_s is None:
            return []
        self._known_s += span_s
        if on_s >= self._reset_s:
            return self.end(look, "back_on_road", limit_s, ended_s=look.t_s - on_s)
        return self._tell_sight(look, limit_s)

    def unknown(self, look: Look, unknown_s: float, limit_s: float) -> list[Episode]:
        """Where the driver looks has not been known for ``unknown_s``."""
        self._off.add(look.t_s, 0.0)
        if unknown_s > (self._lost_s if self.alarm.running else self._forget_s):
            return self.end(look, "lost", limit_s)
        return self._tell_sight(look, limit_s) if unknown_s > self._forget_s else []

    def end(
        self, look: Look, reason: str, limit_s: float, *, t_s: float | None = None, ended_s: float | None = None
    ) -> list[Episode]:
        """It is over at ``t_s`` (the look's own), and was when the driver last looked elsewhere or at ``ended_s``."""
        ended_s = self._last_off_s if ended_s is None else ended_s
        changes = self.alarm.end(
            look.t_s if t_s is None else t_s,
            ended_s=ended_s,
            confidence=self._confidence(ended_s, look),
            sensing=_sensing(look),
            measures=self._measures(look, limit_s) | {"reason": reason},
        )
        self._clear()
        return changes

    def _tell_sight(self, look: Look, limit_s: float) -> list[Episode]:
        """An update where the direction went out of sight, or came back."""
        sensing = _sensing(look)
        if (sensing == "lost") == (self._told == "lost"):
            return []
        self._told = sensing
        confidence = self._confidence(look.t_s, look)
        return self.alarm.update(
            look.t_s, confidence=confidence, sensing=sensing, measures=self._measures(look, limit_s)
        )

    def _confidence(self, t_s: float, look: Look) -> float:
        """The share of the time with a known direction, and less while the usual direction is provisional."""
        whole = 0.0 if self._started_s is None else t_s - self._started_s
        known = min(self._known_s / whole, 1.0) if whole > 0 else 1.0
        return known if look.usual_frozen else PROVISIONAL * known

    def _measures(self, look: Look, limit_s: float) -> dict[str, Measure]:
        return {
            "off_s": self._off.total,
            "limit_s": limit_s,
            "yaw_off_deg": None if look.head is None else look.head.yaw_deg,
            "pitch_off_deg": None if look.head is None else look.head.pitch_deg,
            "speed_unknown": look.vehicle.speed_kmh is None,
        }


class Distraction:
    """Two kinds of warnings (a ``Rule``).

    ``distraction``: off the road for ``long_s`` at a stretch; where a speed is given, for ``long_slow_s`` or
    ``long_fast_s``. It ends when the glance does. ``distraction_cumulative``: off the road for ``shared_s`` within
    ``shared_window_s``, until ``shared_reset_s`` on the road. Neither counts while the vehicle is known to be slow,
    to stand or to reverse, and what runs then ends.
    """

    def __init__(self, settings: AttentionSettings, rng: random.Random) -> None:
        self._settings = settings
        self._long = OffRoad(
            Alarm("distraction", Severity.WARNING, settings.refractory_s, rng),
            reset_s=settings.glance_end_s,
            window_s=GLANCE_WINDOW_S,
            forget_s=settings.unknown_limit_s,
            lost_s=settings.lost_limit_s,
        )
        self._shared = OffRoad(
            Alarm("distraction_cumulative", Severity.WARNING, settings.refractory_s, rng),
            reset_s=settings.shared_reset_s,
            window_s=settings.shared_window_s,
            forget_s=settings.shared_window_s,
            lost_s=settings.lost_limit_s,
        )
        self._on_s = 0.0
        self._known_s: float | None = None
        self._before: Look | None = None

    @property
    def active(self) -> tuple[str, ...]:
        """The kinds of its episodes that run."""
        return self._long.alarm.active + self._shared.alarm.active

    def update(self, look: Look) -> list[Episode]:
        """Takes the next look; returns what changed."""
        # Time between an unknown direction and a known one is not known either.
        span_s = look.dt_s if self._before is not None and self._before.on_road is not None else 0.0
        self._before = look
        excuse = exempt(look.vehicle, self._settings)
        if excuse is not None:
            return self._end(look, excuse)
        long_s, shared_s = _long_s(look.vehicle, self._settings), self._settings.shared_s
        changes: list[Episode] = []
        if look.on_road is None or look.dt_s == 0:
            unknown_s = look.t_s - self._known_s if self._known_s is not None else 0.0
            changes += self._long.unknown(look, unknown_s, long_s)
            changes += self._shared.unknown(look, unknown_s, shared_s)
        if look.on_road is None:
            return changes
        self._known_s = look.t_s
        if look.on_road:
            self._on_s += span_s
            changes += self._long.back(look, span_s, self._on_s, long_s)
            return changes + self._shared.back(look, span_s, self._on_s, shared_s)
        self._on_s = 0.0
        changes += self._long.away(look, span_s, long_s, armed=True)
        # Who was just warned of this very glance need not be warned of it twice.
        return changes + self._shared.away(look, span_s, shared_s, armed=not self._long.alarm.running)

    def finish(self, t_s: float, reason: EndReason) -> list[Episode]:
        """Nobody looks any more: ends what runs when it was last seen to go on."""
        return [] if self._before is None else self._end(self._before, reason, t_s)

    def _end(self, look: Look, reason: str, t_s: float | None = None) -> list[Episode]:
        self._on_s = 0.0
        changes = self._long.end(look, reason, _long_s(look.vehicle, self._settings), t_s=t_s)
        return changes + self._shared.end(look, reason, self._settings.shared_s, t_s=t_s)


def _sensing(look: Look) -> Sensing:
    """As of the look, but without a direction nothing is seen of what matters here."""
    return "lost" if look.on_road is None else look.sensing


def exempt(vehicle: Vehicle, settings: AttentionSettings) -> str | None:
    """Why, as things are, no look is a distraction; None where it may be one."""
    if vehicle.reverse:
        return "reversing"
    if vehicle.standing:
        return "standing"
    return "slow" if vehicle.speed_kmh is not None and vehicle.speed_kmh < settings.slow_kmh else None


def _long_s(vehicle: Vehicle, settings: AttentionSettings) -> float:
    if vehicle.speed_kmh is None:
        return settings.long_s
    return settings.long_slow_s if vehicle.speed_kmh <= settings.fast_kmh else settings.long_fast_s
