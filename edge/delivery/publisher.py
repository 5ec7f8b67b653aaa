"""Sends what waits in the outbox, and the last states, to the broker; reconnects for ever."""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

from pydantic import BaseModel

from edge.delivery.connection import CONNECTED, Backoff, ConnectionOutcome, Dialer, Session, Waker, Will
from edge.delivery.errors import DeliveryError
from edge.delivery.outbox import Outbox, Waiting
from edge.delivery.settings import BrokerSettings
from edge.events import Info, Topics
from edge.events.models import CONTENT_TYPE

log = logging.getLogger(__name__)

#: An event sent this long after it was put says ``delayed``: nobody should act on it as if it were now.
DELAYED_AFTER_S = 10.0

# An event that the broker refuses (no right to the topic, quota) is tried again after this long.
_REFUSED_RETRY_S = 60.0

# How long the last messages and the goodbye may take.
_GOODBYE_S = 2.0

# How long the network loop sleeps at most: the keep-alive is looked after between sleeps.
_TURN_S = 1.0


@dataclass(frozen=True, slots=True)
class _State:
    payload: bytes
    retain: bool
    qos: Literal[0, 1]
    expiry_s: float | None
    at_s: float

    def left_s(self) -> float | None:
        """Seconds until it is stale, None where it never is."""
        return None if self.expiry_s is None else self.at_s + self.expiry_s - time.monotonic()


class Publisher:
    """Publishes one device's events and states in a thread of its own; a context manager that starts and closes.

    Events leave the outbox when the broker acknowledges them, and are sent again, under the same id, after a
    connection breaks: each arrives at least once. ``outcome`` tells how the last attempt to connect ended, None
    before the first. ``error`` is the outbox's failure while it lasts.

    Raises:
        DeliveryError: a password or certificate file cannot be read.
    """

    def __init__(self, broker: BrokerSettings, outbox: Outbox, info: Info) -> None:
        self.outcome: ConnectionOutcome | None = None
        self.error: DeliveryError | None = None
        self._broker = broker
        self._outbox = outbox
        self._info = info
        self._topics = Topics(info.device, broker.root)
        will = Will(self._topics.status, b"offline")
        self._dialer = Dialer(broker, broker.client_id or f"mien-{info.device}", will=will)
        self._waker = Waker()
        self._thread = threading.Thread(target=self._run, name="mien-publisher", daemon=True)
        self._attempted = threading.Event()
        self._connected = threading.Event()
        self._give_up_at_s: float | None = None
        self._lock = threading.Lock()
        self._states: dict[str, _State] = {}
        self._unsent: dict[str, None] = {}  # a set that keeps the order

    def start(self) -> Self:
        """Starts connecting; returns at once."""
        self._outbox.listen(self._waker.wake)
        self._thread.start()
        return self

    def wait_connected(self, timeout_s: float) -> ConnectionOutcome:
        """Waits until the first attempt to connect has ended, at most ``timeout_s`` seconds, and says how.

        The publisher goes on trying whatever the outcome.
        """
        self._attempted.wait(timeout_s)
        if self.outcome is None:
            return ConnectionOutcome("unreachable", f"broker {self._broker.address}: no answer in {timeout_s:g} s")
        return self.outcome

    @property
    def connected(self) -> bool:
        """Whether the connection to the broker stands."""
        return self._connected.is_set()

    def state(
        self,
        topic: str,
        payload: BaseModel | str | bytes,
        *,
        retain: bool = False,
        qos: Literal[0, 1] = 0,
        expiry_s: float | None = None,
    ) -> None:
        """Publishes a topic's present state: only the newest counts, and none queues while offline.

        A retained state is sent again after a reconnect, unless ``expiry_s`` seconds have passed since.
        """
        if isinstance(payload, BaseModel):
            payload = payload.model_dump_json()
        if isinstance(payload, str):
            payload = payload.encode()
        with self._lock:
            self._states[topic] = _State(payload, retain, qos, expiry_s, time.monotonic())
            self._unsent[topic] = None
        self._waker.wake()

    def close(self, drain_s: float = 5.0) -> int:
        """Sends what still waits for at most ``drain_s`` seconds, says ``stopped`` and disconnects.

        Does not wait for a broker that cannot be reached. Returns how many events stay in the outbox.
        """
        self._outbox.listen(None)
        if self._thread.is_alive():
            self._give_up_at_s = time.monotonic() + drain_s
            self._waker.wake()
            # A look-up of the broker's name can hang for longer than anybody wants to wait for an exit.
            self._thread.join(drain_s + _GOODBYE_S)
        if not self._thread.is_alive():
            self._waker.close()
        return self._outbox.depth()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _closing(self) -> bool:
        return self._give_up_at_s is not None

    def _run(self) -> None:
        backoff = Backoff(self._broker.reconnect_min_s, self._broker.reconnect_max_s)
        while True:
            try:
                session, outcome = self._dialer.dial()
                settle_s = 0.0 if self.outcome is None else self._broker.settle_s
                self._note(outcome)
                if session is not None:
                    backoff.reset()
                    self._serve(session, settle_s)
            except DeliveryError as error:
                self.error = error
                log.error("%s", error)
            wait_until_s = time.monotonic() + backoff.next_s()
            while not self._closing and (left_s := wait_until_s - time.monotonic()) > 0:
                self._waker.wait(left_s)
            if self._closing:
                return

    def _note(self, outcome: ConnectionOutcome) -> None:
        if outcome == CONNECTED:
            log.info("connected to broker %s", self._broker.address)
            self._connected.set()
        elif self.outcome is not None and outcome != self.outcome:
            # The first outcome is for who waits for it: ``wait_connected``.
            log.warning("%s; events wait in the outbox", outcome.reason)
        self.outcome = outcome
        self._attempted.set()

    def _serve(self, session: Session, settle_s: float) -> None:
        """From connected to disconnected; events go out after the first ``settle_s`` seconds."""
        settled_at_s = time.monotonic() + settle_s
        try:
            session.publish(self._topics.status, b"online", qos=1, retain=True)
            session.publish(self._topics.info, self._info.model_dump_json().encode(), qos=1, retain=True)
            self._restore_states()
            queue = _Queue(self._outbox, session, self._topics)
            while session.alive:
                self._send_states(session)
                now_s = time.monotonic()
                if now_s >= settled_at_s:
                    queue.send()
                self.error = None
                if self._closing and (queue.idle or now_s >= (self._give_up_at_s or 0)):
                    self._say_stopped(session)
                    return
                turn_ends_s = [now_s + _TURN_S, self._give_up_at_s or math.inf]
                if now_s < settled_at_s:
                    turn_ends_s.append(settled_at_s)
                session.poll(min(turn_ends_s) - now_s, self._waker)
                queue.settle()
            log.warning("connection to broker %s lost: %s", self._broker.address, session.lost_because)
        finally:
            self._connected.clear()
            session.close()

    def _restore_states(self) -> None:
        with self._lock:
            self._states = {topic: state for topic, state in self._states.items() if state.retain}
            self._unsent = dict.fromkeys(self._states)

    def _send_states(self, session: Session) -> None:
        with self._lock:
            unsent = [(topic, self._states[topic]) for topic in self._unsent]
            self._unsent.clear()
        for topic, state in unsent:
            left_s = state.left_s()
            if left_s is None or left_s > 0:
                session.publish(topic, state.payload, qos=state.qos, retain=state.retain, expiry_s=left_s)

    def _say_stopped(self, session: Session) -> None:
        mid = session.publish(self._topics.status, b"stopped", qos=1, retain=True)
        deadline = time.monotonic() + _GOODBYE_S / 2
        while session.alive and mid in session.unacknowledged and time.monotonic() < deadline:
            session.poll(deadline - time.monotonic())


class _Queue:
    """The outbox as one session sees it: what is on its way and what comes next."""

    def __init__(self, outbox: Outbox, session: Session, topics: Topics) -> None:
        self._outbox = outbox
        self._session = session
        self._topics = topics
        self._sent: dict[int, Waiting] = {}
        self._last_row = 0
        self._retry_at_s: float | None = None
        self.idle = False

    def send(self) -> None:
        """Sends as many events as the window takes, in order; afterwards ``idle`` tells whether all is delivered."""
        if self._retry_at_s is not None and not self._sent and time.monotonic() >= self._retry_at_s:
            self._last_row, self._retry_at_s = 0, None
        free = self._session.window - len(self._session.unacknowledged)
        events = self._outbox.pending(free, self._last_row) if free > 0 else []
        for event in events:
            topic = self._topics.event(event.subject)
            mid = self._session.publish(topic, _payload(event), qos=1, content_type=CONTENT_TYPE)
            self._sent[mid] = event
            self._last_row = event.row
        self.idle = free > 0 and not events and not self._sent

    def settle(self) -> None:
        """Takes acknowledged events out of the outbox; what the broker refused stays and is tried again later."""
        done = []
        for mid, reason in self._session.acknowledged():
            event = self._sent.pop(mid, None)
            if event is None:
                continue  # a status or a state
            if reason.is_failure:
                if self._retry_at_s is None:
                    log.error("broker refuses events on %s: %s", self._topics.event(event.subject), reason.getName())
                self._retry_at_s = time.monotonic() + _REFUSED_RETRY_S
            else:
                done.append(event.id)
        if done:
            self._outbox.delete(done)


def _payload(event: Waiting) -> bytes:
    """The event as it is sent now: an old one says so."""
    # The wall clock may have been set meanwhile, forward or back: then the age is not known, and "late" is safer.
    if abs(time.time() - event.put_at) <= DELAYED_AFTER_S:
        return event.payload
    envelope = json.loads(event.payload)
    envelope["data"]["delayed"] = True
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()
