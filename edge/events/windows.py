"""What is told of an audience: counts and means of windows by the clock, and nothing that too few people make up.

A count from 1 to below the floor is ``null``, and so is what fewer people than the floor make up: the threshold rule of
statistical offices, "some agencies require at least five respondents in a cell, others require three" (OECD Glossary
of Statistical Terms, "Threshold rule"). An hour holds the minutes that are told as well, so a count is also ``null``
where what its hidden minutes hold together, the difference that anybody could take, lies below the floor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from edge.events.audience import WINDOWS, AudienceSnapshot, AudienceWindow, WindowName
from edge.state.audience.types import Totals, joined

__all__ = ["Minute", "Totals", "snapshot", "sum_told", "windows"]

#: Counts in which a visit appears once, so that those of parts add up to that of the whole.
_ADDED = ("arrivals", "departures", "attracted")
_LOOKERS = "lookers"


@dataclass(frozen=True, slots=True)
class Minute:
    """A minute by the clock. start: Unix time of it. synced: whether the clock was known to be set."""

    start: int
    synced: bool
    totals: Totals


def snapshot(
    time: datetime,
    now: tuple[int, int] | None,
    windows: Mapping[str, AudienceWindow],
    *,
    synced: bool,
    floor: int,
) -> AudienceSnapshot:
    """The message for the audience. now: how many are present and attentive; None while nobody watches."""
    present, attentive = now or (None, None)
    hidden = _small(present or 0, floor) or _small(attentive or 0, floor)
    return AudienceSnapshot(
        time=time,
        time_synced=synced,
        watching=now is not None,
        present=None if _small(present or 0, floor) else present,
        attentive=None if _small(attentive or 0, floor) else attentive,
        suppressed=hidden,
        windows=dict(windows),
    )


def windows(minutes: Iterable[Minute], name: WindowName, floor: int) -> list[AudienceWindow]:
    """The windows of one length that these minutes make up, in order; those without any are left out.

    What is told of a window is the same whichever length is asked for. The minutes must make up whole windows.
    """
    made = sorted((_leaf(minute, floor) for minute in _one_each(minutes)), key=lambda window: window.start)
    for length in WINDOWS.values():
        if length > 60:
            made = _within(made, length, floor)
        if length == WINDOWS[name]:
            break
    return [_message(window, WINDOWS[name], floor) for window in made]


def sum_told(minutes: Iterable[Minute], seconds: int, floor: int) -> AudienceWindow | None:
    """All of these minutes as one window, beside which their hours are told; None without any."""
    made = sorted((_leaf(minute, floor) for minute in _one_each(minutes)), key=lambda window: window.start)
    for length in (900, 3600):
        made = _within(made, length, floor)
    return _message(_whole(made, made[0].start, floor), seconds, floor) if made else None


@dataclass(frozen=True, slots=True)
class _Window:
    """hidden: the counts that are not told. unknown: how many of each nobody can tell from what is told within."""

    start: int
    synced: bool
    totals: Totals
    hidden: frozenset[str]
    unknown: Mapping[str, int]


def _small(count: int, floor: int) -> bool:
    return 0 < count < floor


def _one_each(minutes: Iterable[Minute]) -> list[Minute]:
    """A minute may have come in parts, when the program started anew in it or the clock was set."""
    by_start: dict[int, list[Minute]] = {}
    for minute in minutes:
        by_start.setdefault(minute.start, []).append(minute)
    return [
        Minute(start, all(part.synced for part in parts), joined([part.totals for part in parts]))
        for start, parts in by_start.items()
    ]


def _lookers(totals: Totals) -> int:
    """How many people at least have looked at the screen; 1 where it was nobody for a whole second."""
    return max(totals.attracted, totals.peak_attentive, totals.attentive_s > 0)


def _leaf(minute: Minute, floor: int) -> _Window:
    counts = {name: getattr(minute.totals, name) for name in _ADDED} | {_LOOKERS: _lookers(minute.totals)}
    hidden = frozenset(name for name, count in counts.items() if _small(count, floor))
    unknown = {name: count if name in hidden else 0 for name, count in counts.items()}
    return _Window(minute.start, minute.synced, minute.totals, hidden, unknown)


def _within(parts: Iterable[_Window], length: int, floor: int) -> list[_Window]:
    by_start: dict[int, list[_Window]] = {}
    for part in parts:
        by_start.setdefault(part.start - part.start % length, []).append(part)
    return [_whole(group, start, floor) for start, group in by_start.items()]


def _whole(parts: list[_Window], start: int, floor: int) -> _Window:
    totals = joined([part.totals for part in parts])
    counts = {name: getattr(totals, name) for name in _ADDED} | {_LOOKERS: _lookers(totals)}
    left = {name: sum(part.unknown[name] for part in parts) for name in _ADDED}
    # The same person may look in several minutes: of those that hide it, the fullest tells how many at least.
    left[_LOOKERS] = max(part.unknown[_LOOKERS] for part in parts)
    hidden = frozenset(name for name, count in counts.items() if _small(count, floor) or _small(left[name], floor))
    unknown = {name: count if name in hidden else 0 for name, count in left.items()}
    return _Window(start, all(part.synced for part in parts), totals, hidden, unknown)


def _message(window: _Window, seconds: int, floor: int) -> AudienceWindow:
    totals, hidden = window.totals, window.hidden
    few = "arrivals" in hidden or _small(totals.visitors, floor)
    few_looked = _LOOKERS in hidden or few
    left = totals.departures if "departures" not in hidden else 0
    known_s = sum(totals.expression_s)
    shares = {name: round(s / known_s, 2) for name, s in totals.expressions.items()} if known_s else None
    return AudienceWindow(
        start=datetime.fromtimestamp(window.start, UTC),
        seconds=seconds,
        time_synced=window.synced,
        observed_s=round(totals.observed_s, 1),
        visitors=None if few else totals.visitors,
        **{name: None if name in hidden else getattr(totals, name) for name in _ADDED},
        peak_present=None if few or _small(totals.peak_present, floor) else totals.peak_present,
        mean_present=round(totals.present_s / totals.observed_s, 2) if totals.observed_s and not few else None,
        mean_dwell_s=round(totals.dwell_s / left, 1) if left else None,
        mean_attention_s=round(totals.attention_s / left, 1) if left else None,
        attentive_share=round(totals.attentive_s / totals.present_s, 2)
        if totals.present_s and not few_looked
        else None,
        expressions=None if few_looked else shares,
        suppressed=bool(hidden) or few or _small(totals.peak_present, floor),
    )
