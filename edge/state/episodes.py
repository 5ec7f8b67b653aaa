"""An episode while it runs."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from edge.state.types import Episode, Measure, Phase, Sensing, Severity, Subject


def new_id(rng: random.Random) -> str:
    """A UUID of version 4, the same again from a generator seeded the same."""
    return str(UUID(int=rng.getrandbits(128), version=4))


@dataclass(frozen=True, slots=True)
class Running:
    """What all changes of one episode share; see ``types.Episode``."""

    subject: Subject
    kind: str
    severity: Severity
    episode_id: str
    track_id: str | None
    started_s: float

    def change(
        self,
        phase: Phase,
        t_s: float,
        *,
        confidence: float,
        sensing: Sensing,
        measures: Mapping[str, Measure],
        ended_s: float | None = None,
    ) -> Episode:
        """The change that is recognized at ``t_s``; ``ended_s`` goes with phase ``end``."""
        return Episode(
            subject=self.subject,
            kind=self.kind,
            phase=phase,
            episode_id=self.episode_id,
            severity=self.severity,
            t_s=t_s,
            started_s=self.started_s,
            duration_s=(t_s if ended_s is None else ended_s) - self.started_s,
            confidence=confidence,
            sensing=sensing,
            track_id=self.track_id,
            ended_s=ended_s,
            measures=measures,
        )
