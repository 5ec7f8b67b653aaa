"""The whole clip as a strip to lie under its picture: eye openness and episodes over time, and where it is now."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.view.drive import Bar, Drive
from edge.view.plot import Limits, course, tick_step, tick_text
from edge.view.text import Colour, Image, width_of, write

# BGR, dark: it lies under a moving picture and must not outshine it.
GROUND: Colour = (26, 24, 22)
INK: Colour = (240, 240, 240)
QUIET: Colour = (150, 148, 146)
_PLOT: Colour = (40, 37, 34)
_HATCH: Colour = (74, 70, 66)
_CURVE: Colour = (255, 200, 80)
_LIMIT: Colour = (110, 110, 150)
#: Of the severities, from the lowest; in grey they still climb from dark to light. With each its ink.
LADDER: dict[str, tuple[Colour, Colour]] = {
    "info": ((140, 112, 84), INK),
    "notice": ((78, 193, 242), (20, 20, 20)),
    "warning": ((29, 113, 226), (20, 20, 20)),
    "critical": ((70, 40, 214), (255, 255, 255)),
}
_PALE = 0.4
#: How bright what is still to come stays.
_AHEAD = 0.55
#: The most severe kinds; more rows would outgrow the picture.
_MOST_LANES = 5


@dataclass(frozen=True, slots=True)
class _Lane:
    kind: str
    bars: list[Bar]


class Strip:
    """Drawn once; each frame then gets a copy with the cursor at its time.

    Args:
        drive: the clip's course. Without a driver in it there is no curve of the eyes.
        width: in pixels.
        unit: how many pixels stand for one of a picture 480 high; letters are 12 units high.
        limits: of them, where an eye counts as closed is drawn.
    """

    def __init__(self, drive: Drive, width: int, unit: float, limits: Limits) -> None:
        self._unit = unit
        self._t_s = np.asarray(drive.columns["t_s"], np.float64)
        self._from_s = float(self._t_s[0]) if len(self._t_s) else 0.0
        self._until_s = max(float(self._t_s[-1]), self._from_s + 0.1) if len(self._t_s) else 1.0
        unknown = np.asarray(drive.columns["unknown"], np.float64)
        self._curve_px = round(54 * unit) if np.isfinite(unknown).any() else 0
        lanes = _lanes(drive.bars)
        self._lane_px = round(17 * unit)
        names = [lane.kind.replace("_", " ") for lane in lanes]
        size = round(12 * unit)
        self._left = round(10 * unit) + max((width_of(name, size) for name in [*names, "eyes closed"]), default=0)
        self._left = min(self._left + round(8 * unit), width // 3)
        self._right = width - round(14 * unit)
        axis_px = round(22 * unit)
        self._lanes_top = self._curve_px + (round(6 * unit) if self._curve_px else 0)
        self._axis_top = self._lanes_top + len(lanes) * self._lane_px
        self._picture: Image = np.full((self._axis_top + axis_px, width, 3), GROUND, np.uint8)
        if self._curve_px:
            self._draw_eyes(np.asarray(drive.columns["openness"], np.float64), unknown, limits, size)
        for place, lane in enumerate(lanes):
            self._draw_lane(lane, names[place], self._lanes_top + place * self._lane_px, size)
        self._draw_axis(size)

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self._picture.shape[0])

    def at(self, t_s: float) -> Image:
        """The strip with its cursor at ``t_s``, BGR uint8 [height, width, 3]."""
        picture = self._picture.copy()
        x = round(self.x_of(t_s))
        half = max(1, round(self._unit))
        ahead = picture[: self._axis_top, x + half : self._right + 1]
        if ahead.size:
            ahead[:] = cv2.convertScaleAbs(ahead, alpha=_AHEAD)
        cv2.rectangle(picture, (x - half, 0), (x + half - 1, self._axis_top), INK, -1)
        size, text = round(12 * self._unit), f"{t_s - self._from_s:.1f} s"
        wide = width_of(text, size) + round(8 * self._unit)
        left = min(max(x - wide // 2, 0), picture.shape[1] - wide)
        cv2.rectangle(picture, (left, self._axis_top + 1), (left + wide, picture.shape[0] - 2), INK, -1)
        write(picture, text, left + wide / 2, (self._axis_top + picture.shape[0]) / 2, size, GROUND, align="centre")
        return picture

    def x_of(self, t_s: float) -> float:
        """Where a time lies, in pixels from the left."""
        share = (t_s - self._from_s) / (self._until_s - self._from_s)
        return self._left + min(max(share, 0.0), 1.0) * (self._right - self._left)

    def _draw_eyes(
        self, openness: NDArray[np.float64], unknown: NDArray[np.float64], limits: Limits, size: int
    ) -> None:
        top, bottom = 0, self._curve_px
        cv2.rectangle(self._picture, (self._left, top), (self._right, bottom), _PLOT, -1)
        edge_x = self._left - round(6 * self._unit)
        write(self._picture, "eyes open", edge_x, self._y(1.0), size, QUIET, align="right")
        write(self._picture, "eyes closed", edge_x, self._y(0.0), size, QUIET, align="right")
        for start_s, end_s in _runs(self._t_s, unknown > 0.5):
            self._hatch(round(self.x_of(start_s)), round(self.x_of(end_s)), top, bottom)
        if limits.closed_below is not None:
            y, dash = round(self._y(limits.closed_below)), round(6 * self._unit)
            for x in range(self._left, self._right - dash, 2 * dash):
                cv2.line(self._picture, (x, y), (x + dash, y), _LIMIT, max(1, round(self._unit)))
        times_s, low, middle, high = course(self._t_s, openness, bins=max(2, self._right - self._left))
        for values in (low, high) if low is not high else (middle,):
            for line in _pieces(times_s, values):
                points = np.array([[self.x_of(t_s) * 16, self._y(value) * 16] for t_s, value in line])
                cv2.polylines(
                    self._picture, [np.round(points).astype(np.int32)], False, _CURVE, max(1, round(1.4 * self._unit)),
                    cv2.LINE_AA, shift=4,
                )  # fmt: skip

    def _y(self, openness: float) -> float:
        """Where an openness lies; a little past closed and wide open there is room."""
        share = (min(max(openness, -0.15), 1.25) + 0.3) / 1.7
        return self._curve_px * (1 - share)

    def _hatch(self, left: int, right: int, top: int, bottom: int) -> None:
        inside = self._picture[top:bottom, left : right + 1]
        y, x = np.mgrid[0 : inside.shape[0], 0 : inside.shape[1]]
        inside[(x + y + left) % max(4, round(6 * self._unit)) < max(1, round(2 * self._unit))] = _HATCH

    def _draw_lane(self, lane: _Lane, name: str, top: int, size: int) -> None:
        bottom, gap = top + self._lane_px, max(1, round(2 * self._unit))
        cv2.rectangle(self._picture, (self._left, top + gap), (self._right, bottom - gap), _PLOT, -1)
        edge_x = self._left - round(6 * self._unit)
        write(self._picture, name, edge_x, (top + bottom) / 2, size, INK, align="right")
        for bar in lane.bars:
            end_s = self._until_s if bar.end_s is None else bar.end_s
            steps = [(bar.start_s, None), *bar.steps]
            for (since_s, severity), (until_s, _) in zip(steps, [*steps[1:], (end_s, None)], strict=True):
                colour = LADDER[severity or bar.steps[0][1]][0]
                if severity is None:  # before it was recognized
                    colour = tuple(round(c * _PALE + g * (1 - _PALE)) for c, g in zip(colour, _PLOT, strict=True))  # type: ignore[assignment]
                left, right = round(self.x_of(since_s)), round(self.x_of(max(until_s, since_s)))
                if right > left or severity is not None:
                    cv2.rectangle(self._picture, (left, top + gap), (max(right, left + gap), bottom - gap), colour, -1)

    def _draw_axis(self, size: int) -> None:
        span_s = self._until_s - self._from_s
        room = width_of(tick_text(span_s, span_s), size) * 2.2
        step_s = tick_step(span_s, most=max(2, int((self._right - self._left) / room)))
        y = (self._axis_top + self._picture.shape[0]) / 2
        for k in range(int(span_s / step_s) + 1):
            x = self.x_of(self._from_s + k * step_s)
            cv2.line(
                self._picture, (round(x), self._axis_top), (round(x), self._axis_top + round(3 * self._unit)), QUIET
            )
            write(self._picture, tick_text(k * step_s, span_s), x, y, size, QUIET, align="centre")


def _lanes(bars: list[Bar]) -> list[_Lane]:
    """A lane a kind, the most severe first."""
    of_kind: dict[str, list[Bar]] = {}
    for bar in bars:
        of_kind.setdefault(bar.kind, []).append(bar)
    worst = {kind: max(bar.worst for bar in bars) for kind, bars in of_kind.items()}
    kinds = sorted(of_kind, key=lambda kind: (-worst[kind], kind))
    return [_Lane(kind, of_kind[kind]) for kind in kinds[:_MOST_LANES]]


def _runs(t_s: NDArray[np.float64], where: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """From when to when it held."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], where, [False]]).astype(np.int8)))
    return [(float(t_s[a]), float(t_s[min(b, len(t_s) - 1)])) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _pieces(times_s: NDArray[np.float64], values: NDArray[np.float64]) -> list[list[tuple[float, float]]]:
    """The stretches without a gap."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for t_s, value in zip(times_s.tolist(), values.tolist(), strict=True):
        if value != value:
            pieces.append([])
        else:
            pieces[-1].append((t_s, value))
    return [piece for piece in pieces if piece]
