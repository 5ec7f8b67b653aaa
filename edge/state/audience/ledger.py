"""What is known of each second of capture time, for the last hour and a little more.

Facts come late (that somebody has left shows seconds after) and are written where they belong. A window over whole
seconds, sliding or by the clock, is a sum over rows, so no second is ever counted twice or lost between two windows.
"""

from __future__ import annotations

from enum import IntEnum
from math import floor

import numpy as np

from edge.state.audience.types import Totals
from edge.vision.types import EXPRESSIONS

#: The longest window, and room for what comes late.
LONGEST_S = 3600
_KEPT_S = LONGEST_S + 300


class Column(IntEnum):
    """A second's figures; the expressions' seconds follow after the last."""

    OBSERVED = 0
    PRESENT = 1
    ATTENTIVE = 2
    ARRIVALS = 3
    DEPARTURES = 4
    ATTRACTED = 5
    DWELL = 6
    ATTENTION = 7
    PRESENT_AT = 8
    ATTENTIVE_AT = 9
    EXPRESSION = 10


class Ledger:
    """A ring of rows, one a second; the second ``k`` reaches from ``k`` to before ``k + 1``."""

    def __init__(self) -> None:
        self._rows = np.zeros((_KEPT_S, Column.EXPRESSION + len(EXPRESSIONS)))
        self._newest: int | None = None

    def advance(self, t_s: float) -> None:
        """It is ``t_s`` now; nothing may be written to later seconds."""
        now = floor(t_s)
        if self._newest is not None:
            fresh = range(max(self._newest + 1, now - _KEPT_S + 1), now + 1)
            self._rows[[k % _KEPT_S for k in fresh]] = 0.0
        self._newest = now

    def count(self, column: Column, t_s: float, amount: float = 1.0) -> None:
        """Something that happened at one moment."""
        self._add(floor(t_s), column, amount)

    def last(self, column: int, from_s: float, to_s: float) -> None:
        """Something that lasted: its seconds, each where it belongs."""
        k = floor(from_s)
        while k < to_s:
            self._add(k, column, min(to_s, k + 1) - max(from_s, k))
            k += 1

    def stand(self, column: Column, from_s: float, to_s: float) -> None:
        """Something that went on at the start of each second after ``from_s``, up to ``to_s``."""
        for k in range(floor(from_s) + 1, floor(to_s) + 1):
            self._add(k, column, 1.0)

    def totals(self, first: int, beyond: int) -> Totals:
        """Of the seconds from ``first`` to before ``beyond``, as far as they are kept."""
        if self._newest is None:
            return Totals()
        first, beyond = max(first, self._newest - _KEPT_S + 1), min(beyond, self._newest + 1)
        if first >= beyond:
            return Totals()
        rows = self._rows[np.arange(first, beyond) % _KEPT_S]
        sums = rows.sum(axis=0)
        return Totals(
            observed_s=float(sums[Column.OBSERVED]),
            present_s=float(sums[Column.PRESENT]),
            attentive_s=float(sums[Column.ATTENTIVE]),
            arrivals=int(sums[Column.ARRIVALS]),
            departures=int(sums[Column.DEPARTURES]),
            attracted=int(sums[Column.ATTRACTED]),
            dwell_s=float(sums[Column.DWELL]),
            attention_s=float(sums[Column.ATTENTION]),
            expression_s=tuple(float(seconds) for seconds in sums[Column.EXPRESSION :]),
            present_at_start=int(rows[0, Column.PRESENT_AT]),
            peak_present=int(rows[:, Column.PRESENT_AT].max()),
            peak_attentive=int(rows[:, Column.ATTENTIVE_AT].max()),
        )

    def _add(self, k: int, column: int, amount: float) -> None:
        # After a pause of hours some of it belongs to seconds whose rows are others' by now.
        if self._newest is not None and k > self._newest - _KEPT_S:
            self._rows[k % _KEPT_S, column] += amount
