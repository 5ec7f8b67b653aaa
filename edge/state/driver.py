"""What one driver's eyes say: blinks, microsleeps, sleep."""

from __future__ import annotations

import random
from dataclasses import dataclass

from edge.state.blinks import Blink, Blinks
from edge.state.closures import Closure, Closures, EndReason
from edge.state.episodes import Running, new_id
from edge.state.eyes import EyeReading, Eyes, UsualPose
from edge.state.settings import EyeSettings
from edge.state.types import DriverState, Episode, Measure, Phase, Sensing, Severity
from edge.vision.types import EyeSource, Face


@dataclass(frozen=True, slots=True)
class Alert:
    """An episode that eyes closed for long enough start; it ends with the closure."""

    kind: str
    severity: Severity
    after_s: float


class Driver:
    """One person at the wheel, from the first frame to the last; someone else is another ``Driver``.

    While the head points far down or aside, lowered lids say nothing and the eyes are unknown. Eyes that had been
    closed for longer than a blink before the head sank are believed to be closed still: that is how people nod off.
    """

    def __init__(self, settings: EyeSettings, source: EyeSource, rng: random.Random) -> None:
        self._settings = settings
        self._rng = rng
        self._alerts = (
            Alert("microsleep", Severity.WARNING, settings.microsleep_s),
            Alert("sleep", Severity.CRITICAL, settings.sleep_s),
        )
        self._eyes = Eyes(settings, source)
        self._pose = UsualPose(settings)
        self._closures = Closures(settings)
        self._blinks = Blinks(settings)
        self._running: dict[str, Running] = {}
        self._sensing: Sensing = "good"
        self._t_s: float | None = None
        self._track_id: str | None = None
        self.state: DriverState | None = None

    @property
    def blinks(self) -> tuple[Blink, ...]:
        """The blinks of the last minute, oldest first."""
        return self._blinks.recent

    def update(self, t_s: float, face: Face | None) -> list[Episode]:
        """Takes the driver's face at ``t_s`` (None: not in sight); returns what changed."""
        dt_s = 0.0 if self._t_s is None else t_s - self._t_s
        if dt_s > self._settings.bridge_s:
            dt_s = 0.0  # what happened meanwhile is not known
        self._t_s = t_s
        reading = self._read(face)
        ended = self._closures.update(t_s, reading)
        if ended is not None:
            self._eyes.settle(sure=ended.reason == "eyes_opened" and ended.closed_s >= self._settings.microsleep_s)
        if face is not None and reading is not None:
            self._track_id = face.track_id
            self._learn(face, dt_s)
        self._blinks.update(t_s, dt_s if reading is not None else 0.0, ended)
        changes = self._end(t_s, ended) if ended is not None else []
        if self._closures.running is not None:
            changes += self._follow(t_s, self._closures.running, reading)
        self.state = self._state(t_s, face, reading)
        return changes

    def finish(self, t_s: float, reason: EndReason) -> list[Episode]:
        """Ends what runs, at ``t_s``; the eyes were last seen closed when they were."""
        ended = self._closures.finish(reason)
        return self._end(t_s, ended) if ended is not None else []

    def _read(self, face: Face | None) -> EyeReading | None:
        reading = self._eyes.read(face) if face is not None else None
        if face is None or reading is None or reading.openness > self._settings.open_above:
            return reading
        closure = self._closures.running
        dozed_off = closure is not None and closure.closed_s > self._settings.blink_max_s
        return None if self._pose.away(face.pose) and not dozed_off else reading

    def _learn(self, face: Face, dt_s: float) -> None:
        if self._closures.eyes == "closed":
            if self._closures.shut_now:
                self._eyes.note_closed(face, dt_s)
            return
        self._pose.learn(face.pose, dt_s)
        if not self._pose.away(face.pose):
            self._eyes.learn_open(face, dt_s)

    def _follow(self, t_s: float, closure: Closure, reading: EyeReading | None) -> list[Episode]:
        """Starts the alerts that the running closure has come to, and tells where its eyes went out of sight."""
        changes = []
        sensing = self._sense(closure, reading)
        if (sensing == "lost") != (self._sensing == "lost"):
            changes += [self._change(run, Phase.UPDATE, t_s, closure, sensing) for run in self._running.values()]
        self._sensing = sensing
        if not self._closures.shut_now:
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
                changes.append(self._change(run, Phase.START, t_s, closure, sensing))
        return changes

    def _end(self, t_s: float, closure: Closure) -> list[Episode]:
        sensing: Sensing = "lost" if closure.lost else "good"
        changes = [self._change(run, Phase.END, t_s, closure, sensing) for run in self._running.values()]
        self._running.clear()
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
            "baseline_frozen": self._eyes.frozen,
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

    def _state(self, t_s: float, face: Face | None, reading: EyeReading | None) -> DriverState:
        closure = self._closures.running
        counted = self._blinks.per_minute is not None
        return DriverState(
            t_s=t_s,
            present=face is not None,
            eyes=self._closures.eyes,
            openness=None if reading is None else reading.openness,
            closed_for_s=0.0 if closure is None else closure.closed_s,
            blinks_per_minute=self._blinks.per_minute,
            active=tuple(self._running),
            blinks=len(self._blinks.recent) if counted else None,
            long_blinks=self._blinks.long if counted else None,
            blink_mean_s=self._blinks.mean_s if counted else None,
        )
