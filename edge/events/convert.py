"""From the state rules' findings to messages."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime

from edge.events.identity import ClockMapping, DeviceIdentity
from edge.events.models import (
    TYPE_PREFIX,
    DriverSnapshot,
    Event,
    EventData,
    ExpressionSnapshot,
    FaceExpression,
)
from edge.state.types import DriverState, Episode, ExpressionState, Measure


def to_event(episode: Episode, device: DeviceIdentity, clock: ClockMapping, *, speed_kmh: float | None = None) -> Event:
    """The event that tells of a change; takes the device's next sequence number.

    speed_kmh: the vehicle's speed where something gives it.
    """
    seq = device.next_seq()
    return Event(
        id=device.event_id(seq),
        source=f"/mien/{device.device}",
        type=f"{TYPE_PREFIX}.{episode.subject}.{episode.kind}",
        time=clock.wall(episode.t_s),
        subject=episode.subject,
        data=EventData(
            kind=episode.kind,
            phase=episode.phase.value,
            episode_id=episode.episode_id,
            severity=episode.severity.value,
            started_at=clock.wall(episode.started_s),
            ended_at=None if episode.ended_s is None else clock.wall(episode.ended_s),
            duration_s=episode.duration_s,
            confidence=episode.confidence,
            sensing=episode.sensing,
            speed_kmh=speed_kmh,
            time_synced=clock.synced,
            delayed=False,
            boot_id=device.boot_id,
            seq=seq,
            model_sha256=device.model_sha256,
            track_id=episode.track_id,
            measures={name: _known(value) for name, value in episode.measures.items()},
        ),
    )


def driver_snapshot(state: DriverState, clock: ClockMapping) -> DriverSnapshot:
    """The message for the driver's present state."""
    return DriverSnapshot(
        time=clock.wall(state.t_s),
        time_synced=clock.synced,
        present=state.present,
        eyes=state.eyes,
        openness=state.openness,
        closed_for_s=state.closed_for_s,
        blinks_per_minute=state.blinks_per_minute,
        active=state.active,
        perclos_60s=state.perclos_60s,
        perclos_180s=state.perclos_180s,
        fatigue=state.fatigue,
        attentive=state.attentive,
        yaw_off_deg=state.yaw_off_deg,
        pitch_off_deg=state.pitch_off_deg,
        sensing=state.sensing,
        sensing_reason=state.sensing_reason,
    )


def unseen_driver(time: datetime, reason: str, *, synced: bool) -> DriverSnapshot:
    """Says that nothing is known of the driver. reason: as ``sensing_reason``. synced: whether the clock was set."""
    return DriverSnapshot(
        time=time,
        time_synced=synced,
        present=False,
        eyes="unknown",
        openness=None,
        closed_for_s=0.0,
        blinks_per_minute=None,
        active=(),
        sensing="lost",
        sensing_reason=reason,
    )


def expression_snapshot(t_s: float, states: Iterable[ExpressionState], clock: ClockMapping) -> ExpressionSnapshot:
    """The message for all faces' present expressions; t_s: capture time of the frame they were seen in."""
    return ExpressionSnapshot(
        time=clock.wall(t_s),
        time_synced=clock.synced,
        faces=tuple(
            FaceExpression(track_id=state.track_id, label=state.label, probabilities=dict(state.probabilities))
            for state in states
        ),
    )


def _known(value: Measure) -> Measure:
    """JSON has no NaN or infinity; a measure that is no number is not known."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
