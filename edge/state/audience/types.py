"""What is counted of an audience."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.vision.types import EXPRESSIONS


@dataclass(frozen=True, slots=True)
class AudienceState:
    """The audience now. present: visitors; attentive: those of them who look; smiling: those who show happiness."""

    t_s: float
    present: int
    attentive: int
    smiling: int


@dataclass(frozen=True, slots=True)
class Totals:
    """What a stretch of time came to.

    observed_s: seconds that the camera showed. present_s, attentive_s: seconds of all visitors together. arrivals,
    departures: visits that began and that ended in it. attracted: visits that paid attention for the first time.
    dwell_s, attention_s: how long the visits that ended in it had lasted, and had paid attention, in all.
    expression_s: of attentive_s, by expression in the order of EXPRESSIONS; the rest was not known. present_at_start:
    visits that went on when it began. peak_present, peak_attentive: the most at once, at its whole seconds.
    """

    observed_s: float = 0.0
    present_s: float = 0.0
    attentive_s: float = 0.0
    arrivals: int = 0
    departures: int = 0
    attracted: int = 0
    dwell_s: float = 0.0
    attention_s: float = 0.0
    expression_s: tuple[float, ...] = (0.0,) * len(EXPRESSIONS)
    present_at_start: int = 0
    peak_present: int = 0
    peak_attentive: int = 0

    @property
    def visitors(self) -> int:
        """Visits that went on at some time in it."""
        return self.present_at_start + self.arrivals

    @property
    def expressions(self) -> dict[str, float]:
        """``expression_s`` by name."""
        return dict(zip(EXPRESSIONS, self.expression_s, strict=True))


def joined(parts: Sequence[Totals]) -> Totals:
    """The totals of stretches that follow each other, in their order."""
    if not parts:
        return Totals()
    return Totals(
        observed_s=sum(part.observed_s for part in parts),
        present_s=sum(part.present_s for part in parts),
        attentive_s=sum(part.attentive_s for part in parts),
        arrivals=sum(part.arrivals for part in parts),
        departures=sum(part.departures for part in parts),
        attracted=sum(part.attracted for part in parts),
        dwell_s=sum(part.dwell_s for part in parts),
        attention_s=sum(part.attention_s for part in parts),
        expression_s=tuple(map(sum, zip(*(part.expression_s for part in parts), strict=True))),
        present_at_start=parts[0].present_at_start,
        peak_present=max(part.peak_present for part in parts),
        peak_attentive=max(part.peak_attentive for part in parts),
    )
