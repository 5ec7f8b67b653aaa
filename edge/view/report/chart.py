"""A clip's course as shapes that a page stretches to its own width: x is 0..1000 for the time, y 0..100 downwards."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.events.models import SEVERITIES
from edge.view.drive import Bar, Drive
from edge.view.plot import Limits, course, tick_step, tick_text, tick_unit
from edge.vision.types import EXPRESSIONS

Floats = NDArray[np.float64]

#: More than a screen's pixels would only make the page heavier.
BINS = 600
#: A bar that is narrower, in hundredths of the width, could not be seen or clicked.
LEAST_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Curve:
    """A line. key: its column's name.

    band: the range that it stands for, where samples were put together, or what lies below it.
    """

    key: str
    name: str
    line: str
    band: str


@dataclass(frozen=True, slots=True)
class Threshold:
    """A dashed line across a panel."""

    name: str
    y: float


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves on one scale. ticks: its texts and where they stand. unit: % shows shares as such."""

    name: str
    unit: str
    curves: tuple[Curve, ...]
    thresholds: tuple[Threshold, ...]
    ticks: tuple[tuple[str, float], ...]
    slim: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """An episode on its lane: left and width in hundredths; told: the share of it before it was recognized."""

    number: int
    severity: str
    left: float
    width: float
    before: float
    text: str


@dataclass(frozen=True, slots=True)
class Episode:
    """A row of the table. Times in seconds from the clip's start; end_s: None where the clip ended first."""

    number: int
    kind: str
    severity: str
    start_s: float
    told_s: float
    end_s: float | None
    duration_s: float


@dataclass(frozen=True, slots=True)
class Chart:
    """All of a clip's shapes. unknown: where the eyes were, left and width in hundredths. data: for the cursor."""

    panels: tuple[Panel, ...]
    lanes: tuple[tuple[str, tuple[Block, ...]], ...]
    episodes: tuple[Episode, ...]
    unknown: tuple[tuple[float, float], ...]
    ticks: tuple[tuple[str, float], ...]
    time_unit: str
    data: dict[str, object]


class Charter:
    """Makes a clip's shapes from its course."""

    def __init__(self, drive: Drive, limits: Limits) -> None:
        self._columns = {name: np.asarray(column, np.float64) for name, column in drive.columns.items()}
        self._t_s = self._columns["t_s"]
        self._limits = limits
        self._bars = drive.bars
        self._from_s = float(self._t_s[0]) if len(self._t_s) else 0.0
        self._span_s = max(float(self._t_s[-1]) - self._from_s, 0.1) if len(self._t_s) else 1.0
        self._series: dict[str, list[float | None]] = {}
        self._times: list[float] = []

    def chart(self) -> Chart:
        """The shapes."""
        panels = tuple(panel for panel in self._panels() if panel.curves)
        step_s = tick_step(self._span_s, most=10)
        marks = [k * step_s for k in range(int(self._span_s / step_s) + 1)]
        return Chart(
            panels=panels,
            lanes=self._lanes(),
            episodes=tuple(self._episode(number, bar) for number, bar in enumerate(self._bars)),
            unknown=self._unknown(),
            ticks=tuple((tick_text(mark, self._span_s), 100 * mark / self._span_s) for mark in marks),
            time_unit=tick_unit(self._span_s),
            data={"span": round(self._span_s, 3), "t": self._times, "series": self._series},
        )

    def _panels(self) -> list[Panel]:
        limits, known = self._limits, self._known
        head = "_off_deg" if known("yaw_off_deg") else "_deg"
        reach = max(30.0, *(self._highest(f"{way}{head}") for way in ("yaw", "pitch")))
        perclos = max(0.3, self._highest("perclos_60s"), self._highest("perclos_180s"))
        return [
            self._panel(
                "eye openness", "", (-0.2, 1.3), (0, 1), [("openness", "openness")],
                [("closed below", limits.closed_below)],
            ),
            self._panel(
                "PERCLOS", "%", (0, perclos), (0, perclos), [("perclos_60s", "60 s"), ("perclos_180s", "180 s")],
                [("limit 60 s", limits.perclos_60s)] if known("perclos_60s") else [],
            ),
            self._panel("fatigue", "", (0, 100), (0, 100), [("fatigue", "fatigue")], []),
            self._panel(
                "head, degrees", "°", (-reach, reach), (-reach, 0, reach),
                [(f"yaw{head}", "yaw, right +"), (f"pitch{head}", "pitch, up +")], [],
            ),
            self._panel(
                "mouth opening", "", (0, max(0.7, self._highest("mouth_opening"))), (0, 0.5),
                [("mouth_opening", "mouth")], [("yawn", limits.yawn_opening)],
            ),
            *(self._panel(name, "%", (0, 1), (), [(name, name)], [], slim=True) for name in EXPRESSIONS),
        ]  # fmt: skip

    def _panel(
        self,
        name: str,
        unit: str,
        scale: tuple[float, float],
        ticks: Sequence[float],
        curves: Sequence[tuple[str, str]],
        thresholds: Sequence[tuple[str, float | None]],
        *,
        slim: bool = False,
    ) -> Panel:
        def y(value: float) -> float:
            low, high = scale
            return round(100 * (1 - (min(max(value, low), high) - low) / (high - low)), 1)

        def shown(value: float) -> str:
            return f"{value:.0%}".replace("%", " %") if unit == "%" else f"{value:.2g}{unit}"

        return Panel(
            name,
            unit,
            tuple(self._curve(key, text, y, filled=slim) for key, text in curves if self._known(key)),
            tuple(Threshold(f"{text} {shown(value)}", y(value)) for text, value in thresholds if value is not None),
            tuple((shown(tick), y(tick)) for tick in ticks),
            slim,
        )

    def _curve(self, key: str, name: str, y: Callable[[float], float], *, filled: bool) -> Curve:
        times_s, low, middle, high = course(self._t_s, self._columns[key], bins=BINS)
        xs = [self._x(t_s) for t_s in times_s.tolist()]
        self._times = [round(t_s - self._from_s, 3) for t_s in times_s.tolist()]
        self._series[key] = [None if math.isnan(value) else round(value, 3) for value in middle.tolist()]
        band = ""
        if filled:
            low, high = np.where(np.isnan(middle), np.nan, 0.0), middle
        if low is not high:
            for a, b in _pieces(low):
                edge = [(xs[k], y(high[k])) for k in range(a, b)] + [(xs[k], y(low[k])) for k in reversed(range(a, b))]
                band += "M" + "L".join(f"{x} {each}" for x, each in edge) + "Z"
        line = "".join("M" + "L".join(f"{xs[k]} {y(middle[k])}" for k in range(a, b)) for a, b in _pieces(middle))
        return Curve(key, name, line, band)

    def _lanes(self) -> tuple[tuple[str, tuple[Block, ...]], ...]:
        lanes: dict[str, list[tuple[int, Bar]]] = {}
        for number, bar in enumerate(self._bars):
            lanes.setdefault(bar.kind, []).append((number, bar))
        ordered = sorted(lanes, key=lambda kind: (-max(bar.worst for _, bar in lanes[kind]), kind))
        return tuple(
            (kind.replace("_", " "), tuple(self._block(number, bar) for number, bar in lanes[kind])) for kind in ordered
        )

    def _block(self, number: int, bar: Bar) -> Block:
        episode = self._episode(number, bar)
        left = 100 * episode.start_s / self._span_s
        width = max(100 * episode.duration_s / self._span_s, LEAST_SHARE)
        before = min(1.0, (episode.told_s - episode.start_s) / episode.duration_s) if episode.duration_s else 0.0
        text = f"{episode.kind}, {episode.severity}: from {episode.start_s:.1f} s, {episode.duration_s:.1f} s long"
        left = min(left, 100 - width)
        return Block(number, episode.severity, round(left, 2), round(width, 2), round(100 * before, 1), text)

    def _episode(self, number: int, bar: Bar) -> Episode:
        end_s = None if bar.end_s is None else bar.end_s - self._from_s
        start_s = bar.start_s - self._from_s
        lasted_s = (self._span_s if end_s is None else end_s) - start_s
        told_s = bar.steps[0][0] - self._from_s
        return Episode(
            number, bar.kind.replace("_", " "), SEVERITIES[bar.worst], start_s, told_s, end_s, max(0.0, lasted_s)
        )

    def _unknown(self) -> tuple[tuple[float, float], ...]:
        where = self._columns["unknown"] > 0.5
        edges = np.flatnonzero(np.diff(np.concatenate([[False], where, [False]]).astype(np.int8)))
        spans = []
        for a, b in zip(edges[::2], edges[1::2], strict=True):
            left, right = self._x(self._t_s[a]) / 10, self._x(self._t_s[min(b, len(self._t_s) - 1)]) / 10
            if right > left:
                spans.append((round(left, 2), round(right - left, 2)))
        return tuple(spans)

    def _x(self, t_s: float) -> float:
        return round(float(1000 * (t_s - self._from_s) / self._span_s), 1)

    def _known(self, name: str) -> bool:
        return bool(np.isfinite(self._columns[name]).any())

    def _highest(self, name: str) -> float:
        return float(np.nanmax(np.abs(self._columns[name]), initial=0.0))


def _pieces(values: Floats) -> list[tuple[int, int]]:
    """Where it is known without a gap: from which place up to which."""
    known = np.concatenate([[False], np.isfinite(values), [False]])
    edges = np.flatnonzero(np.diff(known.astype(np.int8))).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))
