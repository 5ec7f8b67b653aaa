"""How many frames have gone the whole way, and how old they were then."""

from __future__ import annotations

import time
from statistics import median


class Pace:
    """Gathers frames until it is asked for their rate and age, and begins anew then."""

    def __init__(self) -> None:
        self._since_s = time.monotonic()
        self._latencies_s: list[float] = []

    @property
    def seconds(self) -> float:
        """How long it has been gathering."""
        return time.monotonic() - self._since_s

    def frame(self, wall_time: float) -> float:
        """A frame taken at this Unix time is done; returns its age in seconds, 0 where the clock was set back."""
        latency_s = max(0.0, time.time() - wall_time)
        self._latencies_s.append(latency_s)
        return latency_s

    def read(self) -> tuple[float, float | None]:
        """Frames a second, and the median age in milliseconds, None without a frame; begins anew."""
        fps = len(self._latencies_s) / self.seconds
        latency_ms = median(self._latencies_s) * 1000 if self._latencies_s else None
        self._since_s = time.monotonic()
        self._latencies_s.clear()
        return fps, latency_ms
