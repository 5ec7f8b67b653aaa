"""The driver's state in the words of COVESA's Vehicle Signal Specification 6.0, for what else listens in a vehicle.

Each signal has a topic, its path with slashes below a root of the user's choice, and the payload of a VISS data point:
``{"path": "Vehicle.Driver.FatigueLevel", "dp": {"value": "12.5", "ts": "2026-01-01T12:00:00.000Z"}}`` (VISS version 2:
values are strings, times UTC). What is not known is not sent, and nothing is retained: a signal that falls silent is
unknown, and ``ts`` tells how old the last one is.

What is sent, as measured here, since the specification leaves the measuring open:

- ``FatigueLevel``: the score of ``driver/state``, 0 to 100.
- ``IsEyesOnRoad``: the driver's head points to the road and the eyes are open.
- ``AttentiveProbability``: the share of the last minute with eyes on the road, in percent.
- ``DistractionLevel``: the share of the last 30 s with the head off the road, in percent: the window over which
  short looks away add up to a distraction (EU 2023/2590).
- ``Vehicle.ADAS.DMS.IsWarning``: an episode of severity warning or critical goes on.

A share of a window of which less than ``KNOWN_SHARE`` was known is itself unknown.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field, field_validator

from edge.events import DriverSnapshot
from edge.events.catalogue import KINDS
from edge.events.topics import check_root
from edge.settings import rule

ATTENTION_WINDOW_S = 60.0
DISTRACTION_WINDOW_S = 30.0
#: As for PERCLOS.
KNOWN_SHARE = 0.6

#: States come twice a second; a longer gap than this between two is time of which nothing is known.
_LONGEST_GAP_S = 2.0

_WARNINGS = {kind.name for kind in KINDS if {"warning", "critical"} & set(kind.severities)}


class VssSettings(BaseModel):
    """Whether the driver's state is published as VSS signals too."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = rule(
        False, "VSS", "Publish what is measured of the driver as VSS 6.0 signals too.", source="COVESA VSS 6.0"
    )
    root: str = Field(
        default="vss",
        title="Topic root",
        description="What the signals' topics begin with, as vss/Vehicle/Driver/FatigueLevel; empty for none.",
    )

    @field_validator("root")
    @classmethod
    def _check_root(cls, root: str) -> str:
        return check_root(root) if root else root


class Mirror:
    """Takes the driver's states as they are published, and publishes the signals they hold.

    publish: takes a topic and its payload.
    """

    def __init__(self, settings: VssSettings, publish: Callable[[str, bytes], None]) -> None:
        self._root = settings.root
        self._publish = publish
        self._on_road = _Share(ATTENTION_WINDOW_S)
        self._off_road = _Share(DISTRACTION_WINDOW_S)

    def tell(self, state: DriverSnapshot) -> None:
        """Publishes what is known."""
        ts = state.time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for path, value in self._signals(state):
            if value is None:
                continue
            word = str(value).lower() if isinstance(value, bool) else f"{value:.1f}"
            topic = "/".join(filter(None, (self._root, *path.split("."))))
            self._publish(topic, json.dumps({"path": path, "dp": {"value": word, "ts": ts}}).encode())

    def _signals(self, state: DriverSnapshot) -> Iterator[tuple[str, float | bool | None]]:
        """Each signal's path and value; None: unknown."""
        eyes_on_road = _eyes_on_road(state)
        off_road = None if state.attentive is None else not state.attentive
        on_share = self._on_road.take(state.time, eyes_on_road)
        off_share = self._off_road.take(state.time, off_road)
        yield "Vehicle.Driver.FatigueLevel", state.fatigue
        yield "Vehicle.Driver.DistractionLevel", off_share
        yield "Vehicle.Driver.AttentiveProbability", on_share
        yield "Vehicle.Driver.IsEyesOnRoad", eyes_on_road
        # Where the driver cannot be read, silence of the warnings means nothing.
        warning = bool(_WARNINGS & set(state.active))
        yield "Vehicle.ADAS.DMS.IsWarning", True if warning else None if state.sensing == "lost" else False


def _eyes_on_road(state: DriverSnapshot) -> bool | None:
    if state.attentive is False or state.eyes == "closed":
        return False
    return True if state.attentive and state.eyes == "open" else None


class _Share:
    """The share of the known time of a window in which something was so."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._spans: deque[tuple[float, float, bool]] = deque()  # its end, its length, and whether it was so
        self._last: tuple[float, bool | None] | None = None

    def take(self, at: datetime, now_so: bool | None) -> float | None:
        """Takes whether it is so now (None: unknown); returns the share in percent, None while too little is known."""
        at_s = at.timestamp()
        if self._last is not None:
            since_s, so = self._last
            span_s = at_s - since_s
            if span_s < 0:  # the clock was set back
                self._spans.clear()
            elif so is not None and span_s <= _LONGEST_GAP_S:
                self._spans.append((at_s, span_s, so))
        self._last = at_s, now_so
        while self._spans and self._spans[0][0] <= at_s - self._window_s:
            self._spans.popleft()
        known_s = sum(span_s for _, span_s, _ in self._spans)
        if known_s < KNOWN_SHARE * self._window_s:
            return None
        return 100 * sum(span_s for _, span_s, so in self._spans if so) / known_s
