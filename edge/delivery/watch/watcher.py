"""Follows devices on a broker and shows what they say, as it arrives."""

from __future__ import annotations

import math
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol

from paho.mqtt.client import MQTTMessage

from edge.delivery.connection import Backoff, Dialer, Session
from edge.delivery.errors import DeliveryError
from edge.delivery.settings import BrokerSettings
from edge.delivery.waker import Waker
from edge.delivery.watch.contract import Contract, Findings
from edge.delivery.watch.lines import Lines
from edge.delivery.watch.message import Heard, Selection, take_apart
from edge.events import Event

# Ids to remember: a device resends at most its window, but many devices may share a broker.
_REMEMBERED = 10_000

# Waits between attempts to reconnect.
_RETRY_MIN_S = 0.1
_RETRY_MAX_S = 0.5


class View(Protocol):
    """What a watcher shows its messages on; called in the thread of ``Watcher.run`` alone.

    turn_s: how long at most it can wait for its next turn.
    """

    turn_s: float

    def connected(self) -> None:
        """The subscription stands, for the first time or again."""

    def lost(self, broker: str, reason: str) -> None:
        """The connection broke; the watcher tries again."""

    def show(self, heard: Heard, findings: Findings | None) -> None:
        """A message, and what is to be said against it; None where messages aren't checked."""

    def turn(self) -> None:
        """Time has passed."""

    def close(self) -> None:
        """The watcher ends."""


class Watcher:
    """Shows the messages under a broker's topic root.

    topics: filters to subscribe instead of all events and statuses. selection: which messages to show. contract:
    checks each that is shown. count: end after so many shown; seconds: end so long after the first subscription.
    Repeated events (same id) are shown once. on_event is called with each event after it is shown, in the thread of
    ``run``. ``subscribed`` is set once the first subscription stands; ``shown`` counts.

    Raises:
        DeliveryError: a password or certificate file cannot be read.
    """

    def __init__(
        self,
        broker: BrokerSettings,
        topics: Sequence[str] | None = None,
        *,
        view: View | None = None,
        selection: Selection | None = None,
        contract: Contract | None = None,
        count: int | None = None,
        seconds: float | None = None,
        on_event: Callable[[Event], None] = lambda _event: None,
    ) -> None:
        self.subscribed = threading.Event()
        self.shown = 0
        self._on_event = on_event
        self._broker = broker
        self._view = view or Lines()
        self._selection = selection or Selection()
        self._filters = tuple(topics) if topics else self._selection.filters(broker.root, states=contract is not None)
        self._contract = contract
        self._count = count
        self._seconds = seconds
        self._ends_s = math.inf
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()
        client_id = broker.client_id or f"mien-watch-{uuid.uuid4().hex[:8]}"
        self._dialer = Dialer(broker, client_id, on_message=self._hear)
        self._waker = Waker()
        self._stopped = False

    def run(self) -> None:
        """Shows messages until ``stop``, Ctrl-C, a closed pipe or enough; reconnects when the connection breaks.

        Raises:
            DeliveryError: the first connection fails, or the broker refuses a topic.
        """
        # Quick to be back: what is published meanwhile is not kept for a watcher.
        backoff = Backoff(min(_RETRY_MIN_S, self._broker.reconnect_min_s), _RETRY_MAX_S)
        session: Session | None = None
        try:
            while not self._over:
                session, outcome = self._dialer.dial()
                if session is not None and self._subscribed(session):
                    if not self.subscribed.is_set() and self._seconds is not None:
                        self._ends_s = time.monotonic() + self._seconds
                    self.subscribed.set()
                    backoff.reset()
                    self._follow(session)
                elif not self.subscribed.is_set():
                    raise DeliveryError(outcome.reason)
                if not self._over:
                    self._view.turn()
                    self._waker.wait(min(backoff.next_s(), self._left_s))
        except (KeyboardInterrupt, BrokenPipeError):
            pass  # both mean that the reader has seen enough
        finally:
            self._view.close()
            if session is not None:
                session.close()
            self._waker.close()

    def stop(self) -> None:
        """Ends ``run`` from another thread."""
        self._stopped = True
        self._waker.wake()

    @property
    def _left_s(self) -> float:
        return max(0.0, self._ends_s - time.monotonic())

    @property
    def _enough(self) -> bool:
        return self._count is not None and self.shown >= self._count

    @property
    def _over(self) -> bool:
        return self._stopped or self._enough or self._left_s == 0

    def _subscribed(self, session: Session) -> bool:
        try:
            session.subscribe(self._filters, self._broker.connect_timeout_s)
        except DeliveryError:
            if not self.subscribed.is_set():
                raise
            session.close()  # a broker that is just starting, or stopping: the next attempt will tell
            return False
        return True

    def _follow(self, session: Session) -> None:
        self._view.connected()
        while session.alive and not self._over:
            self._view.turn()
            session.poll(min(self._view.turn_s, self._left_s), self._waker)
        if not self._over:
            self._view.lost(self._broker.address, session.lost_because)

    def _hear(self, message: MQTTMessage) -> None:
        if self._enough:  # one read from the network can bring several
            return
        heard = take_apart(message, self._broker.root)
        if not self._selection.takes(heard) or (heard.event is not None and self._seen_before(heard.event)):
            return
        self._view.show(heard, None if self._contract is None else self._contract.check(heard))
        self.shown += 1
        if heard.event is not None:
            self._on_event(heard.event)

    def _seen_before(self, event: Event) -> bool:
        key = (event.source, event.id)
        if key in self._seen:
            return True
        self._seen[key] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return False
