"""What a watcher knows of each device from all it has heard so far; the dashboard draws it.

Times are of the watcher's own monotonic clock: the devices' clocks may be set wrong.
"""

from __future__ import annotations

import importlib.util
import math
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import ValidationError

from edge.delivery.errors import DeliveryError
from edge.delivery.watch.message import Heard, Selection
from edge.events import CameraStatus, DriverSnapshot, Event, Health, Info, Severity
from edge.events.catalogue import DRIVER_STATE, HEALTH, KINDS
from edge.events.models import SEVERITIES, Message

#: Last events kept.
EVENTS = 200

# Of one device at a time: who sends starts for ever and no end must not fill the memory.
_RUNNING = 50

_SEVERITY: dict[str, Severity] = {kind.name: kind.severities[0] for kind in KINDS}

_Model = TypeVar("_Model", bound=Message)


@dataclass(frozen=True, slots=True)
class Running:
    """An episode that goes on. for_s: how long; None where its start was missed."""

    device: str
    kind: str
    severity: Severity
    for_s: float | None


@dataclass(slots=True)
class Device:
    """One device. status: its last word, empty before it said one. cameras: each one's status by its id."""

    name: str
    status: str = ""
    info: Info | None = None
    cameras: dict[str, CameraStatus] = field(default_factory=dict)
    _health: tuple[Health, float] | None = None
    _driver: tuple[DriverSnapshot, float] | None = None
    _running: OrderedDict[str, tuple[Event, float]] = field(default_factory=OrderedDict)

    @property
    def away(self) -> bool:
        """Whether what it said last no longer holds."""
        return self.status in ("offline", "stopped")

    def driver(self, now_s: float) -> DriverSnapshot | None:
        """The driver now; None where the last word on that is too old."""
        return self._fresh(self._driver, DRIVER_STATE.expiry_s, now_s)

    def health(self, now_s: float) -> Health | None:
        """How the device fares; None where the last word on that is too old."""
        return self._fresh(self._health, HEALTH.expiry_s, now_s)

    def running(self, now_s: float) -> list[Running]:
        """The episodes that go on, those among them whose start was missed but that the driver's state names."""
        told = [
            Running(self.name, event.data.kind, event.data.severity, event.data.duration_s + now_s - at_s)
            for event, at_s in self._running.values()
        ]
        driver = self.driver(now_s)
        missed = set(driver.active if driver else ()) - {running.kind for running in told}
        return told + [Running(self.name, kind, _SEVERITY.get(kind, "info"), None) for kind in sorted(missed)]

    def hear(self, heard: Heard, now_s: float) -> None:
        """Takes a message in; one that can't be read changes nothing."""
        if heard.event is not None:
            self._event(heard.event, now_s)
        elif heard.channel is None:
            return
        elif heard.channel.payload == "status":
            self.status = heard.text
            if self.status == "stopped":
                self._running.clear()
        elif (info := _read(Info, "info", heard)) is not None:
            self.info = info
            self._keep(lambda event: event.data.boot_id == info.boot_id)
        elif (camera := _read(CameraStatus, "camera-status", heard)) is not None:
            self.cameras[camera.camera] = camera
        elif (health := _read(Health, "health", heard)) is not None:
            self._health = (health, now_s)
        elif (driver := _read(DriverSnapshot, "driver-state", heard)) is not None:
            # A broker of MQTT 3.1.1 keeps a state for ever; a running device says it anew within half a second.
            self._driver = (driver, -math.inf if heard.retained else now_s)
            # The end of what the state doesn't name came while nobody listened.
            self._keep(lambda e: e.subject != "driver" or e.data.kind in driver.active or e.time > driver.time)

    def _event(self, event: Event, now_s: float) -> None:
        self._running.pop(event.data.episode_id, None)
        if event.data.phase != "end":
            self._running[event.data.episode_id] = (event, now_s)
            if len(self._running) > _RUNNING:
                self._running.popitem(last=False)

    def _keep(self, goes_on: Callable[[Event], bool]) -> None:
        self._running = OrderedDict((key, told) for key, told in self._running.items() if goes_on(told[0]))

    def _fresh(self, told: tuple[_Model, float] | None, expiry_s: float | None, now_s: float) -> _Model | None:
        if told is None or self.away or now_s - told[1] > (expiry_s or math.inf):
            return None
        return told[0]


class Board:
    """All devices, and the last events. selection: which events are worth a place."""

    def __init__(self, selection: Selection) -> None:
        self.messages = 0
        self.events: deque[Event] = deque(maxlen=EVENTS)
        self._selection = selection
        self._devices: dict[str, Device] = {}

    @property
    def devices(self) -> list[Device]:
        """By name."""
        return [self._devices[name] for name in sorted(self._devices)]

    def hear(self, heard: Heard, now_s: float) -> None:
        """Takes a message in that was heard at ``now_s``."""
        self.messages += 1
        if heard.device is None:
            return
        self._devices.setdefault(heard.device, Device(heard.device)).hear(heard, now_s)
        if heard.event is not None and self._selection.takes(heard):
            self.events.append(heard.event)

    def running(self, now_s: float) -> list[Running]:
        """The episodes that go on, the gravest first, then the latest."""
        every = [running for device in self.devices for running in device.running(now_s)]
        return sorted(
            (running for running in every if self._selection.wants(running.kind, running.severity)),
            key=lambda running: (-SEVERITIES.index(running.severity), running.for_s or 0.0),
        )


def worst(running: Iterable[Running], device: str) -> Severity | None:
    """The gravest severity among a device's episodes; None where none runs."""
    severities = [SEVERITIES.index(one.severity) for one in running if one.device == device]
    return SEVERITIES[max(severities)] if severities else None


def require_rich() -> None:
    """What draws the board; raises DeliveryError where it isn't installed."""
    if importlib.util.find_spec("rich") is None:
        raise DeliveryError("the dashboard needs rich, which is not installed: pip install 'mien[watch]'")


def _read(model: type[_Model], payload: str, heard: Heard) -> _Model | None:
    if heard.channel is None or heard.channel.payload != payload:
        return None
    try:
        return model.model_validate_json(heard.payload)
    except ValidationError:
        return None
