"""All visitors before one camera, and what they come to over time."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping
from math import floor

from edge.state.audience.ledger import Column, Ledger
from edge.state.audience.types import AudienceState, Totals
from edge.state.audience.visit import Visit
from edge.state.settings.audience import VisitorSettings
from edge.state.types import Episode
from edge.vision.types import Face

#: More than this between two frames: nobody saw what happened meanwhile.
MAX_FRAME_S = 1.0


class Audience:
    """The visitors, each by its face's track, forgotten when it has left.

    Pure: its only clock is the frames' capture time. over: the source has ended; nothing more will come.
    """

    def __init__(self, settings: VisitorSettings, rng: random.Random) -> None:
        self._settings = settings
        self._rng = rng
        self._ledger = Ledger()
        self._visits: dict[str, Visit] = {}
        self._t_s: float | None = None
        self.over = False
        # A visit may be out of sight, or wait its turn, for gone_s, just before it is known to be one or to look.
        self._late_s = settings.gone_s + max(2 * settings.arrive_s, settings.attend_s + settings.glance_s)

    def update(
        self,
        t_s: float,
        faces: Iterable[Face],
        expressions: Mapping[str, str | None],
        unread: Collection[str] = (),
    ) -> list[Episode]:
        """Takes the faces in sight at ``t_s``, later than before; returns what is to be told of single visits.

        expressions: each face's label by its track, where one is known. unread: the tracks of those who are followed
        but were not read, as others' turn had come.
        """
        self._ledger.advance(t_s)
        dt_s = 0.0 if self._t_s is None else t_s - self._t_s
        if self._t_s is not None and dt_s <= MAX_FRAME_S:
            self._ledger.last(Column.OBSERVED, self._t_s, t_s)
        self._t_s = t_s
        for track in unread:
            if track in self._visits:
                self._visits[track].wait(dt_s)
        changes = self._end([track for track, visit in self._visits.items() if visit.over(t_s, waits=track in unread)])
        for face in faces:
            visit = self._visits.get(face.track_id)
            if visit is None:
                visit = self._visits[face.track_id] = Visit(self._settings, self._ledger, self._rng, t_s)
            changes += visit.see(t_s, face.pose, expressions.get(face.track_id))
        return changes

    def finish(self) -> list[Episode]:
        """The source has ended: all visits end when they were last seen."""
        self.over = True
        return self._end(list(self._visits))

    @property
    def state(self) -> AudienceState | None:
        """The audience now; None before the first observation."""
        if self._t_s is None:
            return None
        here = [visit for visit in self._visits.values() if visit.real]
        return AudienceState(
            self._t_s,
            present=len(here),
            attentive=sum(visit.paying for visit in here),
            smiling=sum(visit.smiling for visit in here),
        )

    @property
    def settled_s(self) -> float | None:
        """What happened before is known for good; None before the first observation."""
        if self._t_s is None:
            return None
        return floor(self._t_s) + 1.0 if self.over else self._t_s - self._late_s

    def totals(self, first: int, beyond: int) -> Totals:
        """Of the capture time's whole seconds from ``first`` to before ``beyond``, of the last hour at most."""
        return self._ledger.totals(first, beyond)

    def sliding(self, seconds: int) -> Totals:
        """Of the last so many whole seconds that are known for good, 3600 at most."""
        if self.settled_s is None:
            return Totals()
        beyond = floor(self.settled_s)
        return self._ledger.totals(beyond - seconds, beyond)

    def _end(self, tracks: Iterable[str]) -> list[Episode]:
        changes = []
        for track in tracks:
            changes += self._visits.pop(track).finish(self._t_s or 0.0)
        return changes
