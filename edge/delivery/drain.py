"""The outbox from the other side: what one process puts into its file, another takes to the broker.

Here nothing is put, made or mended: that is the other's. It may replace a damaged file, make one that was missing, or
hand over events that its disk refuses.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from edge.delivery.errors import OutboxError
from edge.delivery.store import Store, StoreError, Waiting

log = logging.getLogger(__name__)

#: What was handed over is sent after all that waits in the file.
_HANDED_OVER = 1 << 62
#: As many as the other process keeps in memory itself.
_MOST_HANDED_OVER = 5_000
#: A file that could not be used is not tried again sooner.
_ASK_AGAIN_S = 1.0


class Drain:
    """The events that wait in another process's outbox, as a ``Queue``; safe to use from several threads.

    trouble: why they cannot be had, None while they can. damaged: it is the file. epoch: as of ``Outbox``.
    """

    def __init__(self, path: Path) -> None:
        self.trouble: str | None = None
        self.damaged = False
        self.epoch = 0
        self._path = path.expanduser()
        self._lock = threading.RLock()
        self._listener: Callable[[], None] | None = None
        self._file: Store | None = None
        self._inode: tuple[int, int] | None = None
        self._ask_again_at_s = 0.0
        self._handed_over = Store(None)
        self._held: set[str] = set()
        self._taken: list[str] = []

    def pending(self, limit: int, after: int = 0) -> list[Waiting]:
        """The next events in the order they were put, those handed over last: at most ``limit``, beyond ``after``."""
        with self._lock:
            events: list[Waiting] = []
            if (file := self._current()) is not None and after < _HANDED_OVER:
                try:
                    events = file.pending(limit, after)
                except StoreError as error:
                    self._give_up(error)
            if len(events) < limit and self._held:
                more = self._handed_over.pending(limit - len(events), max(0, after - _HANDED_OVER))
                events += [replace(event, row=event.row + _HANDED_OVER) for event in more]
            return events

    def delete(self, ids: Iterable[str]) -> None:
        """Forgets events that the broker has; where the file refuses they are sent again, which is harmless."""
        known = list(ids)
        with self._lock:
            if held := self._held.intersection(known):
                self._handed_over.delete(held)
                self._held -= held
                self._taken += held
            if self._file is None:
                return
            try:
                self._file.delete(known)
            except StoreError as error:
                self._give_up(error)

    def depth(self) -> int:
        """How many events wait, as far as can be seen."""
        with self._lock:
            total = len(self._held)
            if self._file is not None:
                try:
                    total += self._file.depth()
                except StoreError as error:
                    self._give_up(error)
            return total

    def listen(self, listener: Callable[[], None] | None) -> None:
        """Calls ``listener`` when there is something new."""
        self._listener = listener

    def wake(self) -> None:
        """Something was put into the file."""
        if self._listener is not None:
            self._listener()

    def hand_over(self, event: Waiting) -> None:
        """Takes an event that the other process's disk refuses; in memory, as there."""
        with self._lock:
            self._handed_over.put([event], most=_MOST_HANDED_OVER, oldest_s=0.0)
            self._held.add(event.id)
        self.wake()

    def taken(self) -> list[str]:
        """Which of those handed over have reached the broker since the last call."""
        with self._lock:
            taken, self._taken = self._taken, []
            return taken

    def disown(self) -> None:
        """Who handed events over has gone, or will do so again: what it still has it will say anew."""
        with self._lock:
            self._taken.clear()

    def close(self) -> None:
        """Closes the file; what waits in it stays."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None
            self._handed_over.close()

    def _current(self) -> Store | None:
        """The file, as it is now; None where there is none, or none to be used."""
        try:
            there = self._path.stat()
            inode: tuple[int, int] | None = (there.st_dev, there.st_ino)
        except OSError:
            inode = None
        if self._file is not None and inode != self._inode:
            log.info("outbox %s was replaced", self._path)
            self._file.close()
            self._file = None
            self._ask_again_at_s = 0.0
        if self._file is None and inode is not None and time.monotonic() >= self._ask_again_at_s:
            self._open(inode)
        return self._file

    def _open(self, inode: tuple[int, int]) -> None:
        try:
            self._file = Store(self._path)
        except OutboxError as error:  # another program's file, or one that SQLite refuses
            self._give_up(error)
            return
        self._inode = inode
        self.epoch += 1
        self.damaged = False
        if self.trouble is not None:
            log.warning("outbox %s can be read again", self._path)
            self.trouble = None

    def _give_up(self, error: OutboxError) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        self._ask_again_at_s = time.monotonic() + _ASK_AGAIN_S
        self.damaged = isinstance(error, StoreError) and error.damaged
        if self.trouble is None:
            log.error("%s; its events wait", error)
        self.trouble = str(error)
