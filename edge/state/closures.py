"""From openness over time to closures of the eyes: hysteresis, short gaps bridged, unknown never counted as closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edge.state.eyes import EyeReading
from edge.state.filters import crossing
from edge.state.settings import EyeSettings

#: Why a closure is over; all but the first leave open whether the eyes are.
EndReason = Literal["eyes_opened", "eyes_lost", "driver_gone", "driver_changed", "recalibrated", "source_ended"]


@dataclass(slots=True)
class Closure:
    """A stretch of closed eyes, running or over.

    started_s: when they fell below the threshold, between two frames where both are known. last_closed_s: until when
    they were seen closed. closed_s: seconds for which they were known to be closed, bridged gaps included; less than
    the whole where they were out of sight. openness_s: openness summed over that time. lost: out of sight now.
    ended_s, reason: set once it is over.
    """

    started_s: float
    last_closed_s: float
    closed_s: float = 0.0
    openness_s: float = 0.0
    lost: bool = False
    ended_s: float | None = None
    reason: EndReason | None = None

    @property
    def duration_s(self) -> float:
        """From the onset to the end, or to when they were last seen closed."""
        return (self.last_closed_s if self.ended_s is None else self.ended_s) - self.started_s

    @property
    def mean_openness(self) -> float:
        """Over the time of known closed eyes; 0 before there was any."""
        return self.openness_s / self.closed_s if self.closed_s > 0 else 0.0

    def add_closed(self, until_s: float, openness: float) -> None:
        """The eyes were closed from ``last_closed_s`` until ``until_s``."""
        span = until_s - self.last_closed_s
        self.closed_s += span
        self.openness_s += span * openness
        self.last_closed_s = until_s

    def end(self, ended_s: float, reason: EndReason) -> None:
        """It is over since ``ended_s``."""
        self.ended_s, self.reason = ended_s, reason
        self.lost = reason == "eyes_lost" or (self.lost and reason != "eyes_opened")

    def confidence(self, t_s: float, closed_below: float) -> float:
        """0..1: the share of the time until ``t_s`` with eyes known to be closed, times a factor for how closed.

        The factor is 1 for a mean openness of 0 and falls to 0.5 at the threshold.
        """
        whole = (t_s if self.ended_s is None else self.ended_s) - self.started_s
        share = min(self.closed_s / whole, 1.0) if whole > 0 else 1.0
        depth = min(max(1 - self.mean_openness / closed_below, 0.0), 1.0)
        return share * (0.5 + 0.5 * depth)


class Closures:
    """One driver's closures.

    A closure starts when every known eye is below ``closed_below``, or their mean is and none of them is half-way to
    ``open_above``: one eye behind the edge of a lens may read a little too high, but a wink closes nothing. It ends
    when their mean stayed above ``open_above`` for ``open_hold_s``, and then at the moment at which it rose above. Time
    seen open is never counted as closed. Unknown up to ``bridge_s`` counts as closed only between closed and closed.
    Longer unknown ends a closure that is no microsleep yet: its eyes may have opened. One that is goes on, lost, for
    ``lost_limit_s``, because a sleeper's sinking head takes the eyes out of sight; unknown time does not make it
    longer.

    Lids between the two limits twitch, or squint in low sun after a blink. Of eyes that have slept already they count
    as closed, for ``lost_limit_s`` at the most; of others only for ``open_hold_s``, and after ``half_open_s`` they are
    open since they rose.
    """

    def __init__(self, settings: EyeSettings) -> None:
        self._settings = settings
        self._t_s: float | None = None
        self._known: tuple[float, EyeReading] | None = None
        self._opening_s: float | None = None
        self._half_s: float | None = None
        self.running: Closure | None = None
        self.eyes: Literal["open", "closed", "unknown"] = "unknown"

    @property
    def shut_now(self) -> bool:
        """Whether the newest reading itself is of closed eyes."""
        return self.eyes == "closed" and self._opening_s is None

    def update(self, t_s: float, reading: EyeReading | None) -> Closure | None:
        """Takes the reading at ``t_s``, later than the last one's; returns the closure that it ended, if any."""
        before = self._known if self._known is not None and self._known[0] == self._t_s else None
        ended = self._check_sight(t_s)
        self._t_s = t_s
        if reading is None:
            self.eyes = "unknown"
            return ended
        if before is not None and t_s - before[0] > self._settings.bridge_s:
            before = None
        if self.running is None:
            self._watch_open(t_s, reading, before)
        else:
            ended = self._watch_closed(self.running, t_s, reading, before) or ended
        self._known = (t_s, reading)
        self.eyes = "open" if self.running is None else "closed"
        return ended

    def finish(self, reason: EndReason) -> Closure | None:
        """Ends the closure that runs, if any, at when the eyes were last seen closed."""
        return self._end(self.running.last_closed_s, reason) if self.running is not None else None

    def _check_sight(self, t_s: float) -> Closure | None:
        """Ends or marks a closure whose eyes have been out of sight for too long to be bridged."""
        closure = self.running
        if closure is None or self._known is None or t_s - self._known[0] <= self._settings.bridge_s:
            return None
        # Whether eyes seen opening just before they went out of sight have stayed open is not known.
        self._opening_s = self._half_s = None
        if closure.closed_s < self._settings.microsleep_s or t_s - self._known[0] > self._settings.lost_limit_s:
            return self._end(closure.last_closed_s, "eyes_lost")
        closure.lost = True
        return None

    def _watch_open(self, t_s: float, reading: EyeReading, before: tuple[float, EyeReading] | None) -> None:
        threshold = self._settings.closed_below
        by_mean = reading.openness < threshold and reading.most_open < (threshold + self._settings.open_above) / 2
        if not by_mean and reading.most_open >= threshold:
            return
        start_s = t_s
        if before is not None and by_mean:
            start_s = crossing(before[0], before[1].openness, t_s, reading.openness, threshold)
        elif before is not None:
            start_s = crossing(before[0], before[1].most_open, t_s, reading.most_open, threshold)
        self.running = Closure(started_s=start_s, last_closed_s=start_s)
        self.running.add_closed(t_s, reading.openness)

    def _watch_closed(
        self, closure: Closure, t_s: float, reading: EyeReading, before: tuple[float, EyeReading] | None
    ) -> Closure | None:
        slept = closure.closed_s >= self._settings.microsleep_s
        half_s = self._half_open_s(closure, t_s, reading, before)
        if half_s > (self._settings.lost_limit_s if slept else self._settings.half_open_s):
            return self._end(t_s if slept else t_s - half_s, "eyes_opened")
        threshold = self._settings.open_above
        if reading.openness <= threshold:
            if self._opening_s is not None or closure.lost or (half_s > self._settings.open_hold_s and not slept):
                closure.last_closed_s = t_s
            else:
                closure.add_closed(t_s, reading.openness)
            self._opening_s = None
            closure.lost = False
            return None
        if self._opening_s is None:
            self._opening_s = t_s
            if before is not None and not closure.lost:
                self._opening_s = crossing(before[0], before[1].openness, t_s, reading.openness, threshold)
                closure.add_closed(self._opening_s, before[1].openness)
        if t_s - self._opening_s < self._settings.open_hold_s:
            return None
        return self._end(self._opening_s, "eyes_opened")

    def _half_open_s(
        self, closure: Closure, t_s: float, reading: EyeReading, before: tuple[float, EyeReading] | None
    ) -> float:
        """For how long the eyes have been above ``closed_below`` without a break."""
        threshold = self._settings.closed_below
        if reading.openness < threshold:
            self._half_s = None
            return 0.0
        if self._half_s is None:
            self._half_s = t_s
            if before is not None and not closure.lost:
                self._half_s = crossing(before[0], before[1].openness, t_s, reading.openness, threshold)
        return t_s - self._half_s

    def _end(self, ended_s: float, reason: EndReason) -> Closure | None:
        closure, self.running, self._opening_s, self._half_s = self.running, None, None, None
        if closure is not None:
            closure.end(ended_s, reason)
        return closure
