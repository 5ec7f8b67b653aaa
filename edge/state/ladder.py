"""One rung of the alarm ladder: at most one episode of a kind at a time, and a rest after each."""

from __future__ import annotations

import random
from collections.abc import Mapping

from edge.state.episodes import Running, new_id
from edge.state.types import Episode, Measure, Phase, Sensing, Severity


class Alarm:
    """The episodes of one kind, one after the other.

    A new one starts no sooner than ``refractory_s`` after the last one's end, so that an alarm does not nag; what
    holds on until then starts it then. What is critical never rests. Where ``refractory_max_s`` is larger, one that
    comes again and again rests twice as long each time, up to that, until it has stayed away for as long.
    """

    def __init__(
        self, kind: str, severity: Severity, refractory_s: float, rng: random.Random, *, refractory_max_s: float = 0.0
    ) -> None:
        self.kind = kind
        self.severity = severity
        self._refractory_s = 0.0 if severity is Severity.CRITICAL else refractory_s
        self._refractory_max_s = max(refractory_max_s, self._refractory_s)
        self._rest_s = self._refractory_s
        self._rng = rng
        self._running: Running | None = None
        self._recognized_s = 0.0
        self._rests_until_s = float("-inf")

    @property
    def running(self) -> bool:
        """Whether an episode runs."""
        return self._running is not None

    @property
    def active(self) -> tuple[str, ...]:
        """The kind while an episode of it runs."""
        return (self.kind,) if self.running else ()

    def ready(self, t_s: float) -> bool:
        """Whether an episode may start at ``t_s``."""
        return self._running is None and t_s >= self._rests_until_s

    def start(
        self,
        t_s: float,
        *,
        started_s: float,
        track_id: str | None,
        confidence: float,
        sensing: Sensing,
        measures: Mapping[str, Measure],
    ) -> Episode:
        """Starts one, recognized at ``t_s``; ``ready`` was asked before."""
        self._recognized_s = t_s
        if t_s - self._rests_until_s > self._refractory_max_s:
            self._rest_s = self._refractory_s
        self._running = Running("driver", self.kind, self.severity, new_id(self._rng), track_id, started_s)
        return self._running.change(Phase.START, t_s, confidence=confidence, sensing=sensing, measures=measures)

    def update(
        self, t_s: float, *, confidence: float, sensing: Sensing, measures: Mapping[str, Measure]
    ) -> list[Episode]:
        """What an update of the one that runs tells; nothing where none does."""
        if self._running is None:
            return []
        return [self._running.change(Phase.UPDATE, t_s, confidence=confidence, sensing=sensing, measures=measures)]

    def end(
        self,
        t_s: float,
        *,
        ended_s: float,
        confidence: float,
        sensing: Sensing,
        measures: Mapping[str, Measure],
    ) -> list[Episode]:
        """Ends the one that runs, if any; it ceased at ``ended_s``, or when it was recognized if that is later."""
        running, self._running = self._running, None
        if running is None:
            return []
        self._rests_until_s = t_s + self._rest_s
        self._rest_s = min(2 * self._rest_s, self._refractory_max_s)
        ended_s = max(ended_s, self._recognized_s)
        return [
            running.change(Phase.END, t_s, confidence=confidence, sensing=sensing, measures=measures, ended_s=ended_s)
        ]
