"""A subscriber that keeps each message with its guarantees."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge.delivery.watch.contract import Contract, Findings
from edge.delivery.watch.message import Heard, take_apart
from edge.events import ROOT, schemas

VALIDATORS = {name: Draft202012Validator(schema, format_checker=FormatChecker()) for name, schema in schemas().items()}


@dataclass(frozen=True, slots=True)
class Received:
    """A message; expiry_s and content_type reach only subscribers of MQTT 5."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    expiry_s: int | None = None
    content_type: str | None = None

    def heard(self) -> Heard:
        """As a watcher takes it apart."""
        message = MQTTMessage(topic=self.topic.encode())
        message.payload, message.qos, message.retain = self.payload, self.qos, self.retain
        return take_apart(message, ROOT)

    def check(self) -> Findings:
        """What the watcher says against it, once JSON Schema's own judge has none to say."""
        heard = self.heard()
        assert heard.channel is not None, self.topic
        VALIDATORS[heard.channel.payload].validate(_value(self, heard.channel.payload))
        return Contract().check(heard)


@contextmanager
def listening(port: int, *, mqtt5: bool, topics: str = f"{ROOT}/#") -> Iterator[list[Received]]:
    """All that is said under the root, or on other ``topics``.

    In MQTT 5 ``retain`` is as it was published, in 3.1.1 whether it was kept.
    """
    received: list[Received] = []
    subscribed = threading.Event()
    client = Client(
        CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5 if mqtt5 else MQTTProtocolVersion.MQTTv311
    )

    def take(_client: Client, _data: object, message: MQTTMessage) -> None:
        facts = message.properties
        received.append(
            Received(
                message.topic,
                bytes(message.payload),
                message.qos,
                bool(message.retain),
                getattr(facts, "MessageExpiryInterval", None),
                getattr(facts, "ContentType", None),
            )
        )

    client.on_message = take
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect("127.0.0.1", port)
    if mqtt5:
        client.subscribe(topics, options=SubscribeOptions(qos=1, retainAsPublished=True))
    else:
        client.subscribe(topics, qos=1)
    client.loop_start()
    try:
        assert subscribed.wait(5)
        yield received
    finally:
        client.disconnect()
        client.loop_stop()
        if isinstance(left := client.socket(), socket.socket):
            left.close()


def _value(message: Received, payload: str) -> Any:
    return message.payload.decode() if payload in ("status", "switch") else json.loads(message.payload)
