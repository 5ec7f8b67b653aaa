"""The messages, as models: what leaves the device and nothing else.

Within version 1 of the contract fields may be added, never changed or removed; subscribers ignore what they do
not know, and so do these models. ``null`` means not known.
"""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat

from edge.events.topics import Subject

CONTRACT = 1

#: A CloudEvents type is a reverse-DNS name; the subject and the kind follow: ``org.mien.driver.microsleep``.
TYPE_PREFIX = "org.mien"

#: CloudEvents' media type for an event in structured mode, JSON format (MQTT protocol binding 1.0.2, section 3.2).
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"

Seconds = Annotated[FiniteFloat, Field(ge=0)]
Share = Annotated[FiniteFloat, Field(ge=0, le=1)]
Measure = bool | int | FiniteFloat | str | None
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Severity = Literal["info", "notice", "warning", "critical"]

#: The alarm ladder, lowest first.
SEVERITIES: tuple[Severity, ...] = ("info", "notice", "warning", "critical")


def schema_uri(name: str) -> str:
    """The stable name of a schema, as in ``dataschema``; a name to compare, not an address to fetch."""
    return f"urn:mien:schema:{CONTRACT}:{name}"


class Message(BaseModel):
    """What all messages share: they don't change once made, and unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class EventData(Message):
    """What happened. ``start``, ``update`` and ``end`` of one episode share ``episode_id``."""

    kind: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = Field(description="microsleep, yawn, happiness, …")
    phase: Literal["start", "update", "end"]
    episode_id: str = Field(min_length=1)
    severity: Severity
    started_at: AwareDatetime = Field(description="when what it rests on began; may be before it was recognized")
    ended_at: AwareDatetime | None = Field(description="when it ceased; null until the phase is end")
    duration_s: Seconds = Field(description="from started_at to the event, or to ended_at")
    confidence: Share
    sensing: Literal["good", "degraded", "lost"]
    speed_kmh: Seconds | None = Field(description="the vehicle's speed; null where none is given")
    time_synced: bool = Field(description="whether the device's clock was known to be set")
    delayed: bool = Field(description="sent more than 10 s after it was recognized: a record, not an alarm for now")
    boot_id: UUID = Field(description="changes with each start of the device's program")
    seq: int = Field(ge=1, description="counts events from 1 within a boot_id; a gap is a lost event")
    model_sha256: Sha256 | None = Field(description="the expression model in use; null where there is none")
    track_id: str | None = Field(description="random, lasts a session; null where the event is not about one face")
    measures: dict[str, Measure] = Field(description="the numbers it rests on, units in the names")


class Event(Message):
    """A CloudEvents 1.0 event in structured JSON. ``source`` and ``id`` together are unique; a repeat is harmless."""

    specversion: Literal["1.0"] = "1.0"
    id: str = Field(min_length=1, description="UUID version 5 of boot_id and seq")
    source: Annotated[str, Field(pattern=r"^/mien/[A-Za-z0-9_.-]+$")] = Field(description="/mien/<device>")
    type: Annotated[str, Field(pattern=r"^org\.mien\.[a-z]+\.[a-z][a-z0-9_]*$")] = Field(
        description="org.mien.<subject>.<kind>"
    )
    time: AwareDatetime = Field(description="when it was recognized")
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: Literal["urn:mien:schema:1:event-data"] = "urn:mien:schema:1:event-data"
    subject: Subject
    data: EventData

    @property
    def device(self) -> str:
        """The id of the device that it comes from."""
        return self.source.removeprefix("/mien/")

    def to_json(self) -> bytes:
        """UTF-8 JSON as it is sent."""
        return self.model_dump_json().encode()


#: The whole payload of ``status``: a bare word, so that a shell or Home Assistant can read it as it is.
Status = Literal["online", "stopped", "offline"]


class Info(Message):
    """What runs on the device; changes only when its program starts."""

    device: str
    boot_id: UUID
    started_at: AwareDatetime
    version: str = Field(description="mien's version")
    contract: int = Field(default=CONTRACT, description="the version of these messages")
    profile: str | None = Field(description="the preset in use: driver, kiosk, full")
    model: str | None = Field(description="the expression model's name")
    model_sha256: Sha256 | None
    model_fallback: str | None = Field(
        default=None, description="why the expression model that ships runs in the place of the chosen one"
    )


class Health(Message):
    """How the device fares."""

    time: AwareDatetime
    uptime_s: Seconds
    fps: Seconds | None = Field(description="frames read a second")
    latency_ms: Seconds | None = Field(description="from capture to state, median of the last period")
    temperature_c: FiniteFloat | None
    throttled: tuple[str, ...] | None = Field(
        default=None, description="why the processor is slowed down; empty where it isn't, null where nothing tells"
    )
    shedding: tuple[str, ...] = Field(
        default=(),
        description="what is left out for want of time: expression_rate, detector, faces, second_opinion, eyes",
    )
    outbox_depth: int = Field(ge=0, description="events that wait for the broker")
    outbox_dropped: int = Field(ge=0, description="events given up because the outbox was full or they were too old")
    outbox_trouble: str | None = Field(
        default=None, description="why events are kept in memory only (the disk is full, read-only, broken)"
    )
    broker_trouble: str | None = Field(
        default=None, description="what the broker refuses, or another client under the same id"
    )
    outbox_set_aside: str | None = Field(
        default=None, description="the name given to a damaged outbox, which was replaced by a new one"
    )


class CameraStatus(Message):
    """Whether a camera delivers frames."""

    camera: str
    status: Literal["starting", "running", "dark", "frozen", "lost", "off", "ended"] = Field(
        description="dark: covered, or no light; frozen: the same picture again and again; lost: no picture, "
        "tried again by itself; off: the privacy switch; ended: a file's end"
    )
    reason: str | None
    time: AwareDatetime


class DriverSnapshot(Message):
    """The driver now."""

    time: AwareDatetime
    time_synced: bool
    present: bool
    eyes: Literal["open", "closed", "unknown"]
    openness: FiniteFloat | None = Field(description="0 closed, about 1 the driver's own normal")
    closed_for_s: Seconds
    blinks_per_minute: Seconds | None
    active: tuple[str, ...] = Field(description="the kinds of the episodes that go on")
    perclos_60s: Share | None = Field(
        default=None, description="share of the last minute's known time with eyes closed, blinks left out"
    )
    perclos_180s: Share | None = Field(default=None, description="the same of the last three minutes")
    fatigue: Annotated[FiniteFloat, Field(ge=0, le=100)] | None = Field(
        default=None, description="0 (none) to 100; a sum of the measures, not a medical scale"
    )
    attentive: bool | None = Field(default=None, description="whether the head points to the road")
    yaw_off_deg: FiniteFloat | None = Field(
        default=None, description="the head from the driver's own usual direction; positive to the picture's right"
    )
    pitch_off_deg: FiniteFloat | None = Field(default=None, description="likewise; positive upwards")
    sensing: Literal["good", "degraded", "lost"] | None = Field(
        default=None, description="how well the driver can be read"
    )
    sensing_reason: str | None = Field(default=None, description="why not better: no_face, turned_away, dark, …")


class FaceExpression(Message):
    """One face's apparent expression now: how it looks, not what it feels."""

    track_id: str
    label: str | None
    probabilities: dict[str, Share]


class ExpressionSnapshot(Message):
    """All faces' apparent expressions now."""

    time: AwareDatetime
    time_synced: bool
    faces: tuple[FaceExpression, ...]
