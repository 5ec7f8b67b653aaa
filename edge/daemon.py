"""The one place where the rooms meet: camera, vision, state, events, delivery."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from edge.camera import CameraError, Frame, open_camera
from edge.config import Config
from edge.delivery import (
    Commands,
    Delivery,
    DeliveryError,
    HomeAssistant,
    Mirror,
    Outbox,
    OutboxWriter,
    VehicleInput,
)
from edge.delivery.homeassistant import Offer, discovery, take_back
from edge.delivery.incoming import Listeners
from edge.delivery.link import socket_beside
from edge.delivery.link.courier import Courier
from edge.events import ClockMapping, DeviceIdentity, Event, Info, Topics, system_clock_synced
from edge.events.convert import to_event
from edge.expression import open_expression
from edge.models import face_models_folder, require_face_models
from edge.running import Notifier
from edge.running.audience import Turnout
from edge.running.controls import PRIVACY, Controls
from edge.running.memory import Memory
from edge.running.reloading import Reloader, Rereading
from edge.running.schedule import Schedule
from edge.running.shutter import Shutter
from edge.running.siren import Siren
from edge.running.tally import Summary, Tally
from edge.running.vitals import Vitals
from edge.running.window import Window, device_facts, serves_page
from edge.state import People
from edge.state.types import UNKNOWN_VEHICLE, Episode, Vehicle
from edge.version import version
from edge.vision import FaceReader, Observation, VisionSettings
from edge.vision.backend import Stopwatch, unwatched

#: Without frames the loop turns at this pace: an order is obeyed while the camera is closed or gone, too.
TICK_S = 0.1
#: Who stops the daemon waits: what the broker does not take so quickly goes out with the next run.
STOP_DRAIN_S = 0.3


@dataclass(frozen=True, slots=True)
class Step:
    """One frame's way through the house. observation and frame are None for what ended without one, as with the source.

    vehicle: what it said of itself when the frame was read. frame: for who shows or draws it now; nobody keeps it.
    """

    observation: Observation | None
    clock: ClockMapping
    events: tuple[Event, ...]
    vehicle: Vehicle = UNKNOWN_VEHICLE
    frame: Frame | None = None


def open_reader(settings: VisionSettings, *, seed: int | None = None, stopwatch: Stopwatch = unwatched) -> FaceReader:
    """A face reader on the installed face models and the expression model in use."""
    # The mediapipe package brings its own.
    face_models = require_face_models() if settings.backend == "litert" else face_models_folder()
    expression = open_expression(settings) if settings.expression else None
    return FaceReader(settings, face_models=face_models, expression=expression, seed=seed, stopwatch=stopwatch)


def follow(
    frames: Iterable[Frame | None],
    reader: FaceReader,
    people: People,
    device: DeviceIdentity,
    *,
    is_synced: Callable[[], bool],
    stop: threading.Event | None = None,
    at_hand: Callable[[], int] = lambda: 0,
    vehicle: Callable[[], Vehicle] = lambda: UNKNOWN_VEHICLE,
    between: Callable[[], list[Episode]] = list,
) -> Iterator[Step]:
    """The inner loop: reads each frame of a camera and tells what it changed, until the frames end or ``stop``.

    frames: None among them is a moment in which none came. at_hand: how many of the next ones are there already, so
    that several can be worked on at once. vehicle: asked with each frame for what the vehicle says of itself. between:
    called after each frame, before the next is asked for; tells what it has changed itself. The last step tells what
    the end itself ended; a camera's failure is raised after it.
    """
    observation: Observation | None = None
    lost: CameraError | None = None
    try:
        for result in reader.read_ahead(frames, at_hand):
            if result is not None:
                frame, observation = result
                said = vehicle()
                changes = people.update(observation, said)
                # Anew with each frame, so that a wall clock that is set meanwhile is followed.
                clock = ClockMapping.at(frame.t_s, frame.wall_time, synced=is_synced())
                yield Step(observation, clock, to_events(changes, device, clock, said), said, frame)
            changes = between()
            if changes and observation is not None:
                yield Step(None, clock, to_events(changes, device, clock, said), said)
            if stop is not None and stop.is_set():
                break
    except CameraError as error:
        lost = error
    if observation is not None:
        changes = people.finish(observation.t_s)
        yield Step(None, clock, to_events(changes, device, clock, said), said)
    if lost is not None:
        raise lost


def to_events(
    changes: Iterable[Episode], device: DeviceIdentity, clock: ClockMapping, vehicle: Vehicle
) -> tuple[Event, ...]:
    """The events that tell of changes; each takes the device's next sequence number."""
    return tuple(to_event(change, device, clock, speed_kmh=vehicle.speed_kmh) for change in changes)


def run(
    config: Config,
    *,
    stop: threading.Event | None = None,
    need_broker: bool = True,
    on_event: Callable[[Event], None] = lambda _event: None,
    drain_s: float = 10.0,
    reread: Rereading | None = None,
    apart: bool = False,
) -> Summary:
    """Reads the configured camera and publishes what it shows, until the source ends or ``stop`` is set.

    need_broker: give up at once where no broker answers, instead of keeping events until one does. on_event is
    called for each event once it is safe in the outbox. drain_s: how long to wait at the source's end for
    acknowledgements; after ``stop`` it is a third of a second at most. reread: where the configuration can be changed
    meanwhile, how it is read anew. apart: another process (``edge.publishing``) has the network and this one opens no
    port and no connection. Raises MienError for what the user can mend.
    """
    topics = Topics(config.device, config.broker.root)
    memory = Memory(config.outbox.path)
    heard, commands = VehicleInput(config.vehicle), Commands(topics)
    home = HomeAssistant(config.homeassistant, topics)
    with ExitStack() as stack:
        notifier = stack.enter_context(Notifier.from_environment())
        window = stack.enter_context(Window(config)) if serves_page(config, apart=apart) else None
        metrics = None
        if config.metrics.port is not None and not apart:
            from edge.running.metrics import Metrics, Sources  # an extra

            metrics = stack.enter_context(Metrics(config.metrics))
        # The camera first and the broker last: a mistake in the source is not announced to the world.
        schedule = Schedule(config.schedule)
        switched, scheduled = memory.now.switches.get(PRIVACY, False), schedule.reason()
        shutter = stack.enter_context(
            Shutter(
                lambda: open_camera(config.camera),
                closed=switched or scheduled is not None,
                reason=None if switched else scheduled,
            )
        )
        stopwatch = unwatched if metrics is None else metrics.stage
        reader = stack.enter_context(open_reader(config.vision, stopwatch=stopwatch))
        outbox = stack.enter_context(Outbox(config.outbox, shared=apart))
        siren = stack.enter_context(Siren(config.alarm))
        device = DeviceIdentity(config.device, model_sha256=reader.expression_sha256)
        info = _info(device, reader, config.preset)
        requests = commands.inputs if config.commands.enabled else {}
        publisher = _delivery(config, outbox, info, heard.inputs | home.inputs, requests, apart=apart)
        stack.callback(publisher.close, 0.0)  # closing twice is harmless: the second time is for errors
        publisher.start(unattended=not need_broker)
        if need_broker:
            outcome = publisher.wait_connected(2 * config.broker.connect_timeout_s)
            if outcome.kind != "connected":
                raise DeliveryError(outcome.reason)
        mirrors = [Mirror(config.vss, publisher.state).tell] if config.vss.enabled else []
        people = People(config.state)
        vitals = Vitals(
            *(config, info, notifier, metrics),
            shutter=shutter,
            reader=reader,
            people=people,
            outbox=outbox,
            publisher=publisher,
        )
        stack.callback(vitals.close)
        tally = Tally(publisher, outbox, topics, config.camera.id, vitals, mirrors=mirrors)
        if metrics is not None:
            metrics.ask(
                Sources(
                    camera=lambda: shutter.camera,
                    outbox=outbox,
                    publisher=publisher,
                    reconnects=lambda: max(0, publisher.connections - 1),
                    heat=lambda: vitals.heat,
                    shedding=lambda: vitals.shedding,
                )
            )
        controls = Controls(
            config,
            info,
            memory,
            shutter=shutter,
            reader=reader,
            people=people,
            siren=siren,
            tally=tally,
            schedule=schedule,
        )
        turnout = stack.enter_context(Turnout(config, topics, publisher, people, device))
        shutter.listen(tally.condition)
        if window is not None:
            window.ask(lambda: shutter.condition, lambda: device_facts(shutter, vitals, outbox, publisher))
        _tell_home_assistant(home, config, memory, publisher, discovery(topics, info, _offer(config)))
        reloader = None
        if reread is not None:

            def announce(config: Config) -> None:
                if config.homeassistant.enabled:
                    home.announce(publisher, discovery(topics, info, _offer(config)))

            # The alarm first: it alone may be refused.
            adopt = [lambda config: siren.adopt(config.alarm), controls.adopt, vitals.adopt, turnout.adopt, announce]
            adopt += [] if window is None else [window.adopt]
            reloader = Reloader(config, reread, notifier, adopt)
        writer = stack.enter_context(OutboxWriter(outbox, on_event))
        # What is there by now stays. Looking through it for garbage again and again would hold up a frame by 30 ms on a
        # PC, ten times that on a small board.
        gc.freeze()

        def vehicle() -> Vehicle:
            return Vehicle(speed_kmh=heard.speed_kmh(), reverse=heard.reverse())

        def between() -> list[Episode]:
            publisher.beat()
            commands.run(controls, publisher.answer)
            if reloader is not None:
                reloader.tick()
            tally.tick()
            vitals.tick()
            controls.tick()
            return controls.changes() + turnout.tick()

        steps = follow(
            shutter.frames(TICK_S),
            reader,
            people,
            device,
            is_synced=system_clock_synced,
            stop=stop,
            at_hand=shutter.at_hand,
            vehicle=vehicle,
            between=between,
        )
        try:
            for step in steps:
                siren.tell(step.events)  # the driver first; disk and network may take their time
                for event in step.events:
                    writer.put(event)
                tally.count(step, people)
                turnout.count(step)
                if window is not None:
                    window.show(step, people)
                vitals.count(step)  # last: what systemd hears has gone the whole way
        except CameraError as error:
            tally.camera("lost", str(error))
            raise
        stopped = stop is not None and stop.is_set()
        notifier.stopping("stopped" if stopped else "the source has ended")
        if not shutter.closed:
            tally.camera("ended")
        writer.close()
        turnout.close()
        waiting = publisher.close(min(drain_s, STOP_DRAIN_S) if stopped else drain_s)
        return tally.summary(shutter.dropped, waiting)


def _delivery(
    config: Config, outbox: Outbox, info: Info, inputs: Listeners, requests: Listeners, *, apart: bool
) -> Delivery:
    if apart:
        topics = Topics(config.device, config.broker.root)
        return Courier(socket_beside(config.outbox.path), outbox, info, topics, inputs=inputs, requests=requests)
    from edge.delivery import Publisher  # speaks MQTT, which the process without a network does not even load

    return Publisher(config.broker, outbox, info, inputs=inputs, requests=requests)


def _info(device: DeviceIdentity, reader: FaceReader, profile: str | None = None) -> Info:
    return Info(
        device=device.device,
        boot_id=device.boot_id,
        started_at=datetime.now(UTC),
        version=version(),
        profile=profile,
        model=reader.expression_name,
        model_sha256=device.model_sha256,
        model_fallback=reader.expression_fallback,
    )


def _offer(config: Config) -> Offer:
    return Offer(
        camera=config.camera.id,
        driver=config.state.driver,
        expressions=config.state.expressions and config.vision.expression,
        audience=config.state.audience,
        commands=config.commands.enabled,
    )


def _tell_home_assistant(
    home: HomeAssistant, config: Config, memory: Memory, publisher: Delivery, description: dict[str, Any]
) -> None:
    """Announces the device, or takes back what was announced before: the topic, or all of it, may have changed."""
    announced = memory.now.announced
    if announced is not None and (announced != home.topic or not config.homeassistant.enabled):
        # With each start from then on: the broker may have been away, and an empty message costs nothing.
        take_back(publisher, announced)
    if config.homeassistant.enabled:
        home.announce(publisher, description)
        memory.announce(home.topic)
