"""The whole contract as one AsyncAPI 3 document, made from the models and the catalogue."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

from pydantic.json_schema import models_json_schema

from edge.events.catalogue import CHANNELS, KINDS, Channel
from edge.events.examples import as_json, event, payloads, requests
from edge.events.models import CONTENT_TYPE, CONTRACT, EventData
from edge.events.requests import COMMANDS, SWITCHES, Result
from edge.events.schemas import PAYLOADS
from edge.events.topics import ROOT

_COMMANDS = {f"command-{name}": command for name, command in COMMANDS.items()}
_MODELS = {
    **{name: payload for name, payload in PAYLOADS.items() if isinstance(payload, type) and payload is not EventData},
    **_COMMANDS,
    "result": Result,
}
#: The payloads that are a bare word, and their schemas' titles.
_WORDS = {name: name.capitalize() for name, payload in PAYLOADS.items() if get_origin(payload) is Literal}
#: Below ``<root>/<device>/``, where the device is asked, by channel: address, message, summary.
_REQUESTS = {
    **{
        f"command-{name}": (f"command/{name}", f"command-{name}", (command.__doc__ or "").strip().replace("``", "`"))
        for name, command in COMMANDS.items()
    },
    **{f"{name}-set": (f"{name}/set", "switch", f"ON or OFF. ON: {what}") for name, what in SWITCHES.items()},
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
    names = {name: refs[(model, "serialization")]["$ref"] for name, model in _MODELS.items()}
    for name, title in _WORDS.items():
        definitions[title] = {"type": "string", "enum": list(get_args(PAYLOADS[name]))}
        names[name] = f"#/components/schemas/{title}"
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
        "channels": {
            **{channel.name: _channel(channel.address, channel.payload, channel.summary) for channel in CHANNELS},
            **{name: _channel(*request) for name, request in _REQUESTS.items()},
            "result": {
                "address": None,
                "summary": "The answer, on the request's MQTT 5 response topic with its correlation data; without one, "
                "on the request's own topic followed by /result.",
                "messages": {"result": {"$ref": "#/components/messages/result"}},
            },
        },
        "operations": {
            **{
                f"send-{channel.name}": {
                    "action": "send",
                    "channel": {"$ref": f"#/channels/{channel.name}"},
                    "summary": channel.when,
                    "bindings": {"mqtt": _guarantees(channel)},
                }
                for channel in CHANNELS
            },
            **{f"receive-{name}": _receive(name) for name in _REQUESTS},
        },
        "components": {
            "messages": {name: _message(name, ref) for name, ref in sorted(names.items())},
            "schemas": definitions,
        },
    }


def _channel(below: str, message: str, summary: str) -> dict[str, Any]:
    address = f"{ROOT}/{{device}}/{below}"
    return {
        "address": address,
        "summary": summary,
        "parameters": {name: fact for name, fact in _PARAMETERS.items() if f"{{{name}}}" in address},
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
    }


def _receive(name: str) -> dict[str, Any]:
    return {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": "A retained one is not obeyed.",
        "bindings": {"mqtt": {"bindingVersion": "0.2.0", "qos": 1, "retain": False}},
        "reply": {
            "channel": {"$ref": "#/channels/result"},
            "address": {"location": "$message.header#/responseTopic"},
        },
    }


def _guarantees(channel: Channel) -> dict[str, Any]:
    facts: dict[str, Any] = {"bindingVersion": "0.2.0", "qos": channel.qos, "retain": channel.retain}
    if channel.expiry_s is not None:
        facts["messageExpiryInterval"] = int(channel.expiry_s)
    return facts


def _message(name: str, ref: str) -> dict[str, Any]:
    shown = [event(kind) for kind in KINDS] if name == "event" else [{**payloads(), **requests()}[name]]
    titles = [kind.name for kind in KINDS] if name == "event" else [name]
    return {
        "name": name,
        "contentType": "text/plain" if name in _WORDS else CONTENT_TYPE if name == "event" else "application/json",
        "payload": {"$ref": ref},
        "examples": [
            {"name": title, "payload": as_json(message)} for title, message in zip(titles, shown, strict=True)
        ],
    }
