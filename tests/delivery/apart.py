"""The two halves of a device in one process: what really crosses between them, without a camera and its models.

Run as a program it is the half that sees, to be killed: ``apart.py CONFIG EVENTS_A_SECOND`` puts events without end
and prints each one's id once it is accepted.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from edge.config import Config, load
from edge.delivery import Commands, HomeAssistant, Outbox, VehicleInput
from edge.delivery.incoming import Incoming
from edge.delivery.link import socket_beside
from edge.delivery.link.courier import Courier
from edge.events import DeviceIdentity, Event, Topics

from .parts import make_event, make_info


def configured(folder: Path, url: str, **others: Any) -> Config:
    """A device ``cab`` with its outbox in that folder, that doesn't keep a test waiting."""
    broker = {"url": url, "reconnect_min_s": 0.05, "reconnect_max_s": 0.2, "settle_s": 0}
    values: dict[str, Any] = {"device": "cab", "broker": broker, "outbox": {"path": folder / "outbox.sqlite"}}
    return Config.model_validate({**values, **others})


class Vision:
    """What ``mien vision`` is to its courier; its frame loop turns all the while unless it ``hangs``."""

    def __init__(self, config: Config) -> None:
        self.topics = Topics(config.device, config.broker.root)
        self.device = DeviceIdentity(config.device)
        self.vehicle = VehicleInput(config.vehicle)
        self.commands = Commands(self.topics)
        self.home = HomeAssistant(config.homeassistant, self.topics)
        self.heard: list[Incoming] = []
        self.hangs = False
        self.outbox = Outbox(config.outbox, shared=True)
        self.courier = Courier(
            socket_beside(config.outbox.path),
            self.outbox,
            make_info(self.device),
            self.topics,
            inputs=self.vehicle.inputs | self.home.inputs,
            requests=self.commands.inputs,
        )
        self._number = itertools.count()
        self._over = threading.Event()
        self._loop = threading.Thread(target=self._turn)

    def put(self) -> Event:
        """One more event."""
        event = make_event(self.device, float(next(self._number)))
        self.outbox.put(event)
        return event

    def __enter__(self) -> Self:
        self.courier.start()
        self._loop.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._loop.join()
        self.courier.close(1.0)
        self.outbox.close()

    def _turn(self) -> None:
        while not self._over.wait(0.01):
            if not self.hangs:
                self.courier.beat()


@contextmanager
def publishing(config: Config) -> Iterator[None]:
    """``mien publish``, in a thread; ended as by SIGTERM."""
    from edge.publishing import publish

    stop = threading.Event()
    failed: list[Exception] = []

    def work() -> None:
        try:
            publish(config, stop=stop)
        except Exception as error:  # noqa: BLE001 - raised again below
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        if failed:
            raise failed[0]


def main() -> None:
    """As a program."""
    a_second = float(sys.argv[2])
    with ExitStack() as stack:
        vision = stack.enter_context(Vision(load(Path(sys.argv[1]))))
        began_s = time.monotonic()
        for number in itertools.count():
            time.sleep(max(0.0, began_s + number / a_second - time.monotonic()))
            print(vision.put().id, flush=True)


if __name__ == "__main__":
    main()
