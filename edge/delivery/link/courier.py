"""Vision's end: takes what the daemon says to the process that publishes, and never lets it wait."""

from __future__ import annotations

import logging
import math
import os
import select
import threading
import time
from collections import deque
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel

from edge.delivery.delivery import ConnectionOutcome
from edge.delivery.incoming import Incoming, Listeners
from edge.delivery.link.line import Line, LineError, call
from edge.delivery.link.packets import (
    AnswerPacket,
    Beat,
    Bye,
    Damaged,
    EventPacket,
    FromPublish,
    Heard,
    Hello,
    News,
    PacketError,
    Put,
    Refused,
    StatePacket,
    Taken,
    Welcome,
    encode,
    from_publish,
)
from edge.delivery.outbox import Outbox
from edge.delivery.states import LastStates, State
from edge.delivery.waker import Waker
from edge.events import Info, Topics
from edge.events.catalogue import INFO

log = logging.getLogger(__name__)

#: Between two attempts to reach publish; it costs nothing, and what waits is in the outbox.
_RETRY_S = 1.0
#: Between two signs of life; publish gives vision up after several.
BEAT_EVERY_S = 2.0
#: How long the thread sleeps at most while a peer must not be read, or does not read.
_TURN_S = 0.1
#: And otherwise: a sign of life is due every other second.
_TURN_LONG_S = 1.0
#: Answers that may wait for publish; older ones make room.
_MOST_UNANSWERED = 64
#: Events in memory on their way at a time.
_MOST_CARRIED = 100


class Courier:
    """The ``Delivery`` of a process without a network.

    What is said while publish is away is kept as it would be while the broker is: of states the newest, of answers
    nothing, events in the outbox. inputs, requests: as of ``Publisher``.
    """

    apart = True

    def __init__(
        self, path: Path, outbox: Outbox, info: Info, topics: Topics, *, inputs: Listeners, requests: Listeners
    ) -> None:
        self._path = path
        self._outbox = outbox
        self._hello = Hello(pid=os.getpid(), device=topics.device, root=topics.root)
        self._listeners = {**requests, **inputs}
        self._away = ConnectionOutcome("unreachable", f"mien publish does not answer ({path})")
        self._news: News | None = None
        self._states = LastStates()
        self._answers: deque[bytes] = deque(maxlen=_MOST_UNANSWERED)
        self._carried: set[str] = set()
        self._put = False
        self._welcome = False
        self._beaten = False
        self._beat_s = -math.inf
        self._too_long: set[str] = set()
        self._complaint: str | None = None
        self._give_up_at_s: float | None = None
        self._told = threading.Event()
        self._waker = Waker()
        self._thread = threading.Thread(target=self._run, name="mien-courier", daemon=True)
        self.state(topics.info, info, qos=INFO.qos, retain=INFO.retain)

    def start(self, *, unattended: bool = False) -> Self:  # noqa: ARG002 - a Delivery's
        """See Delivery; how it goes is logged in either case."""
        self._outbox.listen(self._was_put)
        self._thread.start()
        return self

    def wait_connected(self, timeout_s: float) -> ConnectionOutcome:
        """See Delivery."""
        self._told.wait(timeout_s)
        return self.outcome or self._away

    @property
    def outcome(self) -> ConnectionOutcome | None:
        """See Delivery."""
        news = self._news
        if news is None:
            return self._away
        return None if news.outcome is None else ConnectionOutcome(news.outcome, news.reason)

    @property
    def connections(self) -> int:
        """See Delivery."""
        news = self._news
        return 0 if news is None else news.connections

    @property
    def connected(self) -> bool:
        """See Delivery."""
        news = self._news
        return news is not None and news.connected

    @property
    def trouble(self) -> str | None:
        """See Delivery."""
        news = self._news
        return None if news is None else news.trouble

    def state(
        self,
        topic: str,
        payload: BaseModel | str | bytes,
        *,
        retain: bool = False,
        qos: Literal[0, 1] = 0,
        expiry_s: float | None = None,
    ) -> None:
        """See Delivery."""
        self._states.put(topic, payload, retain=retain, qos=qos, expiry_s=expiry_s)
        self._waker.wake()

    def answer(self, topic: str, payload: bytes, correlation: bytes | None = None) -> None:
        """See Delivery."""
        try:
            self._answers.append(encode(AnswerPacket(topic=topic, correlation=correlation), payload))
        except ValueError as error:
            log.error("an answer to %.100s is not sent: %s", topic, error)
        self._waker.wake()

    def beat(self) -> None:
        """See Delivery."""
        self._beaten = True

    def close(self, drain_s: float = 5.0) -> int:
        """See Delivery; what is on disk publish delivers without us."""
        self._outbox.listen(None)
        if self._thread.is_alive():
            self._give_up_at_s = time.monotonic() + drain_s
            self._waker.wake()
            self._thread.join(drain_s + _TURN_S)
        if not self._thread.is_alive():
            self._waker.close()
        return self._outbox.depth()

    def _was_put(self) -> None:
        self._put = True
        self._waker.wake()

    def _run(self) -> None:
        while self._give_up_at_s is None:
            try:
                line = call(self._path)
                try:
                    self._serve(line)
                finally:
                    self._news = None
                    line.close()
            except (LineError, PacketError) as error:
                if str(error) != self._complaint:
                    log.warning("mien publish (%s): %s; events wait in the outbox", self._path, error)
                self._complaint = str(error)
            if self._give_up_at_s is None:
                self._waker.wait(_RETRY_S)

    def _serve(self, line: Line) -> None:
        """Until this process ends; raises LineError where publish does, PacketError where it talks nonsense."""
        self._carried.clear()
        self._answers.clear()
        self._welcome = False
        self._beat_s = -math.inf
        line.send(encode(self._hello))
        while True:
            said_all = self._speak(line)
            at_s = self._give_up_at_s
            if at_s is not None and ((said_all and not self._outbox.in_memory(1)) or time.monotonic() >= at_s):
                line.send(encode(Bye()))
                return
            poller = select.poll()
            poller.register(self._waker, select.POLLIN)
            poller.register(line, (select.POLLIN if line.hears else 0) | (0 if said_all else select.POLLOUT))
            poller.poll(1000 * (_TURN_S if self._give_up_at_s is not None or not line.hears else _TURN_LONG_S))
            self._waker.clear()
            for data in line.receive():
                self._hear(*from_publish(data))

    def _speak(self, line: Line) -> bool:
        """Hands over what waits; False where publish is behind with reading."""
        while self._answers:
            answer = self._answers.popleft()
            if not line.send(answer):
                self._answers.appendleft(answer)
                return False
        if self._welcome and not self._speak_states(line, self._states.unsent()):
            return False
        if self._put:
            self._put = False
            if not line.send(encode(Put())):
                self._put = True
                return False
        if self._beaten and time.monotonic() >= self._beat_s + BEAT_EVERY_S:
            if not line.send(encode(Beat())):
                return False
            self._beaten, self._beat_s = False, time.monotonic()
        return self._outbox.trouble is None or self._speak_events(line)

    def _speak_states(self, line: Line, states: list[State]) -> bool:
        for number, state in enumerate(states):
            try:
                packet = encode(
                    StatePacket(
                        topic=state.topic,
                        retain=state.retain,
                        qos=state.qos,
                        expiry_s=state.expiry_s,
                        at_s=state.at_s,
                    ),
                    state.payload,
                )
            except ValueError as error:
                if state.topic not in self._too_long:
                    log.error("%.100s is not sent: %s", state.topic, error)
                self._too_long.add(state.topic)
                continue
            if not line.send(packet):
                self._states.put_back(states[number:])
                return False
        return True

    def _speak_events(self, line: Line) -> bool:
        """Events that the disk does not take; what publish knows already waits for the broker there."""
        for event in self._outbox.in_memory(_MOST_CARRIED):
            if event.id in self._carried:
                continue
            packet = EventPacket(id=event.id, subject=event.subject, severity=event.severity, put_at=event.put_at)
            if not line.send(encode(packet, event.payload)):
                return False
            self._carried.add(event.id)
        return True

    def _hear(self, packet: FromPublish, body: bytes) -> None:
        match packet:
            case Welcome():
                log.info("mien publish takes it from here")
                self._complaint = None
                self._states.restore()
                self._welcome = True
            case News():
                self._news = packet
                if packet.outcome is not None:
                    self._told.set()
            case Heard():
                if (take := self._listeners.get(packet.listener)) is not None:
                    take(
                        Incoming(
                            packet.topic,
                            body,
                            retain=packet.retain,
                            answer_to=packet.answer_to,
                            correlation=packet.correlation,
                            at_s=min(packet.at_s, time.monotonic()),
                        )
                    )
            case Taken():
                self._outbox.delete(packet.ids)
                self._carried.difference_update(packet.ids)
            case Damaged():
                self._outbox.examine()
            case Refused():
                raise LineError(packet.why)
