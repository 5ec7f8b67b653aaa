"""Sends what waits in the outbox, and the last states, to the broker; reconnects for ever."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import Literal, Self

from paho.mqtt.client import MQTTMessage, topic_matches_sub
from pydantic import BaseModel

from edge.delivery.backlog import REFUSED_RETRY_S, Backlog, Queue
from edge.delivery.connection import Backoff, Dialer, Session, Will
from edge.delivery.delivery import CONNECTED, ConnectionOutcome
from edge.delivery.errors import DeliveryError
from edge.delivery.incoming import Incoming, Listeners
from edge.delivery.rivalry import Rivalry
from edge.delivery.settings import BrokerSettings
from edge.delivery.states import LastStates
from edge.delivery.waker import Waker
from edge.events import Info, Topics
from edge.events.catalogue import INFO, STATUS

log = logging.getLogger(__name__)

# Answers to requests that may wait for the connection's next turn; older ones make room.
_MOST_UNANSWERED = 64

# How long the last messages and the goodbye may take.
_GOODBYE_S = 2.0

# How long the network loop sleeps at most: the keep-alive is looked after between sleeps.
_TURN_S = 1.0


class Publisher:
    """Publishes one device's events and states in a thread of its own; a context manager that starts and closes.

    Events leave the outbox when the broker acknowledges them, and are sent again, under the same id, after a
    connection breaks: each arrives at least once. ``outcome`` tells how the last attempt to connect ended, None
    before the first; ``connections`` how often one came to stand. info: what the device says of itself once connected,
    after its status ``online``; a device's id alone where both are told as states, and change. inputs: topics to listen
    to, and what is to be done with their messages, in the publisher's thread. requests: likewise, with filters and
    QoS 1.

    Raises:
        DeliveryError: a password or certificate file cannot be read.
    """

    apart = False

    def __init__(
        self,
        broker: BrokerSettings,
        outbox: Queue,
        info: Info | str,
        *,
        inputs: Listeners | None = None,
        requests: Listeners | None = None,
    ) -> None:
        self.outcome: ConnectionOutcome | None = None
        self.connections = 0
        self._broker = broker
        self._outbox = outbox
        device = info if isinstance(info, str) else info.device
        self._topics = Topics(device, broker.root)
        will = Will(self._topics.status, b"offline", STATUS.qos, STATUS.retain)
        self._inputs = dict(inputs or {})
        self._requests = dict(requests or {})
        self._deaf_until_s = -math.inf
        client_id = broker.client_id or f"mien-{device}"
        self._dialer = Dialer(broker, client_id, will=will, on_message=self._hear)
        self._rivalry = Rivalry(broker, client_id, f"{broker.root}/{device}/#")
        self._refused: dict[str, str] = {}  # what was said of a topic, so that it is said once
        self._waker = Waker()
        self._thread = threading.Thread(target=self._run, name="mien-publisher", daemon=True)
        self._attempted = threading.Event()
        self._connected = threading.Event()
        self._unattended = False
        self._give_up_at_s: float | None = None
        self._states = LastStates()
        self._unanswered: deque[tuple[str, bytes, bytes | None]] = deque(maxlen=_MOST_UNANSWERED)
        if not isinstance(info, str):
            self.state(self._topics.status, b"online", qos=STATUS.qos, retain=STATUS.retain)
            self.state(self._topics.info, info, qos=INFO.qos, retain=INFO.retain)

    def start(self, *, unattended: bool = False) -> Self:
        """Starts connecting; returns at once. unattended: nobody will ``wait_connected``, so log how that goes."""
        self._unattended = unattended
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
    def trouble(self) -> str | None:
        """Why messages don't get through although the broker answers, None while they do.

        It refuses to have a topic written or read, or another client has the same id. A broker of MQTT 3.1.1 can't
        refuse a message: it acknowledges what it then throws away.
        """
        return self._rivalry.trouble or next(iter(list(self._refused.values())), None)

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

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
        at_s: float | None = None,
    ) -> None:
        """Publishes a topic's present state: only the newest counts, and none queues while offline.

        A retained state is sent again after a reconnect, unless ``expiry_s`` seconds have passed since. at_s: when it
        was so, in monotonic seconds; None: now.
        """
        self._states.put(topic, payload, retain=retain, qos=qos, expiry_s=expiry_s, at_s=at_s)
        self._waker.wake()

    def answer(self, topic: str, payload: bytes, correlation: bytes | None = None) -> None:
        """Publishes an answer to somebody's request: once, with QoS 0, and not after a reconnect."""
        self._unanswered.append((topic, payload, correlation))
        self._waker.wake()

    def beat(self) -> None:
        """Nobody but systemd watches over the process that publishes itself."""

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
            session, outcome = self._dialer.dial()
            settle_s = 0.0 if self.outcome is None else self._broker.settle_s
            self._note(outcome)
            wait_s = backoff.next_s()
            if session is not None:
                backoff.reset()
                try:
                    wait_s = self._serve(session, settle_s)
                except DeliveryError as error:
                    log.error("%s", error)
            wait_until_s = time.monotonic() + wait_s
            while not self._closing and (left_s := wait_until_s - time.monotonic()) > 0:
                self._waker.wait(left_s)
            if self._closing:
                self._waker.close()  # who closes may not have waited for so long
                return

    def _note(self, outcome: ConnectionOutcome) -> None:
        if outcome == CONNECTED:
            if self._rivalry.trouble is None:
                log.info("connected to broker %s", self._broker.address)
            self._connected.set()
            self.connections += 1
        elif outcome != self.outcome and (self.outcome is not None or self._unattended):
            # The first outcome is for who waits for it: ``wait_connected``.
            log.warning("%s; events wait in the outbox", outcome.reason)
        self.outcome = outcome
        self._attempted.set()

    def _serve(self, session: Session, settle_s: float) -> float:
        """From connected to disconnected; events go out after the first ``settle_s`` seconds.

        Returns how many seconds to wait before the next attempt.
        """
        began_s = time.monotonic()
        backlog = Backlog(self._outbox, session, self._topics)
        try:
            self._states.restore()
            self._send_states(session)
            self._unanswered.clear()
            listening = not (self._inputs or self._requests)
            while session.alive:
                if not listening and time.monotonic() >= self._deaf_until_s:
                    listening = self._listen(session)
                self._send_states(session)
                self._send_answers(session)
                now_s = time.monotonic()
                if now_s >= began_s + settle_s:
                    backlog.send()
                if self._closing and (backlog.idle or now_s >= (self._give_up_at_s or 0)):
                    self._say_stopped(session)
                    return 0.0
                turn_ends_s = [now_s + _TURN_S, self._give_up_at_s or math.inf]
                if now_s < began_s + settle_s:
                    turn_ends_s.append(began_s + settle_s)
                session.poll(min(turn_ends_s) - now_s, self._waker)
                self._settle(session, backlog)
                self._rivalry.lasts(now_s - began_s)
            return self._rivalry.ended(session, time.monotonic() - began_s)
        finally:
            self._connected.clear()
            backlog.forget()
            session.close()

    def _settle(self, session: Session, backlog: Backlog) -> None:
        """What the broker answered: the outbox forgets the events taken; a topic it refuses is told of once."""
        answers = session.answers()
        for answer in answers:
            if answer.refused is None and self._refused.pop(answer.topic, None) is not None:
                log.info("broker %s takes topic %s again", self._broker.address, answer.topic)
            elif answer.refused is not None and answer.topic not in self._refused:
                self._refused[answer.topic] = line = (
                    f"broker {self._broker.address} refuses topic {answer.topic}: {answer.refused} (its ACL must let "
                    "this client write it); events wait in the outbox"
                )
                log.error("%s", line)
        backlog.settle(answers)

    def _listen(self, session: Session) -> bool:
        """Subscribes to inputs and requests; False where the broker refuses, be it by hanging up as some do.

        It is asked again after a while; meanwhile it gets our events.
        """
        # QoS 0 for the inputs: of what the vehicle says only the newest counts, and it says it again.
        qualities: tuple[tuple[Mapping[str, object], Literal[0, 1]], ...] = ((self._requests, 1), (self._inputs, 0))
        for topics, qos in qualities:
            if not topics:
                continue
            filters = " ".join(topics)
            try:
                session.subscribe(tuple(topics), self._broker.connect_timeout_s, qos=qos)
            except DeliveryError as error:
                self._deaf_until_s = time.monotonic() + REFUSED_RETRY_S
                if filters not in self._refused:
                    log.error("%s; what it would tell stays unknown", error)
                self._refused[filters] = str(error)
                if not session.alive:
                    break
            else:
                self._refused.pop(filters, None)
        return time.monotonic() >= self._deaf_until_s

    def _hear(self, message: MQTTMessage) -> None:
        incoming = Incoming(
            message.topic,
            bytes(message.payload),
            retain=message.retain,
            answer_to=getattr(message.properties, "ResponseTopic", None),
            correlation=getattr(message.properties, "CorrelationData", None),
            at_s=time.monotonic(),
        )
        if (take := self._inputs.get(message.topic)) is not None:
            take(incoming)
            return
        for topics, take in self._requests.items():
            if topic_matches_sub(topics, message.topic):
                take(incoming)
                return

    def _send_states(self, session: Session) -> None:
        for state in self._states.unsent():
            session.publish(state.topic, state.payload, qos=state.qos, retain=state.retain, expiry_s=state.left_s())

    def _send_answers(self, session: Session) -> None:
        while self._unanswered:
            topic, payload, correlation = self._unanswered.popleft()
            session.publish(topic, payload, correlation=correlation)

    def _say_stopped(self, session: Session) -> None:
        mid = session.publish(self._topics.status, b"stopped", qos=STATUS.qos, retain=STATUS.retain)
        deadline = time.monotonic() + _GOODBYE_S / 2
        while session.alive and mid in session.unacknowledged and time.monotonic() < deadline:
            session.poll(deadline - time.monotonic())
