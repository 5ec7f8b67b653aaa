"""A drive on one page: what was read, what was judged, and when, over one time axis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import MienError
from edge.events import Severity
from edge.events.models import SEVERITIES
from edge.view.drive import Bar, Drive
from edge.vision.types import EXPRESSIONS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

#: About the pixels of the time axis; more samples than twice this are drawn as the range and the median of each bin.
BINS = 1200
#: Longer without a frame, and the line is broken.
GAP_S = 1.0
WIDTH_IN, HEIGHT_IN, DPI = 16.0, 10.0, 100

_INK, _QUIET, _FIRST, _SECOND = "#222222", "#8a8a8a", "#1f5fa8", "#d9822b"
#: The ladder climbs in darkness and in hatching, so that it is read without colour as well.
_LADDER: dict[Severity, tuple[str, str]] = {
    "info": ("#b9cde0", ""),
    "notice": ("#f2c14e", ".."),
    "warning": ("#e2711d", "//"),
    "critical": ("#a4133c", "xx"),
}
_PALE = 0.35
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_STYLE: Any = {
    "font.size": 9,
    "axes.edgecolor": _QUIET,
    "axes.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "grid.color": "#e6e6e6",
    "axes.axisbelow": True,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "legend.frameon": False,
    "hatch.linewidth": 0.6,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Thresholds to draw beside what they judge; None draws none. closed_below, open_above: openness."""

    closed_below: float | None = None
    open_above: float | None = None
    aside_deg: float | None = None
    down_deg: float | None = None
    yawn_opening: float | None = None
    perclos_60s: float | None = None
    perclos_180s: float | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """One strip of the page; height is relative to the others'."""

    height: float
    draw: Callable[[Axes], None]


def require_matplotlib() -> None:
    """Raises MienError, saying what to install, where there is no matplotlib to draw with."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MienError("--plot draws with matplotlib, which is not installed; pip install 'mien[plot]'") from None


def draw_drive(drive: Drive, path: Path, *, title: str, limits: Limits) -> None:
    """Draws a drive to ``path`` (.png, 1600×1000 pixels; .svg and .pdf too).

    What there is no data of gets no panel. Raises MienError where the picture can't be drawn or written.
    """
    require_matplotlib()
    import matplotlib as mpl
    from matplotlib.figure import Figure

    page = _Page(drive, limits)
    panels = page.panels()
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI, layout="constrained")
        grid = figure.subplots(
            len(panels), sharex=True, squeeze=False, height_ratios=[panel.height for panel in panels]
        )[:, 0]
        for axes, panel in zip(grid, panels, strict=True):
            panel.draw(axes)
            page.mark_alarms(axes)
        page.finish(figure, grid[-1], title)
        try:
            figure.savefig(path)
        except OSError as error:
            raise MienError(f"{path}: cannot be written: {error.strerror or error}; name another --plot") from None
        except ValueError:
            raise MienError(f"{path}: no kind of picture that is known; name a .png, .svg or .pdf") from None


class _Page:
    """Everything on the page, from one drive's columns."""

    def __init__(self, drive: Drive, limits: Limits) -> None:
        columns = {name: np.asarray(column, dtype=np.float64) for name, column in drive.columns.items()}
        # A source that began anew has gone back in time.
        order = np.argsort(columns["t_s"], kind="stable")
        self._columns = {name: column[order] for name, column in columns.items()}
        self._t_s = self._columns["t_s"]
        self._limits = limits
        self._bars = drive.bars
        self._from_s = float(self._t_s[0]) if len(self._t_s) else 0.0
        self._until_s = max(float(self._t_s[-1]), self._from_s + 1) if len(self._t_s) else 1.0

    def panels(self) -> list[Panel]:
        """From what was judged to what it rests on; those that there is something for."""
        kinds = len({bar.kind for bar in self._bars})
        wanted = [
            (True, Panel(0.45 + 0.28 * max(kinds, 1), self._episodes)),
            (self._known("unknown"), Panel(1.7, self._eyes)),
            (self._known("perclos_60s", "perclos_180s"), Panel(1.0, self._perclos)),
            (self._known("fatigue"), Panel(0.9, self._fatigue)),
            (self._known("yaw_deg"), Panel(1.3, self._head)),
            (self._known("mouth_opening"), Panel(0.9, self._mouth)),
            (self._known("neutral"), Panel(1.4, self._expressions)),
            (self._known("speed_kmh"), Panel(0.9, self._speed)),
        ]
        return [panel for there, panel in wanted if there]

    def mark_alarms(self, axes: Axes) -> None:
        """A veil over a panel for as long as a warning or worse lasted, so that the eye finds what led to it."""
        for bar in self._bars:
            worst = SEVERITIES[bar.worst]
            if worst in ("warning", "critical"):
                axes.axvspan(bar.start_s, self._end_of(bar), color=_LADDER[worst][0], alpha=0.09, linewidth=0, zorder=0)

    def finish(self, figure: Figure, lowest: Axes, title: str) -> None:
        """Title, the key to the severities, and the time axis."""
        from matplotlib.patches import Patch
        from matplotlib.ticker import FuncFormatter, MultipleLocator

        span_s = self._until_s - self._from_s
        step_s = tick_step(span_s)
        lowest.set_xlim(self._from_s, self._until_s)
        # Ticks count from the drive's start, whatever its clock said then.
        lowest.xaxis.set_major_locator(MultipleLocator(step_s, offset=self._from_s))
        lowest.xaxis.set_major_formatter(FuncFormatter(lambda t_s, _: tick_text(t_s - self._from_s, span_s)))
        lowest.set_xlabel(f"time since the start, {tick_unit(span_s)}")
        figure.suptitle(title, x=0.01, ha="left", fontsize=12, color=_INK)
        told = {severity for bar in self._bars for _, severity in bar.steps}
        key = [
            Patch(facecolor=colour, hatch=hatch, edgecolor=_INK, linewidth=0.5, label=name)
            for name, (colour, hatch) in _LADDER.items()
            if name in told
        ]
        if key:
            key.append(Patch(facecolor=_QUIET, alpha=_PALE, label="pale: before it was recognized"))
        figure.legend(handles=key, loc="upper right", ncols=len(key) or 1, fontsize=9)
        figure.align_ylabels()

    def _episodes(self, axes: Axes) -> None:
        worst: dict[tuple[str, str], int] = {}
        for bar in self._bars:
            worst[bar.subject, bar.kind] = max(bar.worst, worst.get((bar.subject, bar.kind), 0))
        count = Counter((bar.subject, bar.kind) for bar in self._bars)
        rows = sorted(worst, key=lambda row: (row[0] != "driver", -worst[row], row[1]))
        for place, row in enumerate(rows):
            bars = sorted((bar for bar in self._bars if (bar.subject, bar.kind) == row), key=lambda bar: bar.start_s)
            for bar in bars:
                self._draw_bar(axes, bar, place)
            self._write_durations(axes, bars, place)
        names = [row[1].replace("_", " ") + (f" ×{count[row]}" if count[row] > 1 else "") for row in rows]
        axes.set_yticks(range(len(rows)), names)
        axes.set_ylim(max(len(rows), 1) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.set_ylabel("episodes")
        if not rows:
            axes.text(0.5, 0.5, "no episodes", transform=axes.transAxes, ha="center", va="center", color=_QUIET)

    def _draw_bar(self, axes: Axes, bar: Bar, place: int) -> None:
        end_s = self._end_of(bar)
        least_s = (self._until_s - self._from_s) / BINS * 3  # a bar that is too short to be seen is none
        end_s = max(end_s, bar.start_s + least_s)
        axes.barh(place, end_s - bar.start_s, left=bar.start_s, height=0.62, color="#ffffff", zorder=2)
        first = _LADDER[bar.steps[0][1]][0]
        axes.barh(place, end_s - bar.start_s, left=bar.start_s, height=0.62, color=first, alpha=_PALE, zorder=3)
        until_s = [from_s for from_s, _ in bar.steps[1:]] + [end_s]
        for (from_s, severity), to_s in zip(bar.steps, until_s, strict=True):
            colour, hatch = _LADDER[severity]
            left_s = min(from_s, end_s - least_s)
            width_s = min(to_s, end_s) - left_s
            axes.barh(
                place, width_s, left=left_s, height=0.62, color=colour, hatch=hatch, edgecolor=_INK, lw=0.4, zorder=4
            )

    def _write_durations(self, axes: Axes, bars: list[Bar], place: int) -> None:
        """How long each bar lasted: beside it or, where there is no room, in it or nowhere."""
        room_s = 0.05 * (self._until_s - self._from_s)
        for bar, following in zip(bars, [*bars[1:], None], strict=True):
            end_s = self._end_of(bar)
            text = duration(end_s - bar.start_s)
            free_until_s = self._until_s if following is None else following.start_s
            if free_until_s - end_s >= room_s:
                axes.annotate(text, (end_s, place), (4, 0), textcoords="offset points", va="center", fontsize=8)
            elif end_s - bar.start_s >= 1.5 * room_s:
                axes.annotate(
                    text, (end_s, place), (-5, 0), textcoords="offset points", va="center", ha="right", fontsize=8,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5}, zorder=5,
                )  # fmt: skip

    def _eyes(self, axes: Axes) -> None:
        times_s, _, unknown, _ = course(self._t_s, self._columns["unknown"])
        if np.nanmax(unknown) > 0.5:
            axes.fill_between(
                times_s, 0, 1, where=unknown > 0.5, step="post", transform=axes.get_xaxis_transform(),
                facecolor="#dedede", hatch="\\\\", edgecolor="#c4c4c4", linewidth=0, label="eyes unknown", zorder=1,
            )  # fmt: skip
        self._curve(axes, "openness", _FIRST, "openness")
        self._limit(axes, self._limits.open_above, "open above")
        self._limit(axes, self._limits.closed_below, "closed below")
        axes.set_ylim(-0.2, 1.4)
        self._label(axes, "eye openness")

    def _perclos(self, axes: Axes) -> None:
        self._curve(axes, "perclos_60s", _FIRST, "over 60 s")
        self._curve(axes, "perclos_180s", _SECOND, "over 180 s")
        self._limit(axes, self._limits.perclos_60s, "limit 60 s", _FIRST)
        self._limit(axes, self._limits.perclos_180s, "limit 180 s", _SECOND)
        axes.set_ylim(-0.01, max(0.3, self._highest("perclos_60s", "perclos_180s") * 1.1))
        self._label(axes, "PERCLOS")

    def _fatigue(self, axes: Axes) -> None:
        self._curve(axes, "fatigue", "#6a3d9a", "0 none, 100 most")
        axes.set_ylim(-3, 103)
        self._label(axes, "fatigue")

    def _head(self, axes: Axes) -> None:
        own = np.isfinite(self._columns["yaw_off_deg"]).sum() > 0.5 * np.isfinite(self._columns["yaw_deg"]).sum()
        which = "_off_deg" if own else "_deg"
        self._curve(axes, f"yaw{which}", _FIRST, "yaw (right +)")
        self._curve(axes, f"pitch{which}", _SECOND, "pitch (up +)")
        if own:
            for sign in (-1, 1):
                self._limit(axes, _times(self._limits.aside_deg, sign), "aside" if sign > 0 else None, _FIRST)
            self._limit(axes, _times(self._limits.down_deg, -1), "down", _SECOND)
        reach = max(30.0, self._highest(f"yaw{which}", f"pitch{which}") * 1.1)
        axes.set_ylim(-reach, reach)
        self._label(axes, "head, deg from\nown usual" if own else "head, deg from\nthe camera")

    def _mouth(self, axes: Axes) -> None:
        self._curve(axes, "mouth_opening", "#2a7f62", "gap / width")
        self._limit(axes, self._limits.yawn_opening, "yawn")
        axes.set_ylim(0, max(0.7, self._highest("mouth_opening") * 1.1))
        self._label(axes, "mouth")

    def _expressions(self, axes: Axes) -> None:
        times_s = np.linspace(self._from_s, self._until_s, BINS)
        rows = np.stack([self._sampled(self._columns[name], times_s) for name in EXPRESSIONS])
        axes.imshow(
            rows, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest", zorder=1,
            extent=(self._from_s, self._until_s, len(EXPRESSIONS) - 0.5, -0.5),
        )  # fmt: skip
        axes.set_yticks(range(len(EXPRESSIONS)), EXPRESSIONS, fontsize=8)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False)
        axes.set_ylabel("apparent\nexpression")

    def _speed(self, axes: Axes) -> None:
        self._curve(axes, "speed_kmh", _INK, "km/h")
        axes.set_ylim(0, max(60.0, self._highest("speed_kmh") * 1.1))
        self._label(axes, "speed")

    def _curve(self, axes: Axes, name: str, colour: str, label: str) -> None:
        times_s, low, middle, high = course(self._t_s, self._columns[name])
        if low is not high:
            axes.fill_between(times_s, low, high, color=colour, alpha=0.18, linewidth=0, zorder=2)
        axes.plot(times_s, middle, color=colour, linewidth=1.1, label=label, zorder=3)

    def _limit(self, axes: Axes, value: float | None, label: str | None, colour: str = _INK) -> None:
        if value is not None:
            text = None if label is None else f"{label} {abs(value):g}"
            axes.axhline(value, color=colour, linewidth=0.8, linestyle=(0, (4, 3)), label=text, zorder=2)

    def _label(self, axes: Axes, name: str) -> None:
        axes.set_ylabel(name)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8, handlelength=1.6)

    def _known(self, *names: str) -> bool:
        return any(bool(np.isfinite(self._columns[name]).any()) for name in names)

    def _highest(self, *names: str) -> float:
        return max(float(np.nanmax(np.abs(self._columns[name]), initial=0.0)) for name in names)

    def _end_of(self, bar: Bar) -> float:
        return self._until_s if bar.end_s is None else bar.end_s

    def _sampled(self, values: Floats, times_s: Floats) -> Floats:
        """The values that held at these times; NaN where none did."""
        at = np.clip(np.searchsorted(self._t_s, times_s, side="right") - 1, 0, None)
        return np.where(times_s - self._t_s[at] <= GAP_S, values[at], np.nan)


def course(t_s: Floats, values: Floats, *, bins: int = BINS) -> tuple[Floats, Floats, Floats, Floats]:
    """Times, and the values' low, middle and high at them: the samples, or bins where there are too many.

    t_s: ascending. No extreme is lost in a bin, and NaN only where a whole bin is. Where nothing was sampled for
    longer than GAP_S a NaN breaks the line.
    """
    if len(values) <= 2 * bins:
        gaps = np.flatnonzero(np.diff(t_s) > GAP_S) + 1
        samples = np.insert(values, gaps, np.nan)
        return np.insert(t_s, gaps, t_s[gaps - 1]), samples, samples, samples
    edges = np.linspace(t_s[0], t_s[-1], bins + 1)
    cuts = np.searchsorted(t_s, edges)
    cuts[-1] = len(values)
    low, middle, high = (np.full(bins, np.nan) for _ in range(3))
    for at in range(bins):
        known = values[cuts[at] : cuts[at + 1]]
        known = known[np.isfinite(known)]
        if known.size:
            low[at], middle[at], high[at] = known.min(), np.median(known), known.max()
    return (edges[:-1] + edges[1:]) / 2, low, middle, high


def duration(seconds: float) -> str:
    """As one says it: 19.6 s, 12:30 min, 2:05 h."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{tick_text(seconds, seconds)} {'min' if seconds < 3600 else 'h'}"


def _times(value: float | None, sign: int) -> float | None:
    return None if value is None else sign * value


def tick_step(span_s: float, *, most: int = 16) -> float:
    """How far apart, in seconds, at most so many ticks stand on an axis this long."""
    return next((step for step in _STEPS_S if span_s / step <= most), _STEPS_S[-1])


def tick_unit(span_s: float) -> str:
    """How times are written on an axis this long."""
    return "s" if span_s < 120 else "min:s" if span_s < 3600 else "h:min"


def tick_text(t_s: float, span_s: float) -> str:
    """Seconds as one reads them on an axis this long."""
    if span_s < 120:
        return f"{t_s:g}"
    if span_s < 3600:
        return f"{round(t_s) // 60}:{round(t_s) % 60:02d}"
    return f"{round(t_s) // 3600}:{round(t_s) // 60 % 60:02d}"
