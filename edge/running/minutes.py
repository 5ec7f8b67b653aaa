"""Cuts the capture time of an audience into minutes by the wall clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor

from edge.events import ClockMapping
from edge.events.windows import Minute, Totals
from edge.state.audience import Audience

#: A wall clock that moves by more than this against the capture time was set; less is a clock that is trimmed.
_SET_S = 2.0


@dataclass(slots=True)
class _Part:
    """Whole seconds of capture time that belong to a minute: from ``first`` to before ``beyond``."""

    run: str
    start: int
    first: int
    beyond: int
    synced: bool


class Minutes:
    """Follows an audience; hands each of its minutes over when it is over, and once more when it is known for good.

    keep: takes a minute with the run it belongs to, and whether it is for good. A run ends where the wall clock is set,
    so that an hour that a clock shows twice is two. Each second of capture time belongs to one minute alone.
    """

    def __init__(self, boot: str, keep: Callable[[str, Minute, bool], None]) -> None:
        self._boot = boot
        self._keep = keep
        self._runs = 0
        self._audience: Audience | None = None
        self._zero_s = 0.0
        self._now: _Part | None = None
        self._unsettled: list[_Part] = []

    def follow(self, audience: Audience, clock: ClockMapping) -> None:
        """The audience after a frame, and the wall clock then."""
        if audience.state is None:
            return
        second = floor(audience.state.t_s)
        if audience is not self._audience:
            self.close()
            self._audience = audience
        elif self._now is not None and abs(clock.zero_wall_s - self._zero_s) > _SET_S:
            self._turn(second)
            self._now = None
        self._zero_s = clock.zero_wall_s
        start = floor((second + self._zero_s) / 60) * 60
        if self._now is None:
            self._runs += 1
            self._now = _Part(f"{self._boot}:{self._runs}", start, second, second, clock.synced)
        self._now.synced &= clock.synced
        while self._now.start < start:
            self._turn(min(max(ceil(self._now.start + 60 - self._zero_s), self._now.first), second))
            self._now.synced = clock.synced
        self._settle(audience)

    def close(self) -> None:
        """The audience is over: its last minute is handed over as far as it went."""
        if self._audience is None or self._audience.state is None:
            return
        if self._now is not None:
            self._turn(floor(self._audience.state.t_s) + 1)
        self._settle(self._audience)
        self._audience, self._now = None, None

    def _turn(self, beyond: int) -> None:
        """The running minute ends before the second ``beyond``; another begins there."""
        part, audience = self._now, self._audience
        if part is None or audience is None:
            return
        self._now = _Part(part.run, part.start + 60, beyond, beyond, part.synced)
        part.beyond = beyond
        if part.first < beyond:
            self._unsettled.append(part)
            self._hand_over(part, audience, settled=False)

    def _settle(self, audience: Audience) -> None:
        settled_s = audience.settled_s
        while self._unsettled and settled_s is not None and self._unsettled[0].beyond <= settled_s:
            self._hand_over(self._unsettled.pop(0), audience, settled=True)

    def _hand_over(self, part: _Part, audience: Audience, *, settled: bool) -> None:
        totals = audience.totals(part.first, part.beyond)
        if totals != Totals():
            self._keep(part.run, Minute(part.start, part.synced, totals), settled)
