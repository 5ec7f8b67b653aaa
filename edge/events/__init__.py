"""The contract: messages, their schemas and topics; ``edge.events.convert`` makes them from the rules' findings."""

from edge.events.identity import ClockMapping, DeviceIdentity, system_clock_synced
from edge.events.models import (
    CONTRACT,
    CameraStatus,
    DriverSnapshot,
    Event,
    EventData,
    ExpressionSnapshot,
    FaceExpression,
    Health,
    Info,
    Severity,
    Status,
)
from edge.events.schemas import schemas
from edge.events.topics import ROOT, Subject, TopicError, Topics, split_topic, watch_filters

__all__ = [
    "CONTRACT",
    "ROOT",
    "CameraStatus",
    "ClockMapping",
    "DeviceIdentity",
    "DriverSnapshot",
    "Event",
    "EventData",
    "ExpressionSnapshot",
    "FaceExpression",
    "Health",
    "Info",
    "Severity",
    "Status",
    "Subject",
    "TopicError",
    "Topics",
    "schemas",
    "split_topic",
    "system_clock_synced",
    "watch_filters",
]
