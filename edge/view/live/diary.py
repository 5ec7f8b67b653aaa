"""The last episodes, for who opens the page after they were."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from edge.events import Event

#: How many are kept, running ones included; a page is no archive.
KEPT = 20


class Diary:
    """Follows events and keeps the newest episodes, each by what its last event said."""

    def __init__(self) -> None:
        self._episodes: dict[str, dict[str, Any]] = {}

    def add(self, events: Iterable[Event]) -> None:
        """Takes events in."""
        for event in events:
            data = event.data
            self._episodes[data.episode_id] = {
                "id": data.episode_id,
                "subject": event.subject,
                "kind": data.kind,
                "severity": data.severity,
                "started": data.started_at.timestamp(),
                "told": event.time.timestamp(),
                "ended": None if data.ended_at is None else data.ended_at.timestamp(),
                "seconds": round(data.duration_s, 2),
                "track": data.track_id,
                "reason": data.measures.get("reason"),
            }
        while len(self._episodes) > KEPT:
            over = (key for key, episode in self._episodes.items() if episode["ended"] is not None)
            del self._episodes[next(over, next(iter(self._episodes)))]

    def text(self) -> str:
        """All of them as JSON, the newest first."""
        newest = sorted(self._episodes.values(), key=lambda episode: episode["started"], reverse=True)
        return json.dumps({"type": "episodes", "episodes": newest}, separators=(",", ":"))
