"""How the daemon fares, frame by frame: told to systemd, to Prometheus and to ``mien status``, and mended by rule."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge.config import Config
from edge.delivery import Delivery, Outbox
from edge.events import Info
from edge.running import Heat, Notifier, Shedder, Thermometer
from edge.running.pace import Pace
from edge.running.shutter import Shutter
from edge.running.status import WRITE_EVERY_S, Status, StatusFile
from edge.state import People
from edge.vision import FaceReader, Observation

if TYPE_CHECKING:
    from edge.daemon import Step
    from edge.running.metrics import Metrics  # an extra

#: Without a frame for so long the daemon is idle; slow cameras give one a second.
IDLE_S = 2.0


class Vitals:
    """Listens beside the frame loop, in its thread; closing it takes the status file away."""

    def __init__(
        self,
        config: Config,
        info: Info,
        notifier: Notifier,
        metrics: Metrics | None,
        *,
        shutter: Shutter,
        reader: FaceReader,
        people: People,
        outbox: Outbox,
        publisher: Delivery,
    ) -> None:
        self._info = info
        self._notifier = notifier
        self._metrics = metrics
        self._shutter = shutter
        self._reader = reader
        self._people = people
        self._outbox = outbox
        self._publisher = publisher
        self._realtime = config.camera.realtime
        self._thermometer = Thermometer()
        self._shedder = Shedder(
            config.shedding,
            config.vision,
            grace_s=config.state.expression.grace_s,
            driver=config.state.driver,
        )
        self._file = StatusFile(config.outbox.path)
        self._observation: Observation | None = None
        self._frame_s = time.monotonic()
        self._pace = Pace()
        self._wrote = False

    @property
    def heat(self) -> Heat:
        """The processor's, a few seconds old at most."""
        return self._thermometer.heat(time.monotonic())

    @property
    def shedding(self) -> tuple[str, ...]:
        """What is left out for want of time."""
        return self._shedder.shedding

    def adopt(self, config: Config) -> None:
        """Another configuration holds: its reading, less what is left out."""
        grace_s, driver = config.state.expression.grace_s, config.state.driver
        self._shedder.configure(config.vision, grace_s=grace_s, driver=driver)
        self._reader.settings = self._shedder.vision

    def count(self, step: Step) -> None:
        """A step has gone the whole way."""
        if self._metrics is not None:
            self._metrics.events(step.events)
        if step.observation is None:
            return
        self._observation, self._frame_s = step.observation, time.monotonic()
        latency_s = self._pace.frame(step.observation.wall_time)
        self._notifier.frame(self._says)
        if self._metrics is not None:
            self._metrics.frame(latency_s, len(step.observation.faces))
        # A file that is read as fast as it can be has no latency, and can't come too fast.
        if self._realtime and self._shedder.frame(
            time.monotonic(),
            latency_s=latency_s,
            dropped=self._shutter.dropped,
            throttled=bool(self.heat.throttled),
        ):
            self._reader.settings = self._shedder.vision

    def tick(self) -> None:
        """Time has passed, with a frame or without."""
        now_s = time.monotonic()
        if now_s - self._frame_s >= IDLE_S:
            self._observation = None
            self._notifier.idle(self._says, camera_off=self._shutter.closed)
        first = self._observation is not None and not self._wrote
        if first or self._pace.seconds >= WRITE_EVERY_S:
            self._write()

    def close(self) -> None:
        """The daemon ends."""
        self._file.remove()

    def _says(self) -> str:
        """What is seen, in a line."""
        if self._observation is None:
            condition = self._shutter.condition
            return f"no frames: camera {condition.kind}" + (f", {condition.reason}" if condition.reason else "")
        faces = len(self._observation.faces)
        words = [f"{faces} face" if faces == 1 else f"{faces} faces"]
        if (driver := self._people.driver()) is not None:
            words.append(f"driver's eyes {driver.eyes}" if driver.present else "no driver")
            words += driver.active
        if self.shedding:
            words.append(f"leaving out {', '.join(self.shedding)}")
        return ", ".join(words)

    def _write(self) -> None:
        condition, heat = self._shutter.condition, self.heat
        fps, latency_ms = self._pace.read()
        outcome = self._publisher.outcome
        status = Status(
            info=self._info,
            says=self._says(),
            camera=condition.kind,
            camera_reason=condition.reason,
            fps=fps,
            latency_ms=latency_ms,
            dropped=self._shutter.dropped,
            temperature_c=heat.temperature_c,
            throttled=heat.throttled,
            shedding=self.shedding,
            broker=None if self._publisher.connected else (outcome.reason if outcome else "") or "not connected",
            outbox_depth=self._outbox.depth(),
            outbox_dropped=self._outbox.dropped(),
            outbox_trouble=self._outbox.trouble,
            apart=self._publisher.apart,
        )
        self._file.write(status)
        self._wrote = True
