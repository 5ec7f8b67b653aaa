"""One number for how tired a driver seems: a summary for a gauge, no medical score and no KSS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edge.state.closures import Closure
from edge.state.filters import RecentTimes
from edge.state.settings import FatigueSettings

#: Microsleeps are looked back upon for as long as yawns and nods are.
WINDOW_S = 300.0


@dataclass(frozen=True, slots=True)
class Signs:
    """What the score is made of; None is unknown.

    perclos_60s, perclos_180s: as of ``DriverState``. microsleeps, yawns, nods: in the last 5 minutes. long_blinks,
    blink_mean_s: of the last minute.
    """

    perclos_60s: float | None
    perclos_180s: float | None = None
    microsleeps: int = 0
    long_blinks: int | None = None
    blink_mean_s: float | None = None
    yawns: int | None = None
    nods: int | None = None


def fatigue(signs: Signs, settings: FatigueSettings) -> float | None:
    """The score, 0 (no sign) to 100; None where PERCLOS over the last minute is unknown.

    ``100 × (1 − Π (1 − weight × strength))`` over the signs, where a sign's strength rises in a straight line from 0,
    where it starts to speak, to 1, where it says all it can. So no sign can lower the score, each alone can raise it
    to 100 × its weight and no further, and signs that agree add up without passing 100. PERCLOS is the larger of the
    two, so that one good minute does not wipe out three bad ones; what else is unknown says nothing.
    """
    if signs.perclos_60s is None:
        return None
    left = 1.0
    for weight, strength in _strengths(signs, signs.perclos_60s, settings):
        left *= 1.0 - weight * min(max(strength, 0.0), 1.0)
    return 100.0 * (1.0 - left)


def _strengths(signs: Signs, perclos_60s: float, settings: FatigueSettings) -> Iterator[tuple[float, float]]:
    yield settings.perclos_weight, max(perclos_60s, signs.perclos_180s or 0.0) / settings.perclos_full
    yield settings.microsleep_weight, signs.microsleeps / settings.microsleeps_full
    yield settings.long_blink_weight, (signs.long_blinks or 0) / settings.long_blinks_full
    slow_s = (signs.blink_mean_s or 0.0) - settings.blink_mean_none_s
    yield settings.blink_mean_weight, slow_s / (settings.blink_mean_full_s - settings.blink_mean_none_s)
    yield settings.yawn_weight, (signs.yawns or 0) / settings.yawns_full
    yield settings.nod_weight, (signs.nods or 0) / settings.nods_full


class Microsleeps:
    """How many closures of the last five minutes were long enough for a microsleep; the one that runs counts too."""

    def __init__(self, microsleep_s: float) -> None:
        self._microsleep_s = microsleep_s
        self._recent = RecentTimes(WINDOW_S)
        self._counted: Closure | None = None

    @property
    def count(self) -> int:
        """How many within the window."""
        return self._recent.count

    def update(self, t_s: float, closure: Closure | None) -> None:
        """Takes the closure that runs at ``t_s``."""
        self._recent.forget(t_s)
        if closure is None or closure is self._counted or closure.closed_s < self._microsleep_s:
            return
        self._counted = closure
        self._recent.add(closure.started_s)
