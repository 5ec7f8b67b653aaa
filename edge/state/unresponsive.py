"""A driver who does not come back: eyes closed or away for too long, or still so after a warning."""

from __future__ import annotations

import random

from edge.state.attention import exempt
from edge.state.closures import EndReason
from edge.state.ladder import Alarm
from edge.state.look import Look, Rule
from edge.state.settings import StateSettings
from edge.state.types import Episode, Measure, Severity

#: The warnings that ask the driver to look at the road again.
CALLS = frozenset({"microsleep", "distraction", "distraction_cumulative"})


class Unresponsive:
    """Counts the known time that the driver was gone, eyes closed or off the road, and not back since (a ``Rule``).

    Back is who has open eyes and the head on the road for ``return_s``; who only looked away is back with the head,
    even where the eyes can't be read. Unknown time counts for nothing, but for who was warned with closed eyes and then
    sank out of sight. Without a call to come back it forgets what was counted before it, as the driver may have looked
    meanwhile; with one it keeps it for ``lost_limit_s``. Nor does looking away count where the vehicle stands, reverses
    or is slow. Who only looks away has ``no_return_s`` from the warning on, however late that came.
    """

    def __init__(self, settings: StateSettings, rng: random.Random, callers: tuple[Rule, ...]) -> None:
        """Callers: the rules whose warnings it follows; they must take each look before it does."""
        self._eyes = settings.eyes
        self._settings = settings.drowsiness
        self._attention = settings.attention
        self._alarm = Alarm("unresponsive", Severity.CRITICAL, 0.0, rng)
        self._callers = callers
        self._calls: frozenset[str] = frozenset()
        self._begin()

    def _begin(self) -> None:
        self._started_s: float | None = None
        self._gone_s = 0.0
        self._last_gone_s = 0.0
        self._called_s: float | None = None
        self._shut = False
        self._back_since_s: float | None = None

    @property
    def active(self) -> tuple[str, ...]:
        """The kinds of its episodes that run."""
        return self._alarm.active

    def update(self, look: Look) -> list[Episode]:
        """Takes the next look; returns what changed."""
        calls = CALLS.intersection(kind for rule in self._callers for kind in rule.active)
        called = bool(calls - self._calls)
        self._calls = calls
        excuse = exempt(look.vehicle, self._attention)
        if look.shut_now or (look.on_road is False and excuse is None):
            return self._gone(look, called=called)
        if self._started_s is None:
            return []
        if excuse is not None and not self._shut:
            return self._end(look.t_s, self._last_gone_s, excuse)
        if self._back(look):
            return self._returned(look)
        self._back_since_s = None
        if look.closure is not None and look.closure.lost and self._called_s is not None:
            # Warned with eyes closed, and then out of sight: a sleeper sinks, and nobody has come back.
            waited_s = self._called_s + look.t_s - self._last_gone_s
            if waited_s >= self._settings.no_return_s and not self._alarm.running:
                self._called_s = waited_s
                return self._start(look)
        called_back = self._called_s is not None or self._alarm.running
        patience_s = self._eyes.lost_limit_s if called_back else self._eyes.bridge_s
        if look.t_s - self._last_gone_s > patience_s:
            return self.finish(look.t_s, "eyes_lost")
        return []

    def finish(self, t_s: float, reason: EndReason) -> list[Episode]:
        """Ends what runs, at ``t_s``; the driver was gone until last seen."""
        return self._end(t_s, self._last_gone_s, reason)

    def _gone(self, look: Look, *, called: bool) -> list[Episode]:
        self._shut = look.shut_now
        self._back_since_s = None
        if self._started_s is None:
            closure = look.closure if look.shut_now else None
            self._started_s = look.t_s if closure is None else closure.started_s
            self._gone_s = 0.0 if closure is None else closure.closed_s
        else:
            self._gone_s += look.dt_s
            if self._called_s is not None:
                self._called_s += look.dt_s
        self._last_gone_s = look.t_s
        if called and self._called_s is None:
            self._called_s = 0.0
        return self._start(look)

    def _start(self, look: Look) -> list[Episode]:
        if self._started_s is None or self._alarm.running or not self._due(look):
            return []
        start = self._alarm.start(
            look.t_s,
            started_s=self._started_s,
            track_id=None if look.face is None else look.face.track_id,
            confidence=self._confidence(look.t_s),
            sensing=look.sensing,
            measures=self._measures(),
        )
        return [start]

    def _due(self, look: Look) -> bool:
        if self._called_s is not None and self._called_s >= self._settings.no_return_s:
            return True
        # A blink while looking away is no sleep.
        asleep = look.shut_now and look.closure is not None and look.closure.closed_s > self._eyes.blink_max_s
        warned_just_now = self._called_s is not None and not asleep
        return self._gone_s >= self._settings.unresponsive_s and not warned_just_now

    def _back(self, look: Look) -> bool:
        if look.eyes == "closed":
            return False
        return look.eyes == "open" or (not self._shut and look.on_road is True)

    def _returned(self, look: Look) -> list[Episode]:
        if self._back_since_s is None:
            self._back_since_s = look.t_s
            if look.ended is not None and look.ended.ended_s is not None and look.ended.reason == "eyes_opened":
                self._back_since_s = look.ended.ended_s
        if look.t_s - self._back_since_s < self._settings.return_s:
            return []
        return self._end(look.t_s, self._back_since_s, "returned")

    def _end(self, t_s: float, ended_s: float, reason: str) -> list[Episode]:
        changes = self._alarm.end(
            t_s,
            ended_s=ended_s,
            confidence=self._confidence(ended_s),
            sensing="lost" if reason == "eyes_lost" else "good",
            measures=self._measures() | {"reason": reason},
        )
        self._begin()
        return changes

    def _confidence(self, t_s: float) -> float:
        """The share of the time until ``t_s`` for which the driver was known to be gone."""
        whole_s = 0.0 if self._started_s is None else t_s - self._started_s
        return min(self._gone_s / whole_s, 1.0) if whole_s > 0 else 1.0

    def _measures(self) -> dict[str, Measure]:
        return {"gone_s": self._gone_s, "since_warning_s": self._called_s, "eyes_closed": self._shut}
