"""A driver's blinks: measures, never alerts."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from edge.state.closures import Closure
from edge.state.filters import FrameRate, SlidingSum
from edge.state.settings import EyeSettings

WINDOW_S = 60.0
#: Seconds of readable eyes within the window below which a rate would be noise.
MIN_KNOWN_S = 10.0


@dataclass(frozen=True, slots=True)
class Blink:
    """A closure that was too short for an alert and ended with eyes seen open."""

    started_s: float
    duration_s: float


class Blinks:
    """The blinks of the last minute; unknown below the least frame rate, as too many fall between two frames."""

    def __init__(self, settings: EyeSettings) -> None:
        self._settings = settings
        self._rate = FrameRate()
        self._known = SlidingSum(WINDOW_S)
        self._recent: deque[Blink] = deque()
        self._changed = True
        self._mean_s: float | None = None
        self._long = 0

    @property
    def fast_enough(self) -> bool:
        """Whether frames come often enough; a rate of 14.98 is meant to be 15."""
        return self._rate.fps is not None and round(self._rate.fps) >= self._settings.blink_min_fps

    @property
    def recent(self) -> tuple[Blink, ...]:
        """The blinks of the last minute, oldest first."""
        return tuple(self._recent)

    @property
    def per_minute(self) -> float | None:
        """Per minute of readable eyes, or None."""
        known = self._known.total
        return len(self._recent) * 60 / known if self.fast_enough and known >= MIN_KNOWN_S else None

    @property
    def mean_s(self) -> float | None:
        """Their mean duration, None without any."""
        self._sum_up()
        return self._mean_s

    @property
    def long(self) -> int:
        """How many of them are long."""
        self._sum_up()
        return self._long

    def update(self, t_s: float, known_s: float, ended: Closure | None) -> None:
        """A frame at ``t_s``: eyes readable for ``known_s`` seconds since the last, and the closure it ended."""
        self._rate.update(t_s)
        self._known.add(t_s, known_s)
        while self._recent and self._recent[0].started_s < t_s - WINDOW_S:
            self._recent.popleft()
            self._changed = True
        if ended is None or ended.reason != "eyes_opened" or not self.fast_enough:
            return
        if self._settings.blink_min_s <= ended.duration_s < self._settings.microsleep_s:
            self._recent.append(Blink(ended.started_s, ended.duration_s))
            self._changed = True

    def _sum_up(self) -> None:
        """Works out the sums anew, where a blink came or went: they are asked for with every frame."""
        if self._changed:
            self._changed = False
            durations = [blink.duration_s for blink in self._recent]
            self._mean_s = sum(durations) / len(durations) if durations else None
            self._long = sum(duration > self._settings.blink_max_s for duration in durations)
