"""The audience's minutes, in a table of the outbox's database: for ``mien audience``, while the daemon runs or not.

Each minute is written when it is over, and once more when the last of what belongs to it is known. A write replaces
what the same run had written of the same minute, so whatever ends the program leaves no minute twice, and none but the
running one is lost.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from edge.delivery.errors import OutboxError
from edge.events.windows import Minute, Totals
from edge.settings import rule

log = logging.getLogger(__name__)

_FIGURES = tuple(field.name for field in fields(Totals) if field.name != "expression_s")
_KINDS = {name: type(getattr(Totals(), name)) for name in _FIGURES}
_COLUMNS = (*_FIGURES, *(f"expression_{k}_s" for k in range(len(Totals().expression_s))))
_TABLE = f"""
CREATE TABLE IF NOT EXISTS audience (
    start INTEGER NOT NULL,
    run TEXT NOT NULL,
    synced INTEGER NOT NULL,
    {", ".join(f"{name} REAL NOT NULL" for name in _COLUMNS)},
    PRIMARY KEY (start, run)
) WITHOUT ROWID
"""
_READ = f"SELECT start, synced, {', '.join(_COLUMNS)} FROM audience"  # noqa: S608 - our own names
#: A disk that takes nothing for so long loses the oldest.
_MOST_WAITING = 24 * 60


class AudienceSettings(BaseModel):
    """What is told and kept of the audience."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    floor: int = rule(
        3,
        "Floor",
        "Counts from 1 to below this, and means that fewer people make up, are left out of all that is told.",
        source='threshold rule, "some agencies require at least five respondents in a cell, others require three": '
        "OECD Glossary of Statistical Terms",
        ge=1,
        le=1000,
    )
    history_days: float = rule(
        90.0,
        "History",
        "How long the minutes are kept on the device for mien audience export; 0: none are.",
        unit="d",
        source="own: a season",
        ge=0,
        le=3650,
    )


class History:
    """The table in an outbox's database, opened anew each time: the outbox may have set a damaged file aside."""

    def __init__(self, outbox: Path) -> None:
        self._path = outbox.expanduser()

    def write(self, run: str, minutes: Iterable[Minute], *, oldest: float) -> None:
        """Stores minutes of one run, replacing what it wrote of them before, and drops those before ``oldest``.

        run: tells this program's minutes from another's. oldest: Unix time. Raises OutboxError.
        """
        rows = [(minute.start, run, minute.synced, *_figures(minute.totals)) for minute in minutes]
        places = ", ".join("?" * (3 + len(_COLUMNS)))
        with self._open("rw") as db:
            db.execute("PRAGMA synchronous = FULL")
            with db:
                db.execute(_TABLE)
                db.executemany(f"INSERT OR REPLACE INTO audience VALUES ({places})", rows)  # noqa: S608 - our own marks
                db.execute("DELETE FROM audience WHERE start < ?", (oldest,))

    def read(self, since: float, until: float) -> list[Minute]:
        """The minutes that begin within these Unix times, in order; none where nothing was ever written.

        A minute in which the program was started anew comes in parts. Raises OutboxError.
        """
        with self._open("ro") as db:
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'audience'").fetchone():
                return []
            rows = db.execute(f"{_READ} WHERE start >= ? AND start < ? ORDER BY start", (since, until))
            return [_minute(row) for row in rows]

    @contextmanager
    def _open(self, mode: str) -> Iterator[sqlite3.Connection]:
        """Opens the file that the outbox has made; never makes one."""
        try:
            address = f"{self._path.absolute().as_uri()}?mode={mode}"
            with closing(sqlite3.connect(address, uri=True, timeout=5.0)) as db:
                yield db
        except sqlite3.Error as error:
            way_out = (
                "" if self._path.exists() else " (no such file: name --config or --outbox of the mien run that counts)"
            )
            raise OutboxError(f"audience history in {self._path}: {error}{way_out}") from None


class HistoryWriter:
    """Writes minutes in a thread of its own, and those that the disk refuses again with the next ones."""

    def __init__(self, history: History, days: float) -> None:
        self._history = history
        self._days = days
        self._waiting: dict[tuple[str, int], Minute] = {}
        self._trouble: str | None = None
        self._queue: queue.SimpleQueue[tuple[str, list[Minute]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="mien-history", daemon=True)
        self._thread.start()

    def put(self, run: str, minutes: list[Minute]) -> None:
        """Hands minutes of a run over; returns at once."""
        self._queue.put((run, minutes))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (given := self._queue.get()) is not None:
            run, minutes = given
            self._waiting |= {(run, minute.start): minute for minute in minutes}
            for key in list(self._waiting)[:-_MOST_WAITING]:
                del self._waiting[key]
            self._write()

    def _write(self) -> None:
        by_run: dict[str, list[Minute]] = {}
        for (run, _), minute in self._waiting.items():
            by_run.setdefault(run, []).append(minute)
        try:
            for run, minutes in by_run.items():
                self._history.write(run, minutes, oldest=time.time() - self._days * 86_400)
        except OutboxError as error:
            if self._trouble is None:
                log.error("%s; it is tried again each minute", error)
            self._trouble = str(error)
        else:
            self._waiting.clear()
            self._trouble = None


def _figures(totals: Totals) -> tuple[float, ...]:
    return (*(getattr(totals, name) for name in _FIGURES), *totals.expression_s)


def _minute(row: tuple[Any, ...]) -> Minute:
    start, synced, *values = row
    figures = {name: _KINDS[name](value) for name, value in zip(_FIGURES, values, strict=False)}
    return Minute(start, bool(synced), Totals(**figures, expression_s=tuple(values[len(_FIGURES) :])))
