"""A queue of events in one SQLite database, on disk or in memory; the outbox decides which.

In WAL mode with ``synchronous = FULL`` a committed event survives a crash and a power cut. What is only forgotten is
not synced: each acknowledgement would cost a flash card a write of its own, to spare a repeat that is harmless.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from edge.delivery.errors import OutboxError
from edge.events import Subject

# "mien" in ASCII: tells our file from another program's database.
_APPLICATION_ID = 0x6D69656E
_VERSION = 1

# All or nothing: whoever opens the file at the same moment must not take it for another program's.
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS events (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    subject TEXT NOT NULL,
    severity INTEGER NOT NULL,
    put_at REAL NOT NULL,
    payload BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS events_by_severity ON events (severity, row);
CREATE INDEX IF NOT EXISTS info_by_age ON events (put_at) WHERE severity = 0;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
INSERT OR IGNORE INTO counters VALUES ('dropped', 0);
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_VERSION};
COMMIT;
"""  # noqa: S608 - two numbers

#: How long another process may hold the file, seconds.
_PATIENCE_S = 5.0
#: 2020-01-01: a put before it was stamped by a clock that nobody had set, so its age is not known.
_CLOCK_SET_AFTER = 1_577_836_800.0


class StoreError(OutboxError):
    """SQLite's refusal. damaged: the file itself is broken, so that nothing can be stored in it any more."""

    def __init__(self, message: str, *, damaged: bool = False) -> None:
        super().__init__(message)
        self.damaged = damaged


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event that waits for the broker. row: its place in the queue. put_at: Unix time when it was put.

    severity: its place in the alarm ladder, 0 for info.
    """

    row: int
    id: str
    subject: Subject
    severity: int
    put_at: float
    payload: bytes


class Store:
    """The queue. Not safe across threads by itself: its owner holds a lock.

    Raises:
        StoreError: the database cannot be opened, read or written, or is not an outbox.
    """

    def __init__(self, path: Path | None) -> None:
        self._name = "outbox in memory" if path is None else f"outbox {path}"
        with self._reporting():
            self._db = sqlite3.connect(
                ":memory:" if path is None else path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False
            )
        try:
            with self._reporting():
                self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        self._db.execute("BEGIN")  # else another process may make the tables between two of these
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        (tables,) = self._db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        self._db.execute("COMMIT")
        if tables and application != _APPLICATION_ID:
            raise OutboxError(f"{self._name} is another program's database: set another path")
        if version > _VERSION:
            raise OutboxError(f"{self._name} needs a newer mien: install that, or set another path")
        (verdict,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise StoreError(f"{self._name}: damaged ({verdict.splitlines()[0]})", damaged=True)
        self._write_ahead()
        self._db.executescript(_SCHEMA)

    def _write_ahead(self) -> None:
        """Sets the journal mode, for which SQLite, unlike elsewhere, does not wait until others let go of the file."""
        until_s = time.monotonic() + _PATIENCE_S
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until_s:
                    raise
                time.sleep(0.01)
            else:
                return

    def put(self, events: Iterable[Waiting], *, most: int, oldest_s: float) -> None:
        """Stores events at the end, all or none; their ``row`` is not used, and an id that is there stays as it is.

        Makes room: what waits beyond ``most`` events goes, the least severe and oldest first, and of severity info
        what was put before ``oldest_s``, a Unix time.
        """
        # FULL syncs the log on each commit; WAL's usual NORMAL may lose the last events with the power.
        with self._transaction("FULL"):
            self._db.executemany(
                "INSERT OR IGNORE INTO events (id, subject, severity, put_at, payload) VALUES (?, ?, ?, ?, ?)",
                ((event.id, event.subject, event.severity, event.put_at, event.payload) for event in events),
            )
            dropped = self._db.execute(
                "DELETE FROM events WHERE severity = 0 AND put_at < ? AND put_at > ?", (oldest_s, _CLOCK_SET_AFTER)
            ).rowcount
            excess = self._excess(most)
            if excess > 0:
                dropped += self._db.execute(
                    "DELETE FROM events WHERE row IN (SELECT row FROM events ORDER BY severity, row LIMIT ?)", (excess,)
                ).rowcount
            if dropped:
                self._db.execute("UPDATE counters SET value = value + ? WHERE name = 'dropped'", (dropped,))

    def pending(self, limit: int, after: int = 0) -> list[Waiting]:
        """The next events in the order they were put: at most ``limit``, from rows beyond ``after``."""
        with self._reporting():
            rows = self._db.execute(
                "SELECT row, id, subject, severity, put_at, payload FROM events WHERE row > ? ORDER BY row LIMIT ?",
                (after, limit),
            ).fetchall()
        return [
            Waiting(row, id_, cast(Subject, subject), severity, put_at, payload)
            for row, id_, subject, severity, put_at, payload in rows
        ]

    def delete(self, ids: Iterable[str]) -> None:
        """Forgets events; unknown ids are ignored. A power cut may bring the last ones back, to be sent once more."""
        with self._transaction("NORMAL"):
            self._db.executemany("DELETE FROM events WHERE id = ?", ((id_,) for id_ in ids))

    def depth(self) -> int:
        """How many events wait."""
        return self._number("SELECT COUNT(*) FROM events")

    def dropped(self) -> int:
        """How many events were given up since the database was made."""
        return self._number("SELECT value FROM counters WHERE name = 'dropped'")

    def close(self) -> None:
        """Closes the database."""
        self._db.close()

    def _excess(self, most: int) -> int:
        """How many wait beyond ``most``; counted only where the rows in use span more than that."""
        query = "SELECT (SELECT MAX(row) FROM events) - (SELECT MIN(row) FROM events)"
        (span,) = self._db.execute(query).fetchone()
        return self.depth() - most if span is not None and span >= most else 0

    def _number(self, query: str) -> int:
        with self._reporting():
            return int(self._db.execute(query).fetchone()[0])

    @contextmanager
    def _transaction(self, synchronous: Literal["FULL", "NORMAL"]) -> Iterator[None]:
        with self._reporting():
            self._db.execute(f"PRAGMA synchronous = {synchronous}")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                # A full disk may have rolled back already.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            # Mistakes that the module itself finds (a closed file) carry no name.
            name = getattr(error, "sqlite_errorname", "")
            # Extended names say more (SQLITE_READONLY_DIRECTORY); the way out is the same.
            kind = "_".join(name.split("_")[:2])
            raise StoreError(
                f"{self._name}: {error}{_WAYS_OUT.get(kind, '')}", damaged=kind in {"SQLITE_CORRUPT", "SQLITE_NOTADB"}
            ) from error


# What to do, by SQLite's name for what went wrong.
_WAYS_OUT = {
    "SQLITE_CANTOPEN": " (is its path a file in a folder that can be written?)",
    "SQLITE_NOTADB": " (set another path, or move the file away)",
    "SQLITE_READONLY": " (mien must be allowed to write it)",
    "SQLITE_FULL": " (free some space)",
    "SQLITE_BUSY": " (another program holds it)",
}
