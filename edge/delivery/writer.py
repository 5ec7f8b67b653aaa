"""Puts events into the outbox beside the frame loop: a stalling memory card must not blind the device."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from edge.closing import Closing
from edge.delivery.outbox import Outbox
from edge.events import Event


class OutboxWriter(Closing):
    """Writes events in the order they are given, in a thread of its own; a context manager that writes all at its end.

    on_kept is called with each event once it is safe in the outbox, in that thread.
    """

    def __init__(self, outbox: Outbox, on_kept: Callable[[Event], None] = lambda _event: None) -> None:
        self._outbox = outbox
        self._on_kept = on_kept
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="mien-outbox", daemon=True)
        self._thread.start()

    def put(self, event: Event) -> None:
        """Hands an event over; returns at once."""
        self._events.put(event)

    def close(self) -> None:
        """Returns when all that was handed over is in the outbox; closing twice is harmless."""
        self._events.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (event := self._events.get()) is not None:
            self._outbox.put(event)
            self._on_kept(event)
