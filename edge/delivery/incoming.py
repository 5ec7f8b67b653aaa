"""What came from the broker, for those who listen: without MQTT's types, so that it can cross to another process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message that somebody published.

    retain: the broker's memory, of nobody knows when. answer_to, correlation: MQTT 5's response topic and correlation
    data. at_s: monotonic seconds when it came to this machine; None: just now.
    """

    topic: str
    payload: bytes
    retain: bool = False
    answer_to: str | None = None
    correlation: bytes | None = None
    at_s: float | None = None


#: Topics or filters, and who takes their messages; it must return at once and raise nothing.
Listeners = Mapping[str, Callable[[Incoming], None]]
