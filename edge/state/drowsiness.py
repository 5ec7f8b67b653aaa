"""Drowsiness: eyes that were closed for too large a share of the last minutes."""

from __future__ import annotations

import random
from dataclasses import replace

from edge.state.closures import EndReason
from edge.state.episodes import Running, new_id
from edge.state.look import Look
from edge.state.settings import DrowsinessSettings
from edge.state.types import Episode, Measure, Phase, Severity

KIND = "drowsiness"


class Drowsiness:
    """One episode from the first notice until PERCLOS is low again (a ``Rule``).

    It may rise from a notice to a warning, which is an update under the same id, and never falls back meanwhile.
    Where too little of the minute is known to go on, it ends. After its end it may not start again for
    ``refractory_s``, unless it would be more severe than it was.
    """

    def __init__(self, settings: DrowsinessSettings, rng: random.Random) -> None:
        self._settings = settings
        self._rng = rng
        self._run: Running | None = None
        self._look: Look | None = None
        self._last: Severity | None = None
        self._rearmed_s = 0.0

    @property
    def active(self) -> tuple[str, ...]:
        """The kinds of its episodes that run."""
        return (KIND,) if self._run is not None else ()

    def update(self, look: Look) -> list[Episode]:
        """Takes the next look; returns what changed."""
        self._look = look
        severity = self._severity(look)
        run = self._run
        if run is None:
            armed = look.t_s >= self._rearmed_s or (severity is Severity.WARNING and self._last is Severity.NOTICE)
            return [self._start(look, severity)] if severity is not None and armed else []
        minute = look.perclos_60s.closed
        if minute is None:
            return [self._end(run, look, look.t_s, "eyes_lost")]
        if minute < self._settings.leave_60s:
            return [self._end(run, look, look.t_s, "recovered")]
        if severity is Severity.WARNING and run.severity is not Severity.WARNING:
            self._run = run = replace(run, severity=severity)
            return [self._change(run, Phase.UPDATE, look, look.t_s)]
        return []

    def finish(self, t_s: float, reason: EndReason) -> list[Episode]:
        """Ends what runs, at ``t_s``."""
        run, look = self._run, self._look
        return [self._end(run, look, t_s, reason)] if run is not None and look is not None else []

    def _severity(self, look: Look) -> Severity | None:
        minute, long = look.perclos_60s.closed, look.perclos_180s.closed
        if minute is None or minute < self._settings.notice_60s:
            return None
        sure = long is not None and long >= self._settings.warning_180s
        return Severity.WARNING if minute >= self._settings.warning_60s and sure else Severity.NOTICE

    def _start(self, look: Look, severity: Severity) -> Episode:
        self._run = Running(
            subject="driver",
            kind=KIND,
            severity=severity,
            episode_id=new_id(self._rng),
            track_id=None if look.face is None else look.face.track_id,
            started_s=look.t_s,
        )
        return self._change(self._run, Phase.START, look, look.t_s)

    def _end(self, run: Running, look: Look, t_s: float, reason: str) -> Episode:
        self._run, self._last = None, run.severity
        self._rearmed_s = t_s + self._settings.refractory_s
        return self._change(run, Phase.END, look, t_s, reason)

    def _change(self, run: Running, phase: Phase, look: Look, t_s: float, reason: str | None = None) -> Episode:
        measures: dict[str, Measure] = {
            "perclos_60s": look.perclos_60s.closed,
            "perclos_180s": look.perclos_180s.closed,
            "known_60s": look.perclos_60s.known,
            "known_180s": look.perclos_180s.known,
        }
        if reason is not None:
            measures["reason"] = reason
        return run.change(
            phase,
            t_s,
            confidence=look.perclos_60s.known,
            sensing="lost" if look.perclos_60s.closed is None else "good" if look.reading is not None else "degraded",
            measures=measures,
            ended_s=t_s if phase is Phase.END else None,
        )
