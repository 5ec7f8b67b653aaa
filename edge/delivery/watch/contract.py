"""Holds received messages against the contract, as a subscriber could who trusts nobody.

The judge is the models that the JSON Schemas are made from, in strict mode, and not a validator of JSON Schema: it is
on the device already, and checks times and UUIDs, which JSON Schema by default does not. That
both judge alike is tested.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import get_args

from pydantic import ValidationError

from edge.delivery.watch.message import Heard, problems
from edge.events import Event
from edge.events.catalogue import KINDS, Channel
from edge.events.models import TYPE_PREFIX, Message
from edge.events.schemas import PAYLOADS

_SEVERITIES = {kind.name: kind.severities for kind in KINDS}


@dataclass(frozen=True, slots=True)
class Findings:
    """violations: what the contract forbids.

    notes: what it doesn't know and a newer device may say, and a QoS other than the contract's, as some brokers deliver
    in the subscription's QoS whatever the message was sent with.
    """

    violations: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Contract:
    """Checks messages and counts: checked, wrong (messages with a violation), noted (messages with a note)."""

    checked: int = 0
    wrong: int = 0
    noted: int = 0
    _channels: set[str] = field(default_factory=set)

    def check(self, heard: Heard) -> Findings:
        """What is to be said against a message: its payload, and its topic's guarantees as far as they show."""
        findings = _findings(heard)
        self.checked += 1
        self.wrong += bool(findings.violations)
        self.noted += bool(findings.notes)
        if heard.channel is not None:
            self._channels.add(heard.channel.name)
        return findings

    def summary(self) -> str:
        """One line."""
        said = f"{self.checked} messages checked against the contract, {self.wrong} violate it"
        if self.noted:
            said += f", {self.noted} have notes"
        return f"{said} ({', '.join(sorted(self._channels)) or 'no topic of it heard'})"


def _findings(heard: Heard) -> Findings:
    if heard.channel is None:
        return Findings(notes=("this topic is not in the contract",))
    violations, notes = _guarantees(heard, heard.channel)
    model: type[Message] = PAYLOADS[heard.channel.payload]
    if words := get_args(model):
        if heard.text not in words:
            violations.append(f"{heard.text[:40]!r} is none of {', '.join(words)}")
        return Findings(tuple(violations), tuple(notes))
    try:
        message = model.model_validate_json(heard.payload, strict=True)
    except ValidationError as error:
        return Findings((*violations, *problems(error)), tuple(notes))
    notes += [f"unknown field {name}" for name in _unknown(json.loads(heard.payload), message.model_dump(mode="json"))]
    if isinstance(message, Event):
        violations += _event(message, heard)
        if message.data.kind not in _SEVERITIES:
            notes.append(f"unknown kind {message.data.kind}")
    return Findings(tuple(violations), tuple(notes))


def _guarantees(heard: Heard, channel: Channel) -> tuple[list[str], list[str]]:
    violations = ["was retained, which this topic never is"] if heard.retained and not channel.retain else []
    notes = [f"arrived with QoS {heard.qos}, not {channel.qos}"] if heard.qos != channel.qos else []
    return violations, notes


def _event(event: Event, heard: Heard) -> list[str]:
    data = event.data
    wrong = []
    if event.device != heard.device:
        wrong.append(f"source names device {event.device}, the topic {heard.device}")
    if heard.rest != f"{event.subject}/event":
        wrong.append(f"subject {event.subject} on topic {heard.rest}")
    if event.type != f"{TYPE_PREFIX}.{event.subject}.{data.kind}":
        wrong.append(f"type {event.type} for the kind {data.kind} of {event.subject}")
    if data.severity not in _SEVERITIES.get(data.kind, (data.severity,)):
        wrong.append(f"{data.kind} is never of severity {data.severity}")
    if (data.ended_at is None) == (data.phase == "end"):
        wrong.append(f"phase {data.phase} with ended_at {data.ended_at}")
    return wrong


def _unknown(raw: object, known: object, at: str = "") -> list[str]:
    """The fields of ``raw`` that its model passed over."""
    if isinstance(raw, dict) and isinstance(known, dict):
        return [
            name
            for key, value in raw.items()
            for name in ([f"{at}{key}"] if key not in known else _unknown(value, known[key], f"{at}{key}."))
        ]
    if isinstance(raw, list) and isinstance(known, list):
        return [name for one, other in zip(raw, known, strict=True) for name in _unknown(one, other, at)]
    return []
