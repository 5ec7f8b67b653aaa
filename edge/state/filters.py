"""Filters over irregular time: they take seconds, never a count of frames."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from math import exp
from statistics import median

import numpy as np
from numpy.typing import NDArray


class ExponentialFilter:
    """A first-order low pass over a vector, exact for a value that holds from one sample to the next.

    ``alpha = 1 − exp(−dt / tau)``: the same course in time at any frame rate, and after a gap much longer than
    ``tau`` the newest value alone.
    """

    def __init__(self, tau_s: float) -> None:
        self._tau_s = tau_s
        self._t_s = 0.0
        self._value: NDArray[np.float64] | None = None

    def update(self, t_s: float, value: NDArray[np.floating]) -> NDArray[np.float64]:
        """The smoothed vector at ``t_s``, the capture time of ``value`` in seconds; later than the last one's."""
        if self._value is None:
            self._value = value.astype(np.float64)
        else:
            self._value = self._value + (1 - exp(-(t_s - self._t_s) / self._tau_s)) * (value - self._value)
        self._t_s = t_s
        return self._value


class TimeHistogram:
    """How long a quantity had which value: quantiles by time, in constant memory.

    low, high: the range; values outside it count at its ends. step: the width of a bin.
    """

    def __init__(self, low: float, high: float, step: float) -> None:
        self._low = low
        self._step = step
        self._seconds = np.zeros(round((high - low) / step))
        self.total_s = 0.0

    def add(self, value: float, dt_s: float) -> None:
        """The quantity had ``value`` for ``dt_s`` seconds."""
        place = int((value - self._low) / self._step)
        self._seconds[min(max(place, 0), len(self._seconds) - 1)] += dt_s
        self.total_s += dt_s

    def fade(self, share: float) -> None:
        """All that was added so far counts ``share`` (0..1) of what it did."""
        self._seconds *= share
        self.total_s *= share

    def quantile(self, share: float) -> float | None:
        """The value that was not exceeded for ``share`` (0..1) of the time; None before there was any."""
        if self.total_s <= 0:
            return None
        sums = self._seconds.cumsum()
        wanted = share * float(sums[-1])
        place = int(sums.searchsorted(wanted))
        below = float(sums[place - 1]) if place else 0.0
        within = (wanted - below) / float(self._seconds[place])
        return self._low + (place + within) * self._step

    def share(self, low: float, high: float) -> float:
        """The share (0..1) of the time with a value from ``low`` to ``high``, whole bins; 0 before there was any."""
        first = max(int((low - self._low) / self._step), 0)
        last = max(int((high - self._low) / self._step), 0)
        return float(self._seconds[first : last + 1].sum()) / self.total_s if self.total_s > 0 else 0.0


class RecentTimes:
    """Moments within the last ``window_s`` seconds, added in order of time."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._times: deque[float] = deque()

    def add(self, t_s: float) -> None:
        """It happened at ``t_s``."""
        self._times.append(t_s)

    def forget(self, t_s: float) -> None:
        """Forgets what lies before the window that ends at ``t_s``."""
        while self._times and self._times[0] < t_s - self._window_s:
            self._times.popleft()

    @property
    def count(self) -> int:
        """How often it happened within the window."""
        return len(self._times)


class SlidingSum:
    """The sum of what was added within the last ``window_s`` seconds."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._entries: deque[tuple[float, float]] = deque()
        self.total = 0.0

    def add(self, t_s: float, amount: float) -> None:
        """Adds ``amount`` at ``t_s`` and forgets what is older than the window."""
        self._entries.append((t_s, amount))
        self.total += amount
        while self._entries[0][0] <= t_s - self._window_s:
            self.total -= self._entries.popleft()[1]


class FrameRate:
    """Frames a second over the last ``window_s`` seconds; None until a quarter of that was seen.

    A camera that drops a frame now and then is no slower for it: a gap beyond 1.5 of the median gap counts for the
    frames that should have come in it. Worked out anew every quarter of the window.
    """

    def __init__(self, window_s: float = 2.0) -> None:
        self._window_s = window_s
        self._times: deque[float] = deque()
        self._fps: float | None = None
        self._found_s = 0.0

    def update(self, t_s: float) -> None:
        """A frame was taken at ``t_s``."""
        self._times.append(t_s)
        while self._times[0] < t_s - self._window_s:
            self._times.popleft()
        if t_s - self._times[0] < self._window_s / 4:
            self._fps = None
        elif self._fps is None or t_s - self._found_s >= self._window_s / 4:
            self._fps, self._found_s = self._find(), t_s

    @property
    def fps(self) -> float | None:
        """Frames a second, or None."""
        return self._fps

    def _find(self) -> float:
        gaps = [later - earlier for earlier, later in pairwise(self._times)]
        usual = median(gaps)
        return sum(max(round(gap / usual), 1) for gap in gaps) / (self._times[-1] - self._times[0])


def crossing(t0_s: float, value0: float, t1_s: float, value1: float, threshold: float) -> float:
    """When a straight line between two samples meets the threshold; ``t1_s`` where it does not in between."""
    if value0 == value1:
        return t1_s
    share = (threshold - value0) / (value1 - value0)
    return t0_s + share * (t1_s - t0_s) if 0 <= share <= 1 else t1_s
