"""The subscribers' page, rendered from the AsyncAPI document: ``python -m edge.events.page FOLDER``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from edge.events.asyncapi import asyncapi
from edge.events.catalogue import KINDS
from edge.events.schemas import schemas
from edge.events.webpage import webpage
from edge.markdown import table_of_words

_SUBSCRIBER = """\
import json, paho.mqtt.subscribe as mqtt


def show(client, _, message):
    print(message.topic, json.loads(message.payload)["data"]["kind"])


mqtt.callback(show, "mien/1/+/driver/event", qos=1, hostname="localhost")
"""
_ASK = """\
mosquitto_pub -V 5 -q 1 -t mien/1/truck-7/privacy/set -m ON
mosquitto_pub -V 5 -q 1 -t mien/1/truck-7/command/snooze -m '{"seconds": 300}' \\
  -D publish response-topic reply/me -D publish correlation-data 42
"""
_JAVASCRIPT = """\
import mqtt from "mqtt";
const client = mqtt.connect("mqtt://localhost");
client.on("connect", () => client.subscribe("mien/1/+/driver/event", { qos: 1 }));
client.on("message", (topic, payload) => console.log(topic, JSON.parse(payload).data.kind));
"""


def page(document: dict[str, Any]) -> str:
    """The page as Markdown. document: of ``asyncapi``."""
    parts = [
        "# Subscribing to mien",
        "<!-- Made by `make docs` from edge/events; change it there. -->",
        document["info"]["description"] + " Times are UTC, RFC 3339.",
        "In Python (`pip install paho-mqtt`):",
        _code("python", _SUBSCRIBER),
        "In JavaScript (`npm install mqtt`):",
        _code("js", _JAVASCRIPT),
        "`mien watch` shows the same in a terminal, `mien events example microsleep` prints a message to test with, "
        "and [asyncapi.json](asyncapi.json) and the [JSON Schemas](schemas) are the contract for machines. "
        "`mien watch --validate` holds what a device says against it.",
        "## Topics",
        _topics(document),
        "QoS 1 arrives at least once, QoS 0 at most once. A retained message is there as soon as one subscribes. A "
        "message that expires is dropped by the broker after that time (MQTT 5; with 3.1.1 look at its `time`).",
        "## Events",
        "An event is a [CloudEvents 1.0](https://cloudevents.io) envelope in structured JSON. `start`, `update` and "
        "`end` of one episode share `data.episode_id`; a kind with two severities may rise from one to the other by an "
        "update.",
        _kinds(),
        _code("json", json.dumps(_event_example(document), indent=2)),
        _fields("EventData", document),
        "## Once and only once",
        "Events are kept on the device until the broker has acknowledged them, so a broken connection can repeat one. "
        "`source` and `id` together are unique: remember the last few thousand ids and pass over a repeat. "
        "`data.seq` counts from 1 within `data.boot_id`; a gap is an event that was given up (`health` counts them). "
        "`data.delayed` marks an event sent more than 10 s after it was recognized: a record, not an alarm for now. "
        "Without `data.time_synced` the times are of a clock that nobody had set.",
        "## States",
        *(
            _state(document, name)
            for name in ("driver-state", "expression-state", "audience-state", "camera-status", "health", "info")
        ),
        "## Asking a device",
        _requests(document),
        "Who may ask is set by the broker's access rights. An answer goes to the request's MQTT 5 response topic, "
        "which must not lie below the topic root, with its correlation data; without one, to the request's own topic "
        'followed by `/result`: `{"ok": true, …}` with what the command tells, or `{"ok": false, "error": "why"}`. '
        "A retained request is not obeyed. Switches stay as they are when the device starts anew.",
        _code("sh", _ASK),
        "## Versions",
        "The `1` in `mien/1/…` is the contract's version. Within it fields, kinds and topics may be added, never "
        "changed or removed: pass over what you do not know. A change that breaks subscribers gets a new root, "
        "`mien/2/…`, and `info.contract` tells which one a device speaks.",
    ]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def write(folder: Path) -> None:
    """Writes the page as Markdown and as HTML, the AsyncAPI document and the JSON Schemas."""
    for path, text in files().items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def files() -> dict[str, str]:
    """Every document of the contract by its path."""
    document = asyncapi()
    markdown = page(document)
    return {
        "README.md": markdown,
        "index.html": webpage(markdown),
        "asyncapi.json": _json(document),
        **{f"schemas/{name}.json": _json(schema) for name, schema in schemas().items()},
    }


def _json(value: Any) -> str:  # noqa: ANN401 - any JSON
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _code(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def _topics(document: dict[str, Any]) -> str:
    rows = []
    for name, channel in document["channels"].items():
        operation = document["operations"].get(f"send-{name}")
        if operation is None:
            continue  # the device is asked there
        mqtt = operation["bindings"]["mqtt"]
        expiry = mqtt.get("messageExpiryInterval")
        rows.append(
            (
                f"`{channel['address']}`",
                channel["summary"],
                operation["summary"],
                str(mqtt["qos"]),
                "yes" if mqtt["retain"] else "no",
                f"{expiry} s" if expiry else "–",
            )
        )
    return table_of_words(("topic", "says", "when", "QoS", "retained", "expires"), rows)


def _requests(document: dict[str, Any]) -> str:
    rows = []
    for name, channel in document["channels"].items():
        if f"receive-{name}" in document["operations"]:
            (message,) = channel["messages"]
            example = document["components"]["messages"][message]["examples"][0]["payload"]
            payload = "`ON` or `OFF`" if message == "switch" else f"`{json.dumps(example)}`"
            rows.append((f"`{channel['address']}`", channel["summary"], payload))
    return table_of_words(("topic", "does", "payload"), rows)


def _kinds() -> str:
    rows: list[tuple[str, ...]] = [
        (f"`{kind.name}`", kind.subject, " → ".join(kind.severities), kind.meaning)
        for kind in KINDS
        if kind.subject != "expression"
    ]
    shown = ", ".join(f"`{kind.name}`" for kind in KINDS if kind.subject == "expression")
    rows.append((shown, "expression", "info", "What a face apparently shows; how it looks, not what it feels."))
    return table_of_words(("kind", "subject", "severity", "meaning"), rows)


def _event_example(document: dict[str, Any]) -> dict[str, Any]:
    example: dict[str, Any] = document["components"]["messages"]["event"]["examples"][0]["payload"]
    return example


def _fields(schema: str, document: dict[str, Any]) -> str:
    facts = document["components"]["schemas"][schema]
    rows = [(f"`{name}`", _type(field), field.get("description", "")) for name, field in facts["properties"].items()]
    return table_of_words(("field", "type", "meaning"), rows)


def _type(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        kinds = list(dict.fromkeys(_type(part) for part in field["anyOf"]))
        return " or ".join(kinds)
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if "$ref" in field:
        return str(field["$ref"].rpartition("/")[2])
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}" if "items" in field else "list"
    return {"date-time": "time", "uuid": "UUID"}.get(field.get("format", ""), str(field.get("type", "any")))


def _state(document: dict[str, Any], name: str) -> str:
    channel, message = document["channels"][name], document["components"]["messages"][name]
    schema = message["payload"]["$ref"].rpartition("/")[2]
    example = _code("json", json.dumps(message["examples"][0]["payload"], indent=2))
    return "\n\n".join((f"### `{channel['address']}`", channel["summary"], example, _fields(schema, document)))


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/events"))
