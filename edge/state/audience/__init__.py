"""Who is before the screen, who looks at it and for how long: counts, never who."""

from edge.state.audience.audience import Audience
from edge.state.audience.types import AudienceState, Totals, joined

__all__ = ["Audience", "AudienceState", "Totals", "joined"]
