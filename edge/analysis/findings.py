"""A clip in a few figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from edge.daemon import Step
from edge.state import People

#: A longer gap between two frames says nothing of what was shown meanwhile.
_GAP_S = 1.0


@dataclass(frozen=True, slots=True)
class Findings:
    """Shares are of time; None is not known.

    most_faces: at once. expression_shares: of the time that faces' expressions were known, the largest first; "unsure"
    where no expression held. eyes_known_share: of the clip. eyes_closed_share: of the time the eyes were known.
    blinks: None where frames come too seldom to count them, or eyes were readable too briefly. highest_perclos_60s:
    None where never a minute was known well enough.
    """

    most_faces: int
    expression_shares: Mapping[str, float]
    eyes_known_share: float | None
    eyes_closed_share: float | None
    blinks: int | None
    blinks_per_minute: float | None
    highest_perclos_60s: float | None


class Gatherer:
    """Works the findings out, step by step."""

    def __init__(self) -> None:
        self._t_s: float | None = None
        self._total_s = self._known_s = self._closed_s = 0.0
        self._shown_s: defaultdict[str, float] = defaultdict(float)
        self._most = self._blinks = 0
        self._last_blink_s = -1.0
        self._counted = self._driver = False
        self._perclos: float | None = None

    def __call__(self, step: Step, people: People) -> None:
        """A frame, and what the rules made of it."""
        if step.observation is None:
            return
        t_s = step.observation.t_s
        dt_s = 0.0 if self._t_s is None or t_s - self._t_s > _GAP_S else t_s - self._t_s
        self._t_s = t_s
        self._total_s += dt_s
        self._most = max(self._most, len(step.observation.faces))
        for state in people.expressions():
            self._shown_s[state.label or "unsure"] += dt_s
        driver = people.driver()
        if driver is None:
            return
        self._driver = True
        self._known_s += dt_s * (driver.eyes != "unknown")
        self._closed_s += dt_s * (driver.eyes == "closed")
        self._counted = self._counted or driver.blinks is not None
        for blink in people.blinks():
            if blink.started_s > self._last_blink_s:
                self._blinks, self._last_blink_s = self._blinks + 1, blink.started_s
        if driver.perclos_60s is not None:
            self._perclos = max(driver.perclos_60s, self._perclos or 0.0)

    def findings(self) -> Findings:
        """What it came to."""
        shown_s = sum(self._shown_s.values())
        shares = {name: each_s / shown_s for name, each_s in self._shown_s.items() if each_s > 0}
        return Findings(
            most_faces=self._most,
            expression_shares=dict(sorted(shares.items(), key=lambda share: -share[1])),
            eyes_known_share=self._known_s / self._total_s if self._driver and self._total_s else None,
            eyes_closed_share=self._closed_s / self._known_s if self._known_s else None,
            blinks=self._blinks if self._counted else None,
            blinks_per_minute=self._blinks * 60 / self._known_s if self._counted and self._known_s else None,
            highest_perclos_60s=self._perclos,
        )
