"""``mien watch``: follows devices on a broker and shows what they say, as lines, as JSON or as a dashboard."""

from edge.delivery.watch.contract import Contract, Findings
from edge.delivery.watch.lines import Lines, format_event
from edge.delivery.watch.message import Heard, Selection

__all__ = ["Contract", "Findings", "Heard", "Lines", "Selection", "format_event"]
