"""Events on disk until the broker has acknowledged them.

paho keeps its queue in memory only, and mosquitto persists nothing by default; so that no event is lost when
either dies, the queue is an SQLite file: in it before anything else hears of the event, out of it on PUBACK.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self, cast

from edge.delivery.errors import OutboxError
from edge.delivery.settings import OutboxSettings
from edge.events import Event, Subject
from edge.events.models import SEVERITIES

# "mien" in ASCII: tells our file from another program's database.
_APPLICATION_ID = 0x6D69656E
_VERSION = 1

_SCHEMA = """
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
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
INSERT OR IGNORE INTO counters VALUES ('dropped', 0);
COMMIT;
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event that waits for the broker. row: its place in the queue. put_at: Unix time when it was put."""

    row: int
    id: str
    subject: Subject
    put_at: float
    payload: bytes


class Outbox:
    """A durable queue of events; a context manager, safe to use from several threads.

    Raises:
        OutboxError: the file cannot be opened or written, or is not an outbox.
    """

    def __init__(self, settings: OutboxSettings) -> None:
        self.settings = settings
        self._path = settings.path.expanduser()
        self._lock = threading.RLock()
        self._listener: Callable[[], None] | None = None
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutboxError(f"outbox {self._path}: its folder cannot be made: {error.strerror}") from None
        with self._reporting():
            self._db = sqlite3.connect(self._path, timeout=5.0, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        with self._reporting():
            (application,) = self._db.execute("PRAGMA application_id").fetchone()
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            (tables,) = self._db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
            if tables and application != _APPLICATION_ID:
                raise OutboxError(f"outbox {self._path} is another program's database: set another path")
            if version > _VERSION:
                raise OutboxError(f"outbox {self._path} needs a newer mien: install that, or set another path")
            self._db.execute("PRAGMA journal_mode = WAL")
            # FULL syncs the log on each commit; WAL's usual NORMAL may lose the last events with the power.
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_SCHEMA)
            self._db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            self._db.execute(f"PRAGMA user_version = {_VERSION}")

    def put(self, event: Event) -> None:
        """Stores an event; when this returns it survives a crash and a power cut. The same id twice is one event.

        Raises:
            OutboxError: it could not be stored (the disk is full or fails).
        """
        data = event.data
        row = (event.id, event.subject, SEVERITIES.index(data.severity), time.time(), event.to_json())
        with self._transaction():
            self._db.execute(
                "INSERT OR IGNORE INTO events (id, subject, severity, put_at, payload) VALUES (?, ?, ?, ?, ?)", row
            )
            self._make_room()
        if self._listener is not None:
            self._listener()

    def pending(self, limit: int, after: int = 0) -> list[Waiting]:
        """The next events in the order they were put: at most ``limit``, from rows beyond ``after``."""
        with self._lock, self._reporting():
            rows = self._db.execute(
                "SELECT row, id, subject, put_at, payload FROM events WHERE row > ? ORDER BY row LIMIT ?",
                (after, limit),
            ).fetchall()
        return [
            Waiting(row, id_, cast(Subject, subject), put_at, payload) for row, id_, subject, put_at, payload in rows
        ]

    def delete(self, ids: Iterable[str]) -> None:
        """Forgets events that the broker has acknowledged; unknown ids are ignored."""
        with self._transaction():
            self._db.executemany("DELETE FROM events WHERE id = ?", ((id_,) for id_ in ids))

    def depth(self) -> int:
        """How many events wait."""
        return self._number("SELECT COUNT(*) FROM events")

    def dropped(self) -> int:
        """How many events were given up since the file was made, because it was full or they were too old."""
        return self._number("SELECT value FROM counters WHERE name = 'dropped'")

    def listen(self, listener: Callable[[], None] | None) -> None:
        """Calls ``listener`` after each put, in the putting thread; it must return at once."""
        self._listener = listener

    def close(self) -> None:
        """Closes the file; what waits in it stays."""
        with self._lock:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _make_room(self) -> None:
        oldest = time.time() - self.settings.max_age_days * 86400
        dropped = self._db.execute("DELETE FROM events WHERE severity = 0 AND put_at < ?", (oldest,)).rowcount
        excess = self._number("SELECT COUNT(*) FROM events") - self.settings.max_events
        if excess > 0:
            dropped += self._db.execute(
                "DELETE FROM events WHERE row IN (SELECT row FROM events ORDER BY severity, row LIMIT ?)", (excess,)
            ).rowcount
        if dropped:
            self._db.execute("UPDATE counters SET value = value + ? WHERE name = 'dropped'", (dropped,))

    def _number(self, query: str) -> int:
        with self._lock, self._reporting():
            return int(self._db.execute(query).fetchone()[0])

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock, self._reporting():
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
            way_out = _WAYS_OUT.get("_".join(name.split("_")[:2]), "")
            raise OutboxError(f"outbox {self._path}: {error}{way_out}") from error


# What to do, by SQLite's name for what went wrong.
_WAYS_OUT = {
    "SQLITE_CANTOPEN": " (is its path a file in a folder that can be written?)",
    "SQLITE_NOTADB": " (set another path, or move the file away)",
    "SQLITE_READONLY": " (mien must be allowed to write it)",
    "SQLITE_FULL": " (free some space)",
    "SQLITE_BUSY": " (another program holds it)",
}
