"""From events to the driver and the broker: alarm, outbox, publisher, the vehicle's inputs, and the watcher.

What speaks MQTT is loaded when it is first asked for: the process that sees the camera never does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from edge.delivery.alarm import Alarm
from edge.delivery.commands import CommandError, Commands, CommandSettings
from edge.delivery.delivery import ConnectionOutcome, Delivery
from edge.delivery.errors import DeliveryError, OutboxError
from edge.delivery.homeassistant import HomeAssistant, HomeAssistantSettings
from edge.delivery.outbox import Outbox
from edge.delivery.settings import AlarmSettings, BrokerSettings, OutboxSettings, VehicleSettings
from edge.delivery.vehicle import VehicleInput
from edge.delivery.vss import Mirror, VssSettings
from edge.delivery.watch import format_event
from edge.delivery.writer import OutboxWriter

if TYPE_CHECKING:
    from edge.delivery.broker import EmbeddedBroker
    from edge.delivery.publisher import Publisher
    from edge.delivery.watch.watcher import Watcher

__all__ = [
    "Alarm",
    "AlarmSettings",
    "BrokerSettings",
    "CommandError",
    "CommandSettings",
    "Commands",
    "ConnectionOutcome",
    "Delivery",
    "DeliveryError",
    "EmbeddedBroker",
    "HomeAssistant",
    "HomeAssistantSettings",
    "Mirror",
    "Outbox",
    "OutboxError",
    "OutboxSettings",
    "OutboxWriter",
    "Publisher",
    "VehicleInput",
    "VehicleSettings",
    "VssSettings",
    "Watcher",
    "format_event",
]

_SPEAK_MQTT = {"EmbeddedBroker": "broker", "Publisher": "publisher", "Watcher": "watch.watcher"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever is asked for
    if name not in _SPEAK_MQTT:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_SPEAK_MQTT[name]}"), name)
