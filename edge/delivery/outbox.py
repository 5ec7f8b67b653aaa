"""Events on disk until the broker has acknowledged them.

paho keeps its queue in memory only, and mosquitto persists nothing by default; so that no event is lost when
either dies, the queue is an SQLite file: in it before anything else hears of the event, out of it on PUBACK.
A disk that is full, read-only or broken must not silence a driver's monitor: events then wait in memory, until the disk
takes them again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from edge.closing import Closing
from edge.delivery.errors import OutboxError
from edge.delivery.settings import OutboxSettings
from edge.delivery.store import Store, StoreError, Waiting
from edge.events import Event
from edge.events.models import SEVERITIES

__all__ = ["Outbox", "Waiting"]

log = logging.getLogger(__name__)

#: What waits in memory is sent after all that waits on disk, so its rows come after all of the disk's.
_IN_MEMORY = 1 << 62
#: Events of about 1 kB that a small device can hold beside its models.
_MOST_IN_MEMORY = 5_000
#: The frame loop asks for figures, and must not wait for a disk, or for another process that holds it.
_PATIENCE_S = 0.02
#: A disk that refused is not asked again sooner.
_ASK_AGAIN_S = 5.0


class Outbox(Closing):
    """A durable queue of events; a context manager, safe to use from several threads.

    trouble: why events wait in memory, None while the disk takes them. set_aside: where a damaged file was put.
    epoch: rises when the next events may get lower rows than the last; who walks along the rows begins again then.
    shared: another process, of another user of the same group, takes the events out (``Drain``).

    Raises:
        OutboxError: the path cannot be an outbox: no folder, another program's database, one of a newer mien.
    """

    def __init__(self, settings: OutboxSettings, *, shared: bool = False) -> None:
        self.settings = settings
        self._shared = shared
        self.trouble: str | None = None
        self.set_aside: Path | None = None
        self.epoch = 0
        self._path = settings.path.expanduser()
        self._lock = threading.RLock()
        self._listener: Callable[[], None] | None = None
        self._disk: Store | None = None
        self._memory = Store(None)
        self._ask_again_at_s = 0.0
        self._acknowledged: set[str] = set()
        self._figures: dict[Callable[[Store], int], int] = {}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutboxError(f"outbox {self._path}: its folder cannot be made: {error.strerror}") from None
        if self._path.is_dir():
            raise OutboxError(f"outbox {self._path}: is a folder; name a file in it")
        self._open()

    def put(self, event: Event) -> None:
        """Stores an event; when this returns it survives a crash and a power cut, unless there is ``trouble``.

        The same id twice is one event.
        """
        severity = SEVERITIES.index(event.data.severity)
        waiting = Waiting(0, event.id, event.subject, severity, time.time(), event.to_json())
        with self._lock:
            if not self._put_on_disk(waiting):
                self._put(self._memory, [waiting])
        if self._listener is not None:
            self._listener()

    def pending(self, limit: int, after: int = 0) -> list[Waiting]:
        """The next events in the order they were put: at most ``limit``, from rows beyond ``after``.

        Those in memory come last.
        """
        with self._lock:
            events: list[Waiting] = []
            if self._disk is not None and after < _IN_MEMORY:
                try:
                    events = self._disk.pending(limit, after)
                except StoreError as error:
                    self._give_up_disk(error)
            if len(events) < limit:
                more = self._memory.pending(limit - len(events), max(0, after - _IN_MEMORY))
                events += [replace(event, row=event.row + _IN_MEMORY) for event in more]
            return [event for event in events if event.id not in self._acknowledged]

    def delete(self, ids: Iterable[str]) -> None:
        """Forgets events that the broker has acknowledged; unknown ids are ignored."""
        with self._lock:
            self._acknowledged.update(ids)
            self._memory.delete(self._acknowledged)
            if self._disk is None:
                return  # what is on it is forgotten as soon as it takes part again
            try:
                self._disk.delete(self._acknowledged)
                self._acknowledged.clear()
            except StoreError as error:
                # Even to forget takes room on a full disk. Until then they are passed over.
                self._give_up_disk(error)

    def in_memory(self, limit: int) -> list[Waiting]:
        """The first of the events that the disk does not take: at most ``limit``; their ``row`` is not used."""
        with self._lock:
            events = self._memory.pending(limit)
            return [event for event in events if event.id not in self._acknowledged]

    def examine(self) -> None:
        """Another process finds the file damaged: sets it aside if it is. Takes as long as reading all of it."""
        with self._lock:
            if self._disk is None:
                return
        try:
            Store(self._path).close()  # beside the one in use, which may go on meanwhile
        except StoreError as error:
            with self._lock:
                self._give_up_disk(error)
        except OutboxError as error:
            log.error("%s", error)

    def depth(self) -> int:
        """How many events wait; the figure of a moment ago where the disk keeps somebody waiting just now."""
        return self._sum(Store.depth)

    def dropped(self) -> int:
        """How many events were given up since the file was made, because it was full or too old; as of ``depth``."""
        return self._sum(Store.dropped)

    def listen(self, listener: Callable[[], None] | None) -> None:
        """Calls ``listener`` after each put, in the putting thread; it must return at once."""
        self._listener = listener

    def close(self) -> None:
        """Closes the file; what waits in it stays."""
        with self._lock:
            if self._memory.depth() and self._disk_back():
                self._move_to_disk()
            if lost := self._memory.depth():
                log.error("%s; %d events are lost with this process", self.trouble, lost)
            if self._disk is not None:
                self._disk.close()
            self._memory.close()

    def _open(self) -> None:
        try:
            self._disk = self._store()
        except StoreError as error:
            if error.damaged and self._ours():
                self._set_aside(str(error))
            elif error.damaged:
                raise
            else:
                self._give_up_disk(error)

    def _store(self) -> Store:
        """Opens the file, or makes it; SQLite gives its log the same mode."""
        if self._shared:
            share(self._path)
        return Store(self._path)

    def _ours(self) -> bool:
        """Whether a broken file is an outbox by its name; anybody's notes are left where they are."""
        return self._path.suffix == ".sqlite"

    def _set_aside(self, why: str) -> None:
        """Gives a damaged file another name, for whoever wants to look at it, and begins a new one."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        aside = self._path.with_name(f"{self._path.name}.damaged-{stamp}")
        try:
            self._path.rename(aside)
            # A log that belongs to the damaged file would be played into the new one.
            for suffix in ("-wal", "-shm"):
                log_file = self._path.with_name(self._path.name + suffix)
                if log_file.exists():
                    log_file.rename(aside.with_name(aside.name + suffix))
            self._disk = self._store()
        except (OSError, StoreError) as error:
            self._disk = None
            self._note_trouble(f"{why}; it could not be set aside: {error}")
            return
        self.set_aside = aside
        self.epoch += 1
        log.error("%s; set aside as %s, a new one is begun", why, aside.name)

    def _put_on_disk(self, waiting: Waiting) -> bool:
        if self.trouble is not None and not self._disk_back():
            return False
        for _ in range(2):  # the second time on a new file, where the first was damaged
            if self._disk is None:
                break
            try:
                self._move_to_disk()
                self._put(self._disk, [waiting])
            except StoreError as error:
                self._give_up_disk(error)
            else:
                self._note_trouble(None)
                return True
        return False

    def _disk_back(self) -> bool:
        """Whether it is time to ask the disk again, and it can at least be opened."""
        if time.monotonic() < self._ask_again_at_s:
            return False
        if self._disk is None:
            try:
                self._open()
            except OutboxError as error:  # another program's file is in its place by now
                self._ask_again_at_s = time.monotonic() + _ASK_AGAIN_S
                self._note_trouble(str(error))
        return self._disk is not None

    def _move_to_disk(self) -> None:
        """What waits in memory goes to the disk, behind what waits there."""
        if self._disk is None:
            return
        if self._acknowledged:
            self._disk.delete(self._acknowledged)
            self._acknowledged.clear()
        if moved := self._memory.pending(_MOST_IN_MEMORY):
            self._put(self._disk, moved)
            self._memory.delete([event.id for event in moved])
            self.epoch += 1

    def _put(self, store: Store, events: list[Waiting]) -> None:
        most = _MOST_IN_MEMORY if store is self._memory else self.settings.max_events
        store.put(events, most=most, oldest_s=time.time() - self.settings.max_age_days * 86400)

    def _give_up_disk(self, error: StoreError) -> None:
        """The disk refused; a damaged file makes room for a new one, anything else is asked again later."""
        if error.damaged and self._disk is not None:
            self._disk.close()
            self._set_aside(str(error))
            return
        self._ask_again_at_s = time.monotonic() + _ASK_AGAIN_S
        self._note_trouble(str(error))

    def _note_trouble(self, trouble: str | None) -> None:
        if trouble is not None and self.trouble is None:
            log.error("%s; events wait in memory until it is mended", trouble)
        elif trouble is None and self.trouble is not None:
            log.warning("outbox %s takes events again", self._path)
            self.epoch += 1  # their rows come before those of the memory
        self.trouble = trouble

    def _sum(self, figure: Callable[[Store], int]) -> int:
        if not self._lock.acquire(timeout=_PATIENCE_S):
            return self._figures.get(figure, 0)
        try:
            total = figure(self._memory)
            if self._disk is not None:
                try:
                    total += figure(self._disk)
                except StoreError as error:
                    self._give_up_disk(error)
            self._figures[figure] = total
            return total
        finally:
            self._lock.release()


def share(outbox: Path) -> None:
    """Lets the group of an outbox's file, made if it is missing, read and write it.

    Raises:
        StoreError: it can't be made, or belongs to another user who does not let us.
    """
    try:
        outbox.touch(mode=0o660, exist_ok=True)
        for path in (outbox, *(outbox.with_name(outbox.name + suffix) for suffix in ("-wal", "-shm"))):
            if path.exists() and (mode := path.stat().st_mode) & 0o660 != 0o660:
                path.chmod(mode & 0o777 | 0o660)
    except OSError as error:
        raise StoreError(f"outbox {outbox}: {error.strerror} (its group must be allowed to write it)") from None
