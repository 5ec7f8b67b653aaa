"""``mien publish``: has the network, sees no camera; takes to the broker what ``mien vision`` leaves for it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime

from edge.config import Config
from edge.delivery import HomeAssistant, Publisher, VehicleInput
from edge.delivery.drain import Drain
from edge.delivery.link import socket_beside
from edge.delivery.link.allowed import Allowed
from edge.delivery.link.desk import Desk
from edge.delivery.link.presence import Presence
from edge.events import CameraStatus, Status, Topics, system_clock_synced
from edge.events.catalogue import CAMERA_STATUS, DRIVER_STATE, STATUS
from edge.events.convert import unseen_driver
from edge.running import Notifier
from edge.running.reloading import Reloader, Rereading
from edge.running.status import Publishing, StatusFile
from edge.version import version

log = logging.getLogger(__name__)

#: How long a turn lasts at most: a stop is obeyed between two, and the device's status judged.
_TURN_S = 0.25
#: Who stops it waits: what the broker does not take so quickly goes out with the next start.
_STOP_DRAIN_S = 0.3
#: How often ``mien status`` gets fresh figures; beside it whenever vision or the broker comes or goes.
_WRITE_EVERY_S = 10.0


def publish(config: Config, *, stop: threading.Event, reread: Rereading | None = None) -> int:
    """Delivers until ``stop`` is set; returns how many events still wait.

    Raises MienError for what the user can mend; a broker that does not answer is waited for.
    """
    topics = Topics(config.device, config.broker.root)
    with ExitStack() as stack:
        notifier = stack.enter_context(Notifier.from_environment())
        drain = Drain(config.outbox.path)
        stack.callback(drain.close)
        presence = Presence()
        allowed = Allowed(topics, config.homeassistant, config.vss, others={rule.topic for rule in config.playback})
        desk = stack.enter_context(Desk(socket_beside(config.outbox.path), drain, topics, allowed, presence))
        inputs = VehicleInput(config.vehicle).inputs | HomeAssistant(config.homeassistant, topics).inputs
        publisher = Publisher(
            config.broker,
            drain,
            config.device,
            inputs=desk.inputs(inputs),
            requests=desk.requests() if config.commands.enabled else {},
        )
        stack.callback(publisher.close, 0.0)  # closing twice is harmless: the second time is for errors
        publisher.start(unattended=True)
        reloader = None if reread is None else Reloader(config, reread, notifier, [])
        proxy = _Proxy(config, topics, presence, publisher.state)
        file = _File(config, desk, drain, publisher)
        stack.callback(file.remove)
        while not stop.is_set():
            desk.turn(publisher, _TURN_S)
            proxy.tick()
            if reloader is not None:
                reloader.tick()
            if publisher.alive:
                notifier.turn(file.says)
            file.tick()
        notifier.stopping("stopped")
        return publisher.close(_STOP_DRAIN_S)


class _Proxy:
    """Speaks for the device while vision can't: subscribers need not know that there are two processes."""

    def __init__(self, config: Config, topics: Topics, presence: Presence, state: Callable[..., None]) -> None:
        self._config = config
        self._topics = topics
        self._presence = presence
        self._state = state
        self._said: Status | None = None

    def tick(self) -> None:
        """Says what has changed."""
        status = self._presence.status
        if status is not None and status != self._said:
            self._said = status
            self._state(self._topics.status, status, qos=STATUS.qos, retain=STATUS.retain)
            if status == "offline":
                log.error("mien vision gives no sign of life: nobody watches")
                self._say_blind()

    def _say_blind(self) -> None:
        """What was last said of the camera and of the driver must not stand."""
        camera = self._config.camera.id
        lost = CameraStatus(
            camera=camera, status="lost", reason="the process that sees it does not answer", time=datetime.now(UTC)
        )
        channel = CAMERA_STATUS
        self._state(self._topics.camera_status(camera), lost, qos=channel.qos, retain=channel.retain)
        if self._config.state.driver:
            unseen = unseen_driver(datetime.now(UTC), "no_vision", synced=system_clock_synced())
            channel = DRIVER_STATE
            self._state(
                self._topics.state("driver"),
                unseen,
                qos=channel.qos,
                retain=channel.retain,
                expiry_s=channel.expiry_s,
            )


class _File:
    """What publish says of itself to ``mien status`` and systemd."""

    def __init__(self, config: Config, desk: Desk, drain: Drain, publisher: Publisher) -> None:
        self._device = config.device
        self._desk = desk
        self._drain = drain
        self._publisher = publisher
        self._started_at = datetime.now(UTC)
        self._file = StatusFile(config.outbox.path, of="publish")
        self._wrote: tuple[bool, int | None] | None = None
        self._due_s = 0.0

    def tick(self) -> None:
        """Writes it when it is time, or something has changed."""
        now_s = time.monotonic()
        now = (self._publisher.connected, self._desk.vision)
        if now_s < self._due_s and now == self._wrote:
            return
        self._due_s, self._wrote = now_s + _WRITE_EVERY_S, now
        self._file.write(
            Publishing(
                started_at=self._started_at,
                device=self._device,
                version=version(),
                broker=self._broker(),
                vision=self._desk.vision,
                outbox_depth=self._drain.depth(),
                trouble=self._publisher.trouble or self._drain.trouble,
            )
        )

    def says(self) -> str:
        """In a line."""
        vision = "vision is there" if self._desk.vision is not None else "vision is not there"
        return f"broker {self._broker() or 'connected'}, {vision}"

    def remove(self) -> None:
        """It ends."""
        self._file.remove()

    def _broker(self) -> str | None:
        """Why it isn't connected, None where it is."""
        if self._publisher.connected:
            return None
        outcome = self._publisher.outcome
        return (outcome.reason if outcome else "") or "not connected"
