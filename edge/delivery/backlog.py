"""The outbox as one session with the broker sees it: what is on its way, what is answered, what comes next."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from edge.delivery.connection import Answer, Session
from edge.delivery.store import Waiting
from edge.events import Subject, Topics
from edge.events.models import CONTENT_TYPE

#: An event sent this long after it was put says ``delayed``: nobody should act on it as if it were now.
DELAYED_AFTER_S = 10.0

#: What the broker refuses (no right to the topic, quota) is tried again after this long.
REFUSED_RETRY_S = 60.0

# Acknowledged events are forgotten together, each time that so many have come or nothing is on its way: a transaction
# for each would take longer than sending.
_FORGET_TOGETHER = 100


class Queue(Protocol):
    """An outbox as whoever empties it sees it: ``Outbox``, or ``Drain`` where another process fills it."""

    @property
    def epoch(self) -> int:
        """Rises when the next events may get lower rows than the last; who walks along the rows begins again then."""

    def pending(self, limit: int, after: int = 0) -> list[Waiting]:
        """The next events in the order they were put: at most ``limit``, from rows beyond ``after``."""

    def delete(self, ids: Iterable[str]) -> None:
        """Forgets events that the broker has acknowledged; unknown ids are ignored."""

    def depth(self) -> int:
        """How many events wait."""

    def listen(self, listener: Callable[[], None] | None) -> None:
        """Calls ``listener`` after each put; it must return at once."""


class Backlog:
    """Sends events in the order they were put, as many at a time as the session's window takes."""

    def __init__(self, outbox: Queue, session: Session, topics: Topics) -> None:
        self._outbox = outbox
        self._session = session
        self._topics = topics
        self._sent: dict[int, Waiting] = {}
        self._done: list[str] = []
        self._last_row = 0
        self._epoch = outbox.epoch
        self._refused: set[Subject] = set()
        self._retry_at_s = math.inf
        self.idle = False

    def send(self) -> None:
        """Sends what the window takes; afterwards ``idle`` tells whether all is delivered that the broker takes."""
        if time.monotonic() >= self._retry_at_s:
            self._refused.clear()
            self._retry_at_s = math.inf
            self._begin_again()
        if self._epoch != self._outbox.epoch:
            self._epoch = self._outbox.epoch
            self._begin_again()
        free = self._session.window - len(self._session.unacknowledged)
        under_way = {event.id for event in self._sent.values()}
        while free > 0 and (events := self._outbox.pending(free, self._last_row)):
            for event in events:
                self._last_row = event.row
                if event.id in under_way or event.subject in self._refused:
                    continue
                topic = self._topics.event(event.subject)
                mid = self._session.publish(topic, payload(event), qos=1, content_type=CONTENT_TYPE)
                self._sent[mid] = event
                free -= 1
        self.idle = free > 0 and not self._sent

    def settle(self, answers: Iterable[Answer]) -> None:
        """Takes acknowledged events out of the outbox; what the broker refused stays and is tried again later.

        Answers about other messages are passed over.
        """
        for answer in answers:
            event = self._sent.pop(answer.mid, None)
            if event is None:
                continue
            if answer.refused is None:
                self._done.append(event.id)
            else:
                self._refused.add(event.subject)
                self._retry_at_s = min(self._retry_at_s, time.monotonic() + REFUSED_RETRY_S)
        if len(self._done) >= _FORGET_TOGETHER or not self._sent:
            self.forget()

    def forget(self) -> None:
        """Takes what is acknowledged out of the outbox now."""
        if self._done:
            self._outbox.delete(self._done)
            self._done.clear()

    def _begin_again(self) -> None:
        self.forget()
        self._last_row = 0


def payload(event: Waiting) -> bytes:
    """The event as it is sent now: an old one says so."""
    # The wall clock may have been set meanwhile, forward or back: then the age is not known, and "late" is safer.
    if abs(time.time() - event.put_at) <= DELAYED_AFTER_S:
        return event.payload
    envelope = json.loads(event.payload)
    envelope["data"]["delayed"] = True
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()
