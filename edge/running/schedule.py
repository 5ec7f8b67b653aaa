"""The hours at which the camera is closed, whatever else holds."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from edge.events import system_clock_synced
from edge.settings import rule

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"\s*(?:([a-z,\s-]+?)\s+)?(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*", re.IGNORECASE)
_MIDNIGHT = 24 * 60


@dataclass(frozen=True, slots=True)
class Span:
    """Some hours of some days. days: on which it begins, Monday 0. begin, end: minutes after midnight.

    One that ends no later than it begins ends on the next day.
    """

    text: str
    days: frozenset[int]
    begin: int
    end: int

    def holds(self, local: datetime) -> bool:
        """Whether it is that time by a local clock. An hour that a clock shows twice is within it twice."""
        minute, today = local.hour * 60 + local.minute, local.weekday()
        if self.begin < self.end:
            return today in self.days and self.begin <= minute < self.end
        yesterday = (today - 1) % 7
        return (today in self.days and minute >= self.begin) or (yesterday in self.days and minute < self.end)


def parsed(text: str) -> Span:
    """The span that a text names, as ``22:00-07:00`` or ``sat,sun 00:00-24:00``; raises ValueError."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f'{text!r} is no span of hours: write "22:00-07:00", or "sat,sun 00:00-24:00"')
    begin, end = (int(found[k]) * 60 + int(found[k + 1]) for k in (2, 4))
    if int(found[3]) > 59 or int(found[5]) > 59 or begin >= _MIDNIGHT or end > _MIDNIGHT:
        raise ValueError(f"{text!r}: no clock shows that; hours go from 00:00 to 24:00")
    if begin == end:
        raise ValueError(f'{text!r} is no time at all: for a whole day write "00:00-24:00"')
    return Span(text.strip(), _days(found[1]) if found[1] else frozenset(range(7)), begin, end)


def _days(text: str) -> frozenset[int]:
    days: set[int] = set()
    for part in text.lower().split(","):
        first, _, last = (name.strip() for name in part.partition("-"))
        unknown = [name for name in (first, last or first) if name not in _DAYS]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no day: write {', '.join(_DAYS)}, or mon-fri")
        begin = _DAYS.index(first)
        days |= {(begin + k) % 7 for k in range((_DAYS.index(last or first) - begin) % 7 + 1)}
    return frozenset(days)


def _span(text: str) -> str:
    parsed(text)
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"{name!r} is no time zone that this machine knows: as Europe/Berlin; or install tzdata"
        ) from None
    return name


class ScheduleSettings(BaseModel):
    """The hours at which the camera is closed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    off: tuple[Annotated[str, AfterValidator(_span)], ...] = Field(
        default=(),
        title="Off",
        description='When the camera is closed: "22:00-07:00" each day, "sat,sun 00:00-24:00" or "mon-fri '
        '20:00-08:00" on some; a span past midnight belongs to the day on which it begins.',
    )
    time_zone: Annotated[str, AfterValidator(_zone)] | None = Field(
        default=None,
        title="Time zone",
        description="The zone of these hours, as Europe/Berlin, with its summer time; by default the machine's.",
    )
    trust_clock: bool = rule(
        False,
        "Trust the clock",
        "Whether the hours are believed of a clock that nothing is known to set: for a machine with a clock of its own "
        "and no network. Otherwise the camera stays closed, where there are hours, until the clock has been set.",
    )


class Schedule:
    """Says when the camera must be closed. now: Unix time. is_synced: whether the clock is known to be set.

    Once it was set it is believed until the program ends: a network that fails for a week moves a clock by seconds.
    """

    def __init__(
        self,
        settings: ScheduleSettings,
        *,
        now: Callable[[], float] = time.time,
        is_synced: Callable[[], bool] = system_clock_synced,
    ) -> None:
        self._spans = tuple(map(parsed, settings.off))
        self._zone = ZoneInfo(settings.time_zone) if settings.time_zone else None
        self._now = now
        self._is_synced = is_synced
        self._believed = settings.trust_clock

    def reason(self) -> str | None:
        """Why the camera must be closed now, in a few words; None where it need not."""
        if not self._spans:
            return None
        self._believed = self._believed or self._is_synced()
        if not self._believed:
            return "schedule: the clock is not known to be set"
        # Without a zone the C library's local time, summer time included.
        local = datetime.fromtimestamp(self._now(), self._zone)
        held = next((span for span in self._spans if span.holds(local)), None)
        return f"schedule: off {held.text}" if held else None
