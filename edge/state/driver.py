"""One driver: what each frame tells of them, and the rules that judge it."""

from __future__ import annotations

import random

from edge.state.blinks import Blink, Blinks
from edge.state.closing import Closing
from edge.state.closures import Closures, EndReason
from edge.state.eyes import EyeReading, Eyes
from edge.state.look import Look, Rule
from edge.state.pose import UsualPose
from edge.state.settings import StateSettings
from edge.state.types import DriverState, Episode, Vehicle
from edge.vision.types import EyeSource, Face, Quality


class Driver:
    """One person at the wheel, from the first frame to the last; someone else is another ``Driver``.

    While the head points far down or aside, lowered lids say nothing and the eyes are unknown. Eyes that had been
    closed for longer than a blink before the head sank are believed to be closed still: that is how people nod off.
    """

    def __init__(self, settings: StateSettings, source: EyeSource, rng: random.Random) -> None:
        self._settings = settings.eyes
        self._eyes = Eyes(settings.eyes, source)
        self._pose = UsualPose(settings.eyes)
        self._closures = Closures(settings.eyes)
        self._blinks = Blinks(settings.eyes)
        self._rules: tuple[Rule, ...] = (Closing(settings.eyes, rng),)
        self._t_s: float | None = None
        self.state: DriverState | None = None

    @property
    def blinks(self) -> tuple[Blink, ...]:
        """The blinks of the last minute, oldest first."""
        return self._blinks.recent

    def update(self, t_s: float, face: Face | None, quality: Quality, vehicle: Vehicle) -> list[Episode]:
        """Takes the driver's face at ``t_s`` (None: not in sight); returns what changed."""
        look = self._look(t_s, face, quality, vehicle)
        changes = [change for rule in self._rules for change in rule.update(look)]
        self.state = self._state(look)
        return changes

    def finish(self, t_s: float, reason: EndReason) -> list[Episode]:
        """Ends what runs, at ``t_s``."""
        return [change for rule in self._rules for change in rule.finish(t_s, reason)]

    def _look(self, t_s: float, face: Face | None, quality: Quality, vehicle: Vehicle) -> Look:
        dt_s = 0.0 if self._t_s is None else t_s - self._t_s
        if dt_s > self._settings.bridge_s:
            dt_s = 0.0  # what happened meanwhile is not known
        self._t_s = t_s
        reading = self._read(face)
        ended = self._closures.update(t_s, reading)
        if ended is not None:
            self._eyes.settle(sure=ended.reason == "eyes_opened" and ended.closed_s >= self._settings.microsleep_s)
        if face is not None and reading is not None:
            self._learn(face, dt_s)
        self._blinks.update(t_s, dt_s if reading is not None else 0.0, ended)
        return Look(
            t_s=t_s,
            dt_s=dt_s,
            face=face,
            reading=reading,
            eyes=self._closures.eyes,
            shut_now=self._closures.shut_now,
            closure=self._closures.running,
            ended=ended,
            baseline_frozen=self._eyes.frozen,
            head=None if face is None else self._pose.offset(face.pose),
            quality=quality,
            vehicle=vehicle,
        )

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

    def _state(self, look: Look) -> DriverState:
        counted = self._blinks.per_minute is not None
        return DriverState(
            t_s=look.t_s,
            present=look.face is not None,
            eyes=look.eyes,
            openness=None if look.reading is None else look.reading.openness,
            closed_for_s=0.0 if look.closure is None else look.closure.closed_s,
            blinks_per_minute=self._blinks.per_minute,
            active=tuple(kind for rule in self._rules for kind in rule.active),
            blinks=len(self._blinks.recent) if counted else None,
            long_blinks=self._blinks.long if counted else None,
            blink_mean_s=self._blinks.mean_s if counted else None,
            mouth_opening=None if look.face is None else look.face.mouth_opening,
            yaw_off_deg=None if look.head is None else look.head.yaw_deg,
            pitch_off_deg=None if look.head is None else look.head.pitch_deg,
        )
