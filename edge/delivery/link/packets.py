"""What crosses between vision and publish: a line of JSON and, behind it, a body of any bytes.

A packet is one message of a ``SOCK_SEQPACKET`` socket, which arrives whole or not at all.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from edge.delivery.errors import DeliveryError

#: Rises with every change that an older peer would misread; the two are of one installation, and restarted together.
VERSION = 1

#: Four times Home Assistant's description of a device, the longest that is sent. A socket's buffer holds three.
LONGEST = 65_536

#: Of what a broker sends; the rest of a packet is for its header.
LONGEST_BODY = 60_000

T = TypeVar("T")

Topic = Annotated[str, Field(min_length=1, max_length=1024)]


class PacketError(DeliveryError):
    """Not a packet: too long, or not what this version writes."""


class _Packet(BaseModel):
    # Correlation data are any bytes.
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_bytes="base64", val_json_bytes="base64")


class Hello(_Packet):
    """Vision's first words: for which device it speaks."""

    kind: Literal["hello"] = "hello"
    version: int = VERSION
    pid: int
    device: str
    root: str


class StatePacket(_Packet):
    """A topic's present state, which is the body; the rest as of ``State``, and ``at_s`` on this machine's clock."""

    kind: Literal["state"] = "state"
    topic: Topic
    retain: bool
    qos: Literal[0, 1]
    expiry_s: float | None
    at_s: float


class AnswerPacket(_Packet):
    """An answer to a request, which is the body."""

    kind: Literal["answer"] = "answer"
    topic: Topic
    correlation: bytes | None


class EventPacket(_Packet):
    """An event that the disk does not take, which is the body; the rest as of ``Waiting``."""

    kind: Literal["event"] = "event"
    id: str = Field(max_length=128)
    subject: Literal["driver", "expression", "audience"]
    severity: int = Field(ge=0, le=3)
    put_at: float


class Put(_Packet):
    """An event was put into the outbox."""

    kind: Literal["put"] = "put"


class Beat(_Packet):
    """The frame loop turns."""

    kind: Literal["beat"] = "beat"


class Bye(_Packet):
    """Vision ends as it should."""

    kind: Literal["bye"] = "bye"


class Welcome(_Packet):
    """Vision lives, or does again: its states count from now on, and all that are retained are to be said."""

    kind: Literal["welcome"] = "welcome"


class News(_Packet):
    """How publish fares with the broker; as of ``Delivery``."""

    kind: Literal["news"] = "news"
    outcome: Literal["connected", "refused", "unreachable"] | None
    reason: str
    connected: bool
    connections: int
    trouble: str | None


class Heard(_Packet):
    """A message from the broker, whose payload is the body; listener: the topic or filter that it was meant for."""

    kind: Literal["heard"] = "heard"
    listener: str
    topic: str
    retain: bool
    answer_to: str | None
    correlation: bytes | None
    at_s: float


class Taken(_Packet):
    """Events that the disk did not take have reached the broker."""

    kind: Literal["taken"] = "taken"
    ids: tuple[str, ...]


class Damaged(_Packet):
    """Publish finds the outbox's file damaged; vision looks itself, and sets it aside if it is."""

    kind: Literal["damaged"] = "damaged"


class Refused(_Packet):
    """Publish does not take what this vision says."""

    kind: Literal["refused"] = "refused"
    why: str


FromVision = Hello | StatePacket | AnswerPacket | EventPacket | Put | Beat | Bye
FromPublish = Welcome | News | Heard | Taken | Damaged | Refused

_VISION: TypeAdapter[FromVision] = TypeAdapter(Annotated[FromVision, Field(discriminator="kind")])
_PUBLISH: TypeAdapter[FromPublish] = TypeAdapter(Annotated[FromPublish, Field(discriminator="kind")])


def encode(packet: FromVision | FromPublish, body: bytes = b"") -> bytes:
    """The packet's bytes; raises PacketError where it is too long."""
    data = packet.model_dump_json().encode() + b"\n" + body  # JSON has no raw line feed
    if len(data) > LONGEST:
        raise PacketError(f"a {packet.kind} of {len(data)} bytes is too long to cross; {LONGEST} are the most")
    return data


def from_vision(data: bytes) -> tuple[FromVision, bytes]:
    """Vision's packet and its body; raises PacketError."""
    return _decode(_VISION, data)


def from_publish(data: bytes) -> tuple[FromPublish, bytes]:
    """Publish's packet and its body; raises PacketError."""
    return _decode(_PUBLISH, data)


def _decode(adapter: TypeAdapter[T], data: bytes) -> tuple[T, bytes]:
    header, _, body = data.partition(b"\n")
    try:
        return adapter.validate_json(header), body
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise PacketError(f"not a packet: {first['msg']}") from None
