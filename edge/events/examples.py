"""One message of each sort, for the documents, for tests of subscribers, and for ``mien events example``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from edge.events.audience import AudienceSnapshot, AudienceWindow
from edge.events.catalogue import KINDS, Kind
from edge.events.identity import DeviceIdentity
from edge.events.models import (
    TYPE_PREFIX,
    CameraStatus,
    DriverSnapshot,
    Event,
    EventData,
    ExpressionSnapshot,
    FaceExpression,
    Health,
    Info,
    Measure,
    Message,
)
from edge.events.requests import ConfigRequest, Identify, Recalibrate, Request, Result, Snooze

_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_BOOT = UUID("5f0c1f4e-54d5-4a8c-9d56-7f3f1a6b2c10")
_MODEL = "736610ec4256bc3f1e8dd64083d03ba54069fe5ee52d56c7a93179e4441bab21"
_EPISODE = "0b9d6c1e-3a52-4a53-8f5f-b3e1a7e0c001"
_MEASURES: dict[str, dict[str, Measure]] = {
    "microsleep": {"closed_s": 1.52, "mean_openness": 0.03, "baseline_frozen": True},
    "sleep": {"closed_s": 3.01, "mean_openness": 0.03, "baseline_frozen": True},
    "drowsiness": {"perclos_60s": 0.17, "perclos_180s": 0.13, "known_60s": 0.96, "known_180s": 0.97},
    "sensing_degraded": {"reason": "turned_away"},
    "left": {"dwell_s": 1.52, "attention_s": 0.9},
}


def event(kind: Kind) -> Event:
    """The first that is told of an episode of this kind; ids and times are always the same."""
    device = DeviceIdentity("truck-7", _BOOT, _MODEL)
    face, driven = kind.subject == "expression", kind.subject == "driver"
    over = kind.name == "left"
    return Event(
        id=device.event_id(42),
        source=f"/mien/{device.device}",
        type=f"{TYPE_PREFIX}.{kind.subject}.{kind.name}",
        time=_NOON + timedelta(seconds=1.52),
        subject=kind.subject,
        data=EventData(
            kind=kind.name,
            phase="end" if over else "start",
            episode_id=_EPISODE,
            severity=kind.severities[0],
            started_at=_NOON,
            ended_at=_NOON + timedelta(seconds=1.52) if over else None,
            duration_s=1.52,
            confidence=0.93,
            sensing="lost" if kind.name == "sensing_degraded" else "good",
            speed_kmh=82.0 if driven else None,
            time_synced=True,
            delayed=False,
            boot_id=_BOOT,
            seq=42,
            model_sha256=_MODEL,
            track_id="q7Zk2w" if face else None,
            measures=_MEASURES.get(kind.name, {}),
        ),
    )


def payloads() -> dict[str, Message | str]:
    """An example of each payload by its schema's name; ``status`` and ``switch`` are bare words."""
    return {
        "event": event(KINDS[0]),
        "status": "online",
        "info": Info(
            device="truck-7",
            boot_id=_BOOT,
            started_at=_NOON,
            version="0.1.0",
            profile="driver",
            model="mien",
            model_sha256=_MODEL,
        ),
        "health": Health(
            time=_NOON,
            uptime_s=86_400.0,
            fps=15.0,
            latency_ms=41.0,
            temperature_c=61.5,
            outbox_depth=0,
            outbox_dropped=0,
        ),
        "camera-status": CameraStatus(camera="main", status="running", reason=None, time=_NOON),
        "switch": "ON",
        "driver-state": DriverSnapshot(
            time=_NOON,
            time_synced=True,
            present=True,
            eyes="open",
            openness=0.97,
            closed_for_s=0.0,
            blinks_per_minute=14.0,
            active=(),
            perclos_60s=0.02,
            perclos_180s=0.01,
            fatigue=8.0,
            attentive=True,
            yaw_off_deg=-3.0,
            pitch_off_deg=1.5,
            sensing="good",
            sensing_reason=None,
        ),
        "expression-state": ExpressionSnapshot(
            time=_NOON,
            time_synced=True,
            faces=(
                FaceExpression(
                    track_id="q7Zk2w",
                    label="happiness",
                    probabilities={
                        "anger": 0.01,
                        "disgust": 0.0,
                        "fear": 0.01,
                        "happiness": 0.91,
                        "sadness": 0.01,
                        "surprise": 0.02,
                        "neutral": 0.04,
                    },
                ),
            ),
        ),
        "audience-state": AudienceSnapshot(
            time=_NOON,
            time_synced=True,
            watching=True,
            present=4,
            attentive=None,
            suppressed=True,
            windows={
                "1h": AudienceWindow(
                    start=_NOON - timedelta(hours=1),
                    seconds=3600,
                    time_synced=True,
                    observed_s=3599.4,
                    visitors=83,
                    arrivals=81,
                    departures=79,
                    attracted=42,
                    peak_present=6,
                    mean_present=1.84,
                    mean_dwell_s=71.4,
                    mean_attention_s=18.2,
                    attentive_share=0.27,
                    expressions={
                        "anger": 0.02,
                        "disgust": 0.0,
                        "fear": 0.01,
                        "happiness": 0.31,
                        "sadness": 0.04,
                        "surprise": 0.08,
                        "neutral": 0.54,
                    },
                    suppressed=False,
                )
            },
        ),
    }


def requests() -> dict[str, Request | Result]:
    """An example of each command by its message's name, and of an answer."""
    return {
        "command-recalibrate": Recalibrate(),
        "command-snooze": Snooze(seconds=300.0),
        "command-identify": Identify(),
        "command-config": ConfigRequest(),
        "result": Result(ok=False, error="seconds: at most 600 (alarm.snooze_limit_s)"),
    }


def as_json(message: BaseModel | str) -> Any:  # noqa: ANN401 - any JSON
    """What the message is in JSON, of plain lists and dictionaries."""
    return message if isinstance(message, str) else message.model_dump(mode="json")
