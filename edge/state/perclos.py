"""PERCLOS: the share of time for which the eyes were closed, blinks left out (Wierwille et al. 1994)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from edge.state.closures import Closure

MINUTE_S = 60.0
LONG_S = 180.0
#: Spans that lie no further apart than time stamps round are one.
SAME_S = 1e-6


@dataclass(frozen=True, slots=True)
class ClosedShare:
    """PERCLOS over one window.

    closed: share of the known time, None where too little is known. known: share of the window.
    """

    closed: float | None
    known: float


#: Before anything was seen.
NOTHING_KNOWN = ClosedShare(None, 0.0)


class CoveredTime:
    """How much of the last ``window_s`` seconds is covered by spans that are added in order of time.

    Spans that touch become one, so that memory grows with the gaps between them, not with frames.
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._spans: deque[tuple[float, float]] = deque()
        self._total_s = 0.0

    def add(self, start_s: float, end_s: float) -> None:
        """Covers this span, less what the last one covers already."""
        if self._spans:
            last_start_s, last_end_s = self._spans[-1]
            start_s = max(start_s, last_end_s)
            if end_s > start_s and start_s - last_end_s < SAME_S:
                self._spans[-1] = (last_start_s, end_s)
                self._total_s += end_s - last_end_s
                return
        if end_s > start_s:
            self._spans.append((start_s, end_s))
            self._total_s += end_s - start_s

    def total_s(self, t_s: float) -> float:
        """Seconds covered within the window that ends at ``t_s``; forgets what lies before it."""
        oldest_s = t_s - self._window_s
        while self._spans and self._spans[0][0] < oldest_s:
            start_s, end_s = self._spans.popleft()
            self._total_s -= min(end_s, oldest_s) - start_s
            if end_s > oldest_s:
                self._spans.appendleft((oldest_s, end_s))
        return max(self._total_s, 0.0)


class _Window:
    """One window's known and closed time."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self.known = CoveredTime(window_s)
        self.closed = CoveredTime(window_s)

    def share(self, t_s: float, known_min: float) -> ClosedShare:
        known_s = self.known.total_s(t_s)
        known = min(known_s / self._window_s, 1.0)
        closed_s = self.closed.total_s(t_s)
        return ClosedShare(min(closed_s / known_s, 1.0) if known >= known_min else None, known)


class Perclos:
    """One driver's PERCLOS over the last 60 s and 180 s.

    A closure counts once its eyes were closed for longer than a blink, and then from its start. Of a closure only the
    time counts for which the eyes were known to be closed.
    """

    def __init__(self, known_min: float, blink_max_s: float) -> None:
        self._known_min = known_min
        self._blink_max_s = blink_max_s
        self._windows = (_Window(MINUTE_S), _Window(LONG_S))
        self._closure: Closure | None = None
        self._closed_s = 0.0
        self._pending: list[tuple[float, float]] = []
        self.minute = NOTHING_KNOWN
        self.long = NOTHING_KNOWN

    def update(self, t_s: float, known_s: float, ended: Closure | None, running: Closure | None) -> None:
        """A frame at ``t_s``: how long the eyes were readable since the last, and the closures, over and running."""
        known_from_s = t_s - known_s
        for closure in (ended, running):
            if closure is not None:
                # A short gap that was bridged counts as closed, so it must count as known.
                known_from_s = min(known_from_s, self._follow(closure))
        for window in self._windows:
            window.known.add(known_from_s, t_s)
        self.minute, self.long = (window.share(t_s, self._known_min) for window in self._windows)

    def _follow(self, closure: Closure) -> float:
        """Takes in by how much the closure has grown since the last frame; returns from when on."""
        if closure is not self._closure:
            self._closure, self._closed_s, self._pending = closure, 0.0, []
        grown_s = closure.closed_s - self._closed_s
        self._closed_s = closure.closed_s
        span = (closure.last_closed_s - grown_s, closure.last_closed_s)
        self._pending.append(span)
        if closure.closed_s > self._blink_max_s:
            for window in self._windows:
                for start_s, end_s in self._pending:
                    window.closed.add(start_s, end_s)
            self._pending = []
        return span[0]
