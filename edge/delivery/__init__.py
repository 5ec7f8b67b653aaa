"""From events to the broker: the outbox, the publisher, and the watcher at the other end."""

from edge.delivery.broker import EmbeddedBroker
from edge.delivery.connection import ConnectionOutcome
from edge.delivery.errors import DeliveryError, OutboxError
from edge.delivery.outbox import Outbox
from edge.delivery.publisher import Publisher
from edge.delivery.settings import BrokerSettings, OutboxSettings
from edge.delivery.watch import Watcher, format_event

__all__ = [
    "BrokerSettings",
    "ConnectionOutcome",
    "DeliveryError",
    "EmbeddedBroker",
    "Outbox",
    "OutboxError",
    "OutboxSettings",
    "Publisher",
    "Watcher",
    "format_event",
]
