"""The one place where the rooms meet: camera, vision, state, events, delivery."""

from __future__ import annotations

import logging
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from edge.camera import Camera, CameraError, open_camera
from edge.config import Config
from edge.delivery import DeliveryError, Outbox, OutboxError, Publisher
from edge.events import CameraStatus, ClockMapping, DeviceIdentity, Event, Health, Info, Topics, system_clock_synced
from edge.events.convert import driver_snapshot, expression_snapshot, to_event
from edge.models import face_models_folder, require_face_models, shipped_expression
from edge.state import People
from edge.version import version
from edge.vision import FaceReader, Observation, VisionSettings

log = logging.getLogger(__name__)

#: The contract's highest rate for driver/state and expression/state, as a period in seconds.
STATE_EVERY_S = 0.5
STATE_EXPIRY_S = 10.0
#: A third of health's expiry, so that one lost message does not blank it.
HEALTH_EVERY_S = 30.0
HEALTH_EXPIRY_S = 90.0
_THERMAL = Path("/sys/class/thermal/thermal_zone0/temp")


@dataclass(frozen=True, slots=True)
class Step:
    """One frame's way through the house. observation is None once, after the source's end, for what that ended."""

    observation: Observation | None
    clock: ClockMapping
    events: tuple[Event, ...]


def open_reader(settings: VisionSettings, *, seed: int | None = None) -> FaceReader:
    """A face reader on the installed face models and the expression model that ships."""
    # The mediapipe package brings its own.
    face_models = require_face_models() if settings.backend == "litert" else face_models_folder()
    bundle = shipped_expression() if settings.expression else None
    return FaceReader(settings, face_models=face_models, expression_bundle=bundle, seed=seed)


def follow(
    camera: Camera,
    reader: FaceReader,
    people: People,
    device: DeviceIdentity,
    *,
    is_synced: Callable[[], bool],
    stop: threading.Event | None = None,
) -> Iterator[Step]:
    """The inner loop: reads each frame of a camera and tells what it changed, until the camera ends or ``stop``.

    The last step tells what the end itself ended; a camera's failure is raised after it.
    """
    observation: Observation | None = None
    lost: CameraError | None = None
    try:
        for frame in camera:
            observation = reader.read(frame)
            changes = people.update(observation)
            # Anew with each frame, so that a wall clock that is set meanwhile is followed.
            clock = ClockMapping.at(frame.t_s, frame.wall_time, synced=is_synced())
            yield Step(observation, clock, tuple(to_event(change, device, clock) for change in changes))
            if stop is not None and stop.is_set():
                break
    except CameraError as error:
        lost = error
    if observation is not None:
        changes = people.finish(observation.t_s)
        yield Step(None, clock, tuple(to_event(change, device, clock) for change in changes))
    if lost is not None:
        raise lost


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


def run(
    config: Config,
    *,
    stop: threading.Event | None = None,
    need_broker: bool = True,
    on_event: Callable[[Event], None] = lambda _event: None,
    drain_s: float = 10.0,
) -> Summary:
    """Reads the configured camera and publishes what it shows, until the source ends or ``stop`` is set.

    need_broker: give up at once where no broker answers, instead of keeping events until one does. on_event is
    called for each event once it is safe in the outbox. drain_s: how long to wait at the end for
    acknowledgements. Raises MienError for what the user can mend.
    """
    with ExitStack() as stack:
        # The camera first and the broker last: a mistake in the source is not announced to the world.
        camera = stack.enter_context(open_camera(config.camera))
        reader = stack.enter_context(open_reader(config.vision))
        outbox = stack.enter_context(Outbox(config.outbox))
        device = DeviceIdentity(config.device, model_sha256=reader.expression_sha256)
        publisher = Publisher(config.broker, outbox, _info(device, reader))
        stack.callback(publisher.close, 0.0)  # closing twice is harmless: the second time is for errors
        publisher.start()
        outcome = publisher.wait_connected(2 * config.broker.connect_timeout_s)
        if outcome.kind != "connected":
            if need_broker:
                raise DeliveryError(outcome.reason)
            log.warning("%s; events wait in the outbox", outcome.reason)
        tally = _Tally(publisher, outbox, Topics(config.device, config.broker.root), camera)
        tally.camera("running")
        people = People(config.state)
        try:
            for step in follow(camera, reader, people, device, is_synced=system_clock_synced, stop=stop):
                for event in step.events:
                    _keep(outbox, event)
                    on_event(event)
                tally.count(step, people)
        except CameraError as error:
            tally.camera("lost", str(error))
            raise
        tally.camera("ended")
        return tally.summary(publisher.close(drain_s))


def _keep(outbox: Outbox, event: Event) -> None:
    try:
        outbox.put(event)
    except OutboxError as error:
        # A full disk must not blind the driver's monitor: it goes on, and says what it could not keep.
        log.error("%s; lost: %s %s", error, event.data.kind, event.data.phase)


def _info(device: DeviceIdentity, reader: FaceReader) -> Info:
    return Info(
        device=device.device,
        boot_id=device.boot_id,
        started_at=datetime.now(UTC),
        version=version(),
        profile=None,
        model=reader.expression_name,
        model_sha256=device.model_sha256,
    )


class _Tally:
    """Counts what goes by, and publishes the last states and the device's health at their own pace."""

    def __init__(self, publisher: Publisher, outbox: Outbox, topics: Topics, camera: Camera) -> None:
        self._publisher = publisher
        self._outbox = outbox
        self._topics = topics
        self._camera = camera
        self._started_s = self._state_due_s = self._health_since_s = time.monotonic()
        self._frames = 0
        self._events = 0
        self._zero_wall_s: float | None = None
        self._latencies_ms: list[float] = []

    def camera(self, status: Literal["running", "lost", "ended"], reason: str | None = None) -> None:
        """Say how the camera fares."""
        message = CameraStatus(camera=self._camera.id, status=status, reason=reason, time=datetime.now(UTC))
        self._publisher.state(self._topics.camera_status(self._camera.id), message, retain=True, qos=1)

    def count(self, step: Step, people: People) -> None:
        """Take a step into account; publish what is due."""
        self._events += len(step.events)
        if step.observation is None:
            return
        self._frames += 1
        self._zero_wall_s = step.clock.zero_wall_s
        self._latencies_ms.append((time.time() - step.observation.wall_time) * 1000)
        now_s = time.monotonic()
        if now_s >= self._state_due_s:
            self._state_due_s = now_s + STATE_EVERY_S
            self._publish_states(step, people)
        if now_s - self._health_since_s >= HEALTH_EVERY_S:
            self._publish_health(now_s)

    def summary(self, waiting: int) -> Summary:
        """The whole run."""
        took_s = time.monotonic() - self._started_s
        return Summary(self._frames, self._camera.dropped, took_s, self._events, waiting, self._zero_wall_s)

    def _publish_states(self, step: Step, people: People) -> None:
        if (driver := people.driver()) is not None:
            message = driver_snapshot(driver, step.clock)
            self._publisher.state(self._topics.state("driver"), message, retain=True, expiry_s=STATE_EXPIRY_S)
        if (faces := people.expressions()) and step.observation is not None:
            self._publisher.state(
                self._topics.state("expression"), expression_snapshot(step.observation.t_s, faces, step.clock)
            )

    def _publish_health(self, now_s: float) -> None:
        health = Health(
            time=datetime.now(UTC),
            uptime_s=now_s - self._started_s,
            fps=len(self._latencies_ms) / (now_s - self._health_since_s),
            latency_ms=max(0.0, statistics.median(self._latencies_ms)),
            temperature_c=_temperature_c(),
            outbox_depth=self._outbox.depth(),
            outbox_dropped=self._outbox.dropped(),
        )
        self._publisher.state(self._topics.health, health, retain=True, expiry_s=HEALTH_EXPIRY_S)
        self._health_since_s = now_s
        self._latencies_ms.clear()


def _temperature_c() -> float | None:
    """The first thermal zone, on a Pi or a Jetson the processor's; None where there is none."""
    try:
        return int(_THERMAL.read_text()) / 1000
    except (OSError, ValueError):
        return None
