"""Observations in, states and episodes out: everything that the state room does."""

from __future__ import annotations

import random
from dataclasses import replace

from edge.state.audience import Audience
from edge.state.blinks import Blink
from edge.state.closures import EndReason
from edge.state.driver import Driver
from edge.state.expression import Expressions, Flips
from edge.state.seat import Seat
from edge.state.sensing import Sight
from edge.state.settings import StateSettings
from edge.state.types import UNKNOWN_VEHICLE, DriverState, Episode, ExpressionState, Vehicle
from edge.vision.types import EyeSource, Face, Observation

#: Time stamps may jitter backwards by a frame or so; by more than this the source has begun anew.
RESTART_S = 1.0
#: So long without a frame is no wink of the camera: longer than any absence that ends no visit.
PAUSE_S = 60.0


class People:
    """The people before one camera.

    Pure: its only clock is ``Observation.t_s``, and with an ``rng`` seeded the same (it makes the episodes' ids) the
    same observations give the same episodes. An observation no later than the last one is passed over; one more
    than ``RESTART_S`` earlier ends everything and begins anew.
    """

    def __init__(self, settings: StateSettings, *, rng: random.Random | None = None) -> None:
        self._settings = settings
        self._rng = rng or random.Random()  # noqa: S311 - ids, not secrets; and a seed must repeat them
        self._begin()

    def _begin(self) -> None:
        self._begin_driver()
        self._begin_expressions()
        self._begin_audience()
        self._t_s: float | None = None
        self._over = False

    def _begin_driver(self) -> None:
        self._seat = Seat(self._settings.eyes.driver_gone_s)
        self._sight = Sight(self._settings.sensing, self._rng)
        self._driver: Driver | None = None
        self._source: EyeSource | None = None

    def _begin_expressions(self) -> None:
        self._expressions = Expressions(self._settings.expression, self._rng)

    def _begin_audience(self) -> None:
        self._audience = Audience(self._settings.visitors, self._rng)

    @property
    def flips(self) -> Flips:
        """How often expression labels changed, before and after smoothing."""
        return self._expressions.flips

    def update(self, observation: Observation, vehicle: Vehicle = UNKNOWN_VEHICLE) -> list[Episode]:
        """Takes what was read from one frame, and what the vehicle said last; returns the changes that it brings."""
        t_s = observation.t_s
        changes = []
        if self._t_s is not None and t_s <= self._t_s and not self._over:
            if t_s > self._t_s - RESTART_S:
                return []
            changes += self.finish(self._t_s)
        if self._over:
            self._begin()
        self._t_s = t_s
        if self._settings.driver:
            changes += self._update_driver(observation, vehicle)
        if self._settings.expressions or self._settings.audience:
            told = self._expressions.update(t_s, observation.faces)
            changes += told if self._settings.expressions else []
        if self._settings.audience:
            changes += self._update_audience(observation)
        return changes

    def driver(self) -> DriverState | None:
        """The driver now; None before the first observation or where the driver isn't watched."""
        if not self._settings.driver or self._t_s is None:
            return None
        state = self._driver.state if self._driver is not None else None
        if state is None:
            state = DriverState(
                t_s=self._t_s,
                present=False,
                eyes="unknown",
                openness=None,
                closed_for_s=0.0,
                blinks_per_minute=None,
                active=(),
            )
        sensing = self._sight.sensing
        return replace(
            state,
            active=state.active + self._sight.active,
            attentive=state.attentive if sensing == "good" else None,
            sensing=sensing,
            sensing_reason=None if sensing == "good" else self._sight.reason,
        )

    @property
    def driver_track(self) -> str | None:
        """Which face is the driver's, by its track; None before the first one or where the driver isn't watched."""
        return self._seat.track_id if self._settings.driver else None

    def blinks(self) -> tuple[Blink, ...]:
        """The driver's blinks of the last minute, oldest first."""
        return self._driver.blinks if self._driver is not None else ()

    def expressions(self) -> list[ExpressionState]:
        """What each face with a known expression shows now; none where faces' expressions aren't told."""
        return self._expressions.states if self._settings.expressions else []

    def audience(self) -> Audience | None:
        """Those before the screen; None where they aren't counted. A new one after each end of the source."""
        return self._audience if self._settings.audience else None

    def end_audience(self) -> list[Episode]:
        """No frames come any more: all visits end when they were last seen. More frames begin anew."""
        return [] if self._audience.over else self._audience.finish()

    def recalibrate(self) -> list[Episode]:
        """Forgets the driver's own normal and learns it anew; ends what runs."""
        if self._driver is None or self._t_s is None:
            return []
        changes = self._driver.finish(self._t_s, "recalibrated")
        self._driver = None
        return changes

    def switch(self, *, driver: bool, expressions: bool) -> list[Episode]:
        """Which rules run from now on; ends what runs of those that no longer do, and forgets what they had learnt."""
        before = self._settings
        self._settings = before.model_copy(update={"driver": driver, "expressions": expressions})
        if self._t_s is None or self._over:
            return []
        changes = []
        if before.driver and not driver:
            changes += self._driver.finish(self._t_s, "source_ended") if self._driver is not None else []
            changes += self._sight.finish(self._t_s, "source_ended")
            self._begin_driver()
        if before.expressions and not expressions:
            changes += self._expressions.finish(self._t_s)
            self._begin_expressions()
        return changes

    def adopt(self, settings: StateSettings) -> list[Episode]:
        """Other settings hold from now on.

        Of the driver's rules, the expressions' and the audience's, those whose settings differ begin anew: what runs of
        them ends, and what they had learnt, which rests on the thresholds of then, is forgotten.
        """
        before = self._settings
        of_others = {name: getattr(before, name) for name in ("expression", "expressions", "visitors", "audience")}
        driver_stays = settings.model_copy(update=of_others) == before
        expressions_stay = (settings.expression, settings.expressions) == (before.expression, before.expressions)
        audience_stays = (settings.visitors, settings.audience) == (before.visitors, before.audience)
        changes = self.switch(
            driver=before.driver and driver_stays, expressions=before.expressions and expressions_stay
        )
        if not audience_stays:
            changes += self.end_audience()
        self._settings = settings
        if not driver_stays:
            self._begin_driver()
        if not expressions_stay:
            self._begin_expressions()
        return changes

    def finish(self, t_s: float | None = None) -> list[Episode]:
        """The source ended at ``t_s``, by default with the last observation: ends what runs.

        ``measures["reason"]`` is ``source_ended``. The states stay as they were last; another observation begins anew.
        """
        t_s = self._t_s if t_s is None else t_s
        if t_s is None or self._over:
            return []
        self._over = True
        changes = self._driver.finish(t_s, "source_ended") if self._driver is not None else []
        changes += self._sight.finish(t_s, "source_ended")
        ended = self._expressions.finish(t_s)
        changes += ended if self._settings.expressions else []
        return changes + self.end_audience()

    def _update_audience(self, observation: Observation) -> list[Episode]:
        changes = []
        state = self._audience.state
        if state is not None and observation.t_s - state.t_s > PAUSE_S:
            changes += self.end_audience()
        if self._audience.over:
            self._begin_audience()
        labels = {state.track_id: state.label for state in self._expressions.states}
        unread = [waiting.track_id for waiting in observation.unread]
        return changes + self._audience.update(observation.t_s, observation.faces, labels, unread)

    def _update_driver(self, observation: Observation, vehicle: Vehicle) -> list[Episode]:
        t_s = observation.t_s
        face, new = self._seat.find(t_s, observation.faces)
        changes = []
        if self._driver is not None and (reason := self._why_anew(observation, face, new=new)) is not None:
            changes += self._driver.finish(t_s, reason)
            self._driver = None
        if self._driver is None and face is not None:
            self._driver = Driver(self._settings, observation.eye_source, self._rng)
            self._source = observation.eye_source
        if self._driver is not None:
            changes += self._driver.update(t_s, face, observation.quality, vehicle)
        readable = self._driver is not None and self._driver.readable
        away = self._driver is not None and self._driver.looks_away
        quality = observation.quality
        return changes + self._sight.update(t_s, face, readable=readable, away=away, quality=quality, vehicle=vehicle)

    def _why_anew(self, observation: Observation, face: Face | None, *, new: bool) -> EndReason | None:
        """Why the driver must be learnt anew; None where the one at the wheel is the one that was learnt."""
        if new:
            return "driver_gone"
        if observation.eye_source != self._source:
            return "recalibrated"
        familiar = face is None or self._driver is None or self._driver.knows(observation.t_s, face)
        return None if familiar else "driver_changed"
