"""One driver: what each frame tells of them, and the rules that judge it."""

from __future__ import annotations

import random

from edge.state.attention import Distraction
from edge.state.blinks import Blink, Blinks
from edge.state.closing import Closing
from edge.state.closures import Closures, EndReason
from edge.state.drowsiness import Drowsiness
from edge.state.eyes import EyeReading, Eyes
from edge.state.familiar import Familiar
from edge.state.fatigue import Microsleeps, Signs, fatigue
from edge.state.look import Look, Rule
from edge.state.nods import Nods
from edge.state.perclos import Perclos
from edge.state.road import Road
from edge.state.settings import StateSettings
from edge.state.types import DriverState, Episode, Vehicle
from edge.state.unresponsive import Unresponsive
from edge.state.yawns import Yawns
from edge.vision.types import EyeSource, Face, Quality


class Driver:
    """One person at the wheel, from the first frame to the last; someone else is another ``Driver``.

    While the head points far down or aside, lowered lids say nothing and the eyes are unknown. Eyes that had been
    closed for longer than a blink before the head sank are believed to be closed still: that is how people nod off.
    """

    def __init__(self, settings: StateSettings, source: EyeSource, rng: random.Random) -> None:
        self._settings = settings.eyes
        self._eyes = Eyes(settings.eyes, source)
        self._road = Road(settings.eyes, settings.attention)
        self._closures = Closures(settings.eyes)
        self._blinks = Blinks(settings.eyes)
        self._nods = Nods(settings.attention, rng)
        self._perclos = Perclos(settings.drowsiness.known_min, settings.eyes.blink_max_s)
        self._microsleeps = Microsleeps(settings.eyes.microsleep_s)
        self._fatigue = settings.drowsiness.fatigue
        self._familiar = Familiar(settings.eyes)
        self._yawns = Yawns(settings.drowsiness, settings.eyes.bridge_s, rng)
        closing, distraction = Closing(settings.eyes, rng), Distraction(settings.attention, rng)
        self._rules: tuple[Rule, ...] = (
            closing,
            distraction,
            Unresponsive(settings, rng, callers=(closing, distraction)),
            Drowsiness(settings.drowsiness, rng),
            self._yawns,
            self._nods,
        )
        self._t_s: float | None = None
        self._away = False
        self._newest: Look | None = None
        self._asked: DriverState | None = None

    @property
    def blinks(self) -> tuple[Blink, ...]:
        """The blinks of the last minute, oldest first."""
        return self._blinks.recent

    @property
    def state(self) -> DriverState | None:
        """The driver now, None before the first frame; worked out when asked for, as that is seldom beside frames."""
        if self._asked is None and self._newest is not None:
            self._asked = self._state(self._newest)
        return self._asked

    @property
    def readable(self) -> bool:
        """Whether the newest frame tells how far the eyes are open."""
        return self._newest is not None and self._newest.reading is not None

    @property
    def looks_away(self) -> bool:
        """Whether the head points so far down or aside in the newest frame that lowered lids say nothing."""
        return self._away

    def knows(self, t_s: float, face: Face) -> bool:
        """Whether this is still the face that was learnt; asked of each frame with one, before ``update``."""
        return self._familiar.knows(t_s, face, self._road.head.offset(face.pose))

    def update(self, t_s: float, face: Face | None, quality: Quality, vehicle: Vehicle) -> list[Episode]:
        """Takes the driver's face at ``t_s`` (None: not in sight); returns what changed."""
        look = self._look(t_s, face, quality, vehicle)
        self._newest, self._asked = look, None
        return [change for rule in self._rules for change in rule.update(look)]

    def finish(self, t_s: float, reason: EndReason) -> list[Episode]:
        """Ends what runs, at ``t_s``; the state stays as it was last."""
        self._asked = self.state
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
        self._away = face is not None and self._road.head.away(face.pose)
        if face is not None and not self._away:
            self._eyes.follow(t_s, face)
        if face is not None:
            self._learn(face, dt_s, vehicle, reading)
        known_s = dt_s if reading is not None else 0.0
        self._blinks.update(t_s, known_s, ended)
        self._perclos.update(t_s, known_s, ended, self._closures.running)
        self._microsleeps.update(t_s, self._closures.running)
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
            head=None if face is None else self._road.head.offset(face.pose),
            on_road=self._road.judge(face),
            quality=quality,
            vehicle=vehicle,
            usual_frozen=self._road.head.frozen,
            perclos_60s=self._perclos.minute,
            perclos_180s=self._perclos.long,
        )

    def _read(self, face: Face | None) -> EyeReading | None:
        reading = self._eyes.read(face) if face is not None else None
        if face is None or reading is None or reading.openness > self._settings.open_above:
            return reading
        closure = self._closures.running
        dozed_off = closure is not None and closure.closed_s > self._settings.blink_max_s
        return None if self._road.head.away(face.pose) and not dozed_off else reading

    def _learn(self, face: Face, dt_s: float, vehicle: Vehicle, reading: EyeReading | None) -> None:
        if self._closures.running is not None:
            # Lids half open, though still asleep, are not where they meet.
            if reading is not None and self._closures.shut_now and reading.openness < self._settings.closed_below:
                self._eyes.note_closed(face, dt_s)
            return
        # Behind dark glasses the head tells all the same where the road is.
        self._road.learn(face, dt_s, vehicle, awake=reading is not None)
        if reading is not None and not self._away:
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
            perclos_60s=look.perclos_60s.closed,
            perclos_180s=look.perclos_180s.closed,
            known_60s=look.perclos_60s.known,
            known_180s=look.perclos_180s.known,
            fatigue=fatigue(self._signs(look, counted=counted), self._fatigue),
            yawns=self._yawns.count,
            mouth_opening=None if look.face is None else look.face.mouth_opening,
            yaw_off_deg=None if look.head is None else look.head.yaw_deg,
            pitch_off_deg=None if look.head is None else look.head.pitch_deg,
            attentive=self._attentive(look),
            nods=self._nods.count,
            track_id=None if look.face is None else look.face.track_id,
            right_openness=None if look.reading is None else look.reading.right,
            left_openness=None if look.reading is None else look.reading.left,
        )

    def _attentive(self, look: Look) -> bool | None:
        """Whether the driver looks at the road with open eyes; a blink does not count."""
        if look.on_road is None or look.eyes == "unknown":
            return None
        return look.on_road and (look.closure is None or look.closure.closed_s <= self._settings.blink_max_s)

    def _signs(self, look: Look, *, counted: bool) -> Signs:
        return Signs(
            perclos_60s=look.perclos_60s.closed,
            perclos_180s=look.perclos_180s.closed,
            microsleeps=self._microsleeps.count,
            long_blinks=self._blinks.long if counted else None,
            blink_mean_s=self._blinks.mean_s if counted else None,
            yawns=self._yawns.count,
            nods=self._nods.count,
        )
