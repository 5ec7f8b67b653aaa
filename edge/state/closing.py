"""Microsleep and sleep: eyes closed for long enough."""

from __future__ import annotations

import random
from dataclasses import dataclass

from edge.state.closures import Closure, EndReason
from edge.state.episodes import Running, new_id
from edge.state.eyes import EyeReading
from edge.state.look import Look
from edge.state.settings import EyeSettings
from edge.state.types import Episode, Measure, Phase, Sensing, Severity


@dataclass(frozen=True, slots=True)
class Alert:
    """An episode that eyes closed for long enough start; it ends with the closure."""

    kind: str
    severity: Severity
    after_s: float


class Closing:
    """The episodes that one closure of the eyes starts as it goes on (a ``Rule``)."""

    def __init__(self, settings: EyeSettings, rng: random.Random) -> None:
        self._settings = settings
        self._rng = rng
        self._alerts = (
            Alert("microsleep", Severity.WARNING, settings.microsleep_s),
            Alert("sleep", Severity.CRITICAL, settings.sleep_s),
        )
        self._running: dict[str, Running] = {}
        self._closure: Closure | None = None
        self._sensing: Sensing = "good"
        self._baseline_frozen = False
        self._track_id: str | None = None

    @property
    def active(self) -> tuple[str, ...]:
        """The kinds of its episodes that run."""
        return tuple(self._running)

    def update(self, look: Look) -> list[Episode]:
        """Takes the next look; returns what changed."""
        if look.face is not None and look.reading is not None:
            self._track_id = look.face.track_id
        self._baseline_frozen = look.baseline_frozen
        changes = self._end(look.t_s, look.ended) if look.ended is not None else []
        self._closure = look.closure
        if look.closure is not None:
            changes += self._follow(look, look.closure)
        return changes

    def finish(self, t_s: float, reason: EndReason) -> list[Episode]:
        """Ends what runs, at ``t_s``; the eyes were last seen closed when they were."""
        closure = self._closure
        if closure is None:
            return []
        closure.end(closure.last_closed_s, reason)
        return self._end(t_s, closure)

    def _follow(self, look: Look, closure: Closure) -> list[Episode]:
        """Starts the alerts that the running closure has come to, and tells where its eyes went out of sight."""
        changes = []
        sensing = self._sense(closure, look.reading)
        if (sensing == "lost") != (self._sensing == "lost"):
            changes += [self._change(run, Phase.UPDATE, look.t_s, closure, sensing) for run in self._running.values()]
        self._sensing = sensing
        if not look.shut_now:
            return changes
        for alert in self._alerts:
            if alert.kind not in self._running and closure.closed_s >= alert.after_s:
                run = Running(
                    subject="driver",
                    kind=alert.kind,
                    severity=alert.severity,
                    episode_id=new_id(self._rng),
                    track_id=self._track_id,
                    started_s=closure.started_s,
                )
                self._running[alert.kind] = run
                changes.append(self._change(run, Phase.START, look.t_s, closure, sensing))
        return changes

    def _end(self, t_s: float, closure: Closure) -> list[Episode]:
        sensing: Sensing = "lost" if closure.lost else "good"
        changes = [self._change(run, Phase.END, t_s, closure, sensing) for run in self._running.values()]
        self._running.clear()
        self._closure = None
        self._sensing = "good"
        return changes

    def _sense(self, closure: Closure, reading: EyeReading | None) -> Sensing:
        if closure.lost:
            return "lost"
        return "degraded" if reading is None or reading.known < 2 else "good"

    def _change(self, run: Running, phase: Phase, t_s: float, closure: Closure, sensing: Sensing) -> Episode:
        measures: dict[str, Measure] = {
            "closed_s": closure.closed_s,
            "mean_openness": closure.mean_openness,
            "baseline_frozen": self._baseline_frozen,
        }
        if closure.reason is not None:
            measures["reason"] = closure.reason
        return run.change(
            phase,
            t_s,
            confidence=closure.confidence(t_s, self._settings.closed_below),
            sensing=sensing,
            measures=measures,
            ended_s=closure.ended_s,
        )
