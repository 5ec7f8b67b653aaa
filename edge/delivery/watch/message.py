"""What a watcher hears: a message taken apart, and the choice of those worth showing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from edge.events import Event, Severity, Subject, split_topic, watch_filters
from edge.events.catalogue import CHANNELS, Channel
from edge.events.models import SEVERITIES

if TYPE_CHECKING:
    from paho.mqtt.client import MQTTMessage


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as it arrived.

    device, rest: the parts of its topic; None and empty where it isn't under the root. channel: its place in the
    contract, None where it has none. event: what a topic for events told; where that can't be read it is None and
    problem says why. retained: the broker had kept it from before the subscription.
    """

    topic: str
    payload: bytes
    qos: int
    retained: bool
    device: str | None = None
    rest: str = ""
    channel: Channel | None = None
    event: Event | None = None
    problem: str = ""

    @property
    def text(self) -> str:
        """The payload as text; what is no UTF-8 becomes replacement characters."""
        return self.payload.decode(errors="replace")


def take_apart(message: MQTTMessage, root: str) -> Heard:
    """A received message's parts; root: that of the topics."""
    payload = bytes(message.payload)
    split = split_topic(message.topic, root)
    if split is None:
        return Heard(message.topic, payload, message.qos, message.retain)
    device, rest = split
    event, problem = None, ""
    if rest.endswith("/event"):
        try:
            event = Event.model_validate_json(payload)
        except ValidationError as error:
            problem = problems(error)[0]
    return Heard(message.topic, payload, message.qos, message.retain, device, rest, _channel(rest), event, problem)


def problems(error: ValidationError) -> list[str]:
    """A line for each thing that is wrong: where, and what."""
    return [
        f"{'.'.join(map(str, problem['loc']))} {problem['msg']}".strip()
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def _channel(rest: str) -> Channel | None:
    levels = rest.split("/")
    for channel in CHANNELS:
        address = channel.address.split("/")
        if len(address) == len(levels) and all(
            wanted == level or wanted.startswith("{") for wanted, level in zip(address, levels, strict=True)
        ):
            return channel
    return None


@dataclass(frozen=True, slots=True)
class Selection:
    """Which messages to show; empty: all. severity: the lowest. Asked for kinds or a severity, it takes only events."""

    devices: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    subjects: frozenset[Subject] = frozenset()
    severity: Severity | None = None

    def takes(self, heard: Heard) -> bool:
        """Whether to show it. An event that can't be read could be any."""
        if self.devices and heard.device not in self.devices:
            return False
        if heard.problem:
            return True
        if self.subjects and heard.rest.partition("/")[0] not in self.subjects:
            return False
        if heard.event is None:
            return not self.kinds and self.severity is None
        return self.wants(heard.event.data.kind, heard.event.data.severity)

    def wants(self, kind: str, severity: Severity) -> bool:
        """Whether to show episodes of this kind and severity."""
        if self.kinds and kind not in self.kinds:
            return False
        return self.severity is None or SEVERITIES.index(severity) >= SEVERITIES.index(self.severity)

    def filters(self, root: str, *, states: bool) -> tuple[str, ...]:
        """The topics to subscribe to: the events and statuses of these devices; states: all else they say as well."""
        every = _contract_filters(root) if states else watch_filters(root)
        if not self.devices:
            return every
        below = [topic.removeprefix(f"{root}/+/") for topic in every]
        return tuple(f"{root}/{device}/{rest}" for device in sorted(self.devices) for rest in below)


def _contract_filters(root: str) -> tuple[str, ...]:
    addresses = ("/".join("+" if level.startswith("{") else level for level in c.address.split("/")) for c in CHANNELS)
    return tuple(f"{root}/+/{address}" for address in addresses)
