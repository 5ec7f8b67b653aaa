"""What the daemon says of itself beside the events: the last states, the camera's status, and the device's health."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel

from edge.camera import Condition
from edge.camera.health import Kind
from edge.delivery import Delivery, Outbox
from edge.events import CameraStatus, DriverSnapshot, Health, Topics, system_clock_synced
from edge.events.catalogue import CAMERA_STATUS, DRIVER_STATE, EXPRESSION_STATE, HEALTH, SWITCH_STATES, Channel
from edge.events.convert import driver_snapshot, expression_snapshot, unseen_driver
from edge.running.pace import Pace
from edge.state import People

if TYPE_CHECKING:
    from edge.daemon import Step
    from edge.running.vitals import Vitals

#: The contract's highest rate for driver/state and expression/state, as a period in seconds.
STATE_EVERY_S = 0.5
#: A third of health's expiry, so that one lost message does not blank it.
HEALTH_EVERY_S = 30.0


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run came to.

    waiting: events that the broker has not acknowledged; they go out with the next run. zero_wall_s: Unix time
    of capture time 0, by the last frame; None where there was none.
    """

    frames: int
    dropped: int
    seconds: float
    events: int
    waiting: int
    zero_wall_s: float | None


class Tally:
    """Counts what goes by, and publishes the last states and the device's health at their own pace.

    mirrors: hear each of the driver's states that is published.
    """

    def __init__(
        self,
        publisher: Delivery,
        outbox: Outbox,
        topics: Topics,
        camera: str,
        vitals: Vitals,
        *,
        mirrors: Iterable[Callable[[DriverSnapshot], None]] = (),
    ) -> None:
        self._publisher = publisher
        self._outbox = outbox
        self._topics = topics
        self._camera = camera
        self._vitals = vitals
        self._mirrors = tuple(mirrors)
        self._started_s = self._state_due_s = time.monotonic()
        self._pace = Pace()
        self._frames = 0
        self._events = 0
        self._zero_wall_s: float | None = None

    def condition(self, condition: Condition) -> None:
        """A camera's listener; any thread may call it."""
        self.camera(condition.kind, condition.reason)

    def camera(self, status: Kind, reason: str | None = None) -> None:
        """Say how the camera fares."""
        message = CameraStatus(camera=self._camera, status=status, reason=reason, time=datetime.now(UTC))
        self._say(CAMERA_STATUS, self._topics.camera_status(self._camera), message)

    def blind(self, reason: str) -> None:
        """Say that nothing is known of the driver any more: what was last said of him must not stand."""
        self._tell_driver(unseen_driver(datetime.now(UTC), reason, synced=system_clock_synced()))

    def switch(self, name: str, *, on: bool) -> None:
        """Say where a switch stands."""
        self._say(SWITCH_STATES[name], self._topics.feature_state(name), "ON" if on else "OFF")

    def count(self, step: Step, people: People) -> None:
        """Take a step into account; publish what is due of the states."""
        self._events += len(step.events)
        if step.observation is None:
            return
        self._frames += 1
        self._zero_wall_s = step.clock.zero_wall_s
        self._pace.frame(step.observation.wall_time)
        now_s = time.monotonic()
        if now_s >= self._state_due_s:
            self._state_due_s = now_s + STATE_EVERY_S
            self._publish_states(step, people)

    def tick(self) -> None:
        """Publish the device's health when it is due, frames or none."""
        if self._pace.seconds >= HEALTH_EVERY_S:
            self._publish_health()

    def summary(self, dropped: int, waiting: int) -> Summary:
        """The whole run. dropped: frames that came too fast."""
        took_s = time.monotonic() - self._started_s
        return Summary(self._frames, dropped, took_s, self._events, waiting, self._zero_wall_s)

    def _publish_states(self, step: Step, people: People) -> None:
        if (driver := people.driver()) is not None:
            self._tell_driver(driver_snapshot(driver, step.clock))
        if (faces := people.expressions()) and step.observation is not None:
            expressions = expression_snapshot(step.observation.t_s, faces, step.clock)
            self._say(EXPRESSION_STATE, self._topics.state("expression"), expressions)

    def _publish_health(self) -> None:
        heat = self._vitals.heat
        fps, latency_ms = self._pace.read()
        health = Health(
            time=datetime.now(UTC),
            uptime_s=time.monotonic() - self._started_s,
            fps=fps,
            latency_ms=latency_ms,
            temperature_c=heat.temperature_c,
            throttled=heat.throttled,
            shedding=self._vitals.shedding,
            outbox_depth=self._outbox.depth(),
            outbox_dropped=self._outbox.dropped(),
            outbox_trouble=self._outbox.trouble,
            broker_trouble=self._publisher.trouble,
            outbox_set_aside=None if self._outbox.set_aside is None else self._outbox.set_aside.name,
        )
        self._say(HEALTH, self._topics.health, health)

    def _tell_driver(self, snapshot: DriverSnapshot) -> None:
        self._say(DRIVER_STATE, self._topics.state("driver"), snapshot)
        for mirror in self._mirrors:
            mirror(snapshot)

    def _say(self, channel: Channel, topic: str, message: BaseModel | str) -> None:
        self._publisher.state(topic, message, qos=channel.qos, retain=channel.retain, expiry_s=channel.expiry_s)
