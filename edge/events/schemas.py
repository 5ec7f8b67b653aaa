"""The contract as JSON Schema 2020-12, made from the models so that the two cannot drift apart."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from edge.events.audience import AudienceSnapshot
from edge.events.models import (
    CameraStatus,
    DriverSnapshot,
    Event,
    EventData,
    ExpressionSnapshot,
    Health,
    Info,
    Status,
    schema_uri,
)
from edge.events.requests import SwitchWord

#: Each payload's model by its schema's name; ``status`` and ``switch`` are bare words.
PAYLOADS: dict[str, Any] = {
    "event": Event,
    "event-data": EventData,
    "status": Status,
    "info": Info,
    "health": Health,
    "camera-status": CameraStatus,
    "switch": SwitchWord,
    "driver-state": DriverSnapshot,
    "expression-state": ExpressionSnapshot,
    "audience-state": AudienceSnapshot,
}


def schemas() -> dict[str, dict[str, Any]]:
    """One JSON Schema for each kind of payload, by name; ``$id`` is the URI that ``dataschema`` names.

    ``status`` and ``switch`` describe the payload's text, a bare word; all others describe the payload's JSON.
    """
    return {
        name: {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": schema_uri(name),
            **TypeAdapter(payload).json_schema(mode="serialization"),
        }
        for name, payload in PAYLOADS.items()
    }
