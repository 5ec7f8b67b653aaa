"""From events to the driver and the broker: alarm, outbox, publisher, the vehicle's inputs, and the watcher."""

from edge.delivery.alarm import Alarm
from edge.delivery.broker import EmbeddedBroker
from edge.delivery.commands import CommandError, Commands, CommandSettings
from edge.delivery.connection import ConnectionOutcome
from edge.delivery.errors import DeliveryError, OutboxError
from edge.delivery.homeassistant import HomeAssistant, HomeAssistantSettings
from edge.delivery.outbox import Outbox
from edge.delivery.publisher import Publisher
from edge.delivery.settings import AlarmSettings, BrokerSettings, OutboxSettings, VehicleSettings
from edge.delivery.vehicle import VehicleInput
from edge.delivery.vss import Mirror, VssSettings
from edge.delivery.watch import Watcher, format_event
from edge.delivery.writer import OutboxWriter

__all__ = [
    "Alarm",
    "AlarmSettings",
    "BrokerSettings",
    "CommandError",
    "CommandSettings",
    "Commands",
    "ConnectionOutcome",
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
