"""The course of a drive, gathered frame by frame, for a picture of the whole."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import nan

from edge.events import Event, Severity
from edge.events.models import SEVERITIES
from edge.state.types import DriverState, ExpressionState, Vehicle
from edge.vision.types import EXPRESSIONS, Observation

#: What is known of each frame; NaN where it isn't. unknown: 1 where the eyes are, else 0. expression: see EXPRESSIONS.
COLUMNS = (
    *("t_s", "openness", "unknown", "perclos_60s", "perclos_180s", "fatigue", "mouth_opening", "speed_kmh"),
    *("yaw_deg", "pitch_deg", "yaw_off_deg", "pitch_off_deg", *EXPRESSIONS),
)


@dataclass(slots=True)
class Bar:
    """An episode on the time axis, in seconds of capture time.

    steps: when it took on which severity, the first when it was recognized. end_s: None while it runs.
    """

    subject: str
    kind: str
    start_s: float
    steps: list[tuple[float, Severity]] = field(default_factory=list)
    end_s: float | None = None

    @property
    def worst(self) -> int:
        """The highest severity it took on, as its place in SEVERITIES."""
        return max(SEVERITIES.index(severity) for _, severity in self.steps)


class Drive:
    """Columns of numbers, a row a frame, and the episodes as bars.

    Two hours at 30 frames a second are 33 MB.
    """

    def __init__(self) -> None:
        self.columns = {name: array("d") for name in COLUMNS}
        self._bars: dict[str, Bar] = {}

    @property
    def bars(self) -> list[Bar]:
        """The episodes, by when they were recognized."""
        return list(self._bars.values())

    def see(
        self,
        observation: Observation,
        driver: DriverState | None,
        expressions: Iterable[ExpressionState],
        vehicle: Vehicle,
    ) -> None:
        """A frame, and what the rules made of it; the pose is the nearest face's, the expression the first one's."""
        pose = observation.faces[0].pose if observation.faces else None
        shown = next(iter(expressions), None)
        row: dict[str, float | None] = {"t_s": observation.t_s, "speed_kmh": vehicle.speed_kmh}
        if driver is not None:
            row |= {
                "openness": driver.openness,
                "unknown": float(driver.eyes == "unknown"),
                "perclos_60s": driver.perclos_60s,
                "perclos_180s": driver.perclos_180s,
                "fatigue": driver.fatigue,
                "mouth_opening": driver.mouth_opening,
                "yaw_off_deg": driver.yaw_off_deg,
                "pitch_off_deg": driver.pitch_off_deg,
            }
        if row.get("mouth_opening") is None and observation.faces:
            row["mouth_opening"] = observation.faces[0].mouth_opening
        if pose is not None:
            row |= {"yaw_deg": pose.yaw_deg, "pitch_deg": pose.pitch_deg}
        if shown is not None:
            row |= shown.probabilities
        for name, column in self.columns.items():
            value = row.get(name)
            column.append(nan if value is None else value)

    def tell(self, events: Iterable[Event], zero_wall_s: float) -> None:
        """Events in their order; zero_wall_s: Unix time of capture time 0."""
        for event in events:
            data = event.data
            start_s = data.started_at.timestamp() - zero_wall_s
            bar = self._bars.setdefault(data.episode_id, Bar(event.subject, data.kind, start_s))
            if not bar.steps or bar.steps[-1][1] != data.severity:
                bar.steps.append((event.time.timestamp() - zero_wall_s, data.severity))
            if data.ended_at is not None:
                bar.end_s = data.ended_at.timestamp() - zero_wall_s
