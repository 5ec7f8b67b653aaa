"""One face's stay before the screen, from when it was first seen until it was last seen."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

from edge.state.audience.attention import Attention
from edge.state.audience.ledger import Column, Ledger
from edge.state.episodes import Running, new_id
from edge.state.settings.audience import VisitEvent, VisitorSettings
from edge.state.types import Episode, Measure, Phase, Severity
from edge.vision.types import EXPRESSIONS, HeadPose

#: The expression that counts as a smile.
_SMILE = "happiness"


class Visit:
    """Writes what is known of it to the ledger, from when it is ``real``: until then it may be a passer-by.

    real: it has lasted long enough to count. last_s: when its face was seen last. paying: whether it looks at the
    screen. smiling: whether it shows happiness.
    """

    def __init__(self, settings: VisitorSettings, ledger: Ledger, rng: random.Random, t_s: float) -> None:
        self._settings = settings
        self._ledger = ledger
        self._rng = rng
        self._first_s = self.last_s = t_s
        self._attention = Attention(settings)
        self._attention_s = 0.0
        self._attracted = False
        self._waiting: list[Callable[[], None]] = []  # what is to be written once it is real
        self._running: dict[VisitEvent, Running] = {}
        self._changes: list[Episode] = []
        self._id = new_id(rng) if settings.events else ""
        self.real = False
        self.smiling = False

    @property
    def paying(self) -> bool:
        """Whether it pays attention, as far as is known."""
        return self._attention.paying

    def over(self, t_s: float, *, waits: bool) -> bool:
        """Whether it has ended by ``t_s``; one that is not yet real ends sooner, unless others' turn has come."""
        return t_s - self.last_s > (self._settings.gone_s if self.real or waits else self._settings.arrive_s)

    def wait(self, seconds: float) -> None:
        """Its face was not read for so long, because others' turn had come."""
        self._attention.wait(seconds)

    def see(self, t_s: float, pose: HeadPose | None, expression: str | None) -> list[Episode]:
        """Its face is in sight; returns what that changes."""
        self._write(partial(self._ledger.last, Column.PRESENT, self.last_s, t_s))
        self._write(partial(self._ledger.stand, Column.PRESENT_AT, self.last_s, t_s))
        self.last_s = t_s
        if not self.real and t_s - self._first_s >= self._settings.arrive_s:
            self._arrive(t_s)
        self._attend(t_s, pose, expression)
        self._smile(t_s, expression)
        return self._take_changes()

    def finish(self, t_s: float) -> list[Episode]:
        """It has ended, as known at ``t_s``; returns what that changes."""
        if (ended_s := self._attention.finish()) is not None:
            self._tell("attention", Phase.END, t_s, ended_s)
        self._tell("smile", Phase.END, t_s, self.last_s)
        if self.real:
            dwell_s = self.last_s - self._first_s
            self._ledger.count(Column.DEPARTURES, self.last_s)
            self._ledger.count(Column.DWELL, self.last_s, dwell_s)
            self._ledger.count(Column.ATTENTION, self.last_s, self._attention_s)
            self._begin("left", self._first_s, self._id)
            measures: dict[str, Measure] = {"dwell_s": dwell_s, "attention_s": self._attention_s}
            self._tell("left", Phase.END, t_s, self.last_s, measures)
        return self._take_changes()

    def _arrive(self, t_s: float) -> None:
        self.real = True
        self._ledger.count(Column.ARRIVALS, self._first_s)
        self._begin("arrived", self._first_s, self._id)
        self._tell("arrived", Phase.START, t_s)
        for write in self._waiting:
            write()
        self._waiting.clear()

    def _attend(self, t_s: float, pose: HeadPose | None, expression: str | None) -> None:
        look = self._attention.update(t_s, pose)
        if look.ended_s is not None:
            self._write(partial(self._tell, "attention", Phase.END, t_s, look.ended_s))
        if look.began_s is not None:
            if not self._attracted:
                self._attracted = True
                self._write(partial(self._ledger.count, Column.ATTRACTED, look.began_s))
            self._write(partial(self._start, "attention", look.began_s, t_s))
        if look.paid is not None:
            from_s, to_s = look.paid
            self._attention_s += to_s - from_s
            self._write(partial(self._ledger.last, Column.ATTENTIVE, from_s, to_s))
            self._write(partial(self._ledger.stand, Column.ATTENTIVE_AT, from_s, to_s))
            if expression is not None:
                column = Column.EXPRESSION + EXPRESSIONS.index(expression)
                self._write(partial(self._ledger.last, column, from_s, to_s))

    def _smile(self, t_s: float, expression: str | None) -> None:
        was_smiling, self.smiling = self.smiling, expression == _SMILE
        if self.smiling and not was_smiling:
            self._write(partial(self._start, "smile", t_s, t_s))
        elif was_smiling and not self.smiling:
            self._write(partial(self._tell, "smile", Phase.END, t_s, t_s))

    def _write(self, write: Callable[[], None]) -> None:
        if self.real:
            write()
        else:
            self._waiting.append(write)

    def _start(self, kind: VisitEvent, started_s: float, t_s: float) -> None:
        self._begin(kind, started_s)
        self._tell(kind, Phase.START, t_s)

    def _begin(self, kind: VisitEvent, started_s: float, episode_id: str | None = None) -> None:
        """Something to tell of begins. It never carries the track's id: what is told cannot be followed further."""
        if kind in self._settings.events:
            self._running[kind] = Running(
                subject="audience",
                kind=kind,
                severity=Severity.INFO,
                episode_id=episode_id or new_id(self._rng),
                track_id=None,
                started_s=started_s,
            )

    def _tell(
        self,
        kind: VisitEvent,
        phase: Phase,
        t_s: float,
        ended_s: float | None = None,
        measures: dict[str, Measure] | None = None,
    ) -> None:
        running = self._running.pop(kind, None) if phase is Phase.END else self._running.get(kind)
        if running is None:
            return
        told = running.change(phase, t_s, confidence=1.0, sensing="good", measures=measures or {}, ended_s=ended_s)
        self._changes.append(told)

    def _take_changes(self) -> list[Episode]:
        changes, self._changes = self._changes, []
        return changes
