"""Time that passes when told to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Clock:
    """Instead of ``time.monotonic``."""

    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s
