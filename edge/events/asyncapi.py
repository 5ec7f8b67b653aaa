"""The whole contract as one AsyncAPI 3 document, made from the models and the catalogue."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from edge.events.catalogue import CHANNELS, KINDS, Channel
from edge.events.examples import as_json, event, payloads
from edge.events.models import CONTENT_TYPE, CONTRACT, EventData
from edge.events.schemas import PAYLOADS
from edge.events.topics import ROOT

_MODELS = {
    name: payload for name, payload in PAYLOADS.items() if isinstance(payload, type) and payload is not EventData
}
_PARAMETERS = {
    "device": {"description": "The device's id, by default its host name."},
    "camera": {"description": "The camera's id, by default main."},
}


def asyncapi() -> dict[str, Any]:
    """The document, of plain JSON values; always the same for the same code."""
    refs, schemas = models_json_schema(
        [(model, "serialization") for model in _MODELS.values()], ref_template="#/components/schemas/{model}"
    )
    definitions: dict[str, Any] = schemas["$defs"]
    definitions["Status"] = {"type": "string", "enum": ["online", "stopped", "offline"]}
    names = {name: refs[(model, "serialization")]["$ref"] for name, model in _MODELS.items()}
    names["status"] = "#/components/schemas/Status"
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "mien",
            "version": f"{CONTRACT}.0.0",
            "description": "What a mien device says over MQTT. Within version 1 fields and kinds may be added, never "
            "changed or removed; subscribers ignore what they do not know. null means not known.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "localhost:1883",
                "protocol": "mqtt",
                "description": "The broker in the device's configuration; MQTT 5, or 3.1.1 where it knows no other.",
            }
        },
        "channels": {channel.name: _channel(channel) for channel in CHANNELS},
        "operations": {
            f"send-{channel.name}": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{channel.name}"},
                "summary": channel.when,
                "bindings": {"mqtt": _guarantees(channel)},
            }
            for channel in CHANNELS
        },
        "components": {
            "messages": {name: _message(name, ref) for name, ref in sorted(names.items())},
            "schemas": definitions,
        },
    }


def _channel(channel: Channel) -> dict[str, Any]:
    address = f"{ROOT}/{{device}}/{channel.address}"
    return {
        "address": address,
        "summary": channel.summary,
        "parameters": {name: fact for name, fact in _PARAMETERS.items() if f"{{{name}}}" in address},
        "messages": {channel.payload: {"$ref": f"#/components/messages/{channel.payload}"}},
    }


def _guarantees(channel: Channel) -> dict[str, Any]:
    facts: dict[str, Any] = {"bindingVersion": "0.2.0", "qos": channel.qos, "retain": channel.retain}
    if channel.expiry_s is not None:
        facts["messageExpiryInterval"] = int(channel.expiry_s)
    return facts


def _message(name: str, ref: str) -> dict[str, Any]:
    shown = [event(kind) for kind in KINDS] if name == "event" else [payloads()[name]]
    titles = [kind.name for kind in KINDS] if name == "event" else [name]
    return {
        "name": name,
        "contentType": "text/plain" if name == "status" else CONTENT_TYPE if name == "event" else "application/json",
        "payload": {"$ref": ref},
        "examples": [
            {"name": title, "payload": as_json(message)} for title, message in zip(titles, shown, strict=True)
        ],
    }
