"""Publish's end: takes what vision says to the publisher, and brings it what the broker says."""

from __future__ import annotations

import logging
import select
import time
from collections import deque
from functools import partial
from pathlib import Path

from edge.closing import Closing
from edge.delivery.commands import Commands
from edge.delivery.drain import Drain
from edge.delivery.incoming import Incoming, Listeners
from edge.delivery.link.allowed import Allowed
from edge.delivery.link.line import Line, LineError, check_peer, listen
from edge.delivery.link.packets import (
    LONGEST_BODY,
    VERSION,
    AnswerPacket,
    Beat,
    Bye,
    Damaged,
    EventPacket,
    FromVision,
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
    from_vision,
)
from edge.delivery.link.presence import Presence
from edge.delivery.publisher import Publisher
from edge.delivery.store import Waiting
from edge.delivery.waker import Waker
from edge.events import Topics

log = logging.getLogger(__name__)

#: Messages for vision that wait for its attention; older ones make room.
_MOST_WAITING = 256
#: Whoever calls says who it is at once.
_HELLO_WITHIN_S = 2.0
#: How long to leave a vision alone that says more than it may.
_CROWDED_S = 0.05
#: Topics that vision tries to publish and may not.
_MOST_FORBIDDEN = 20
#: How often to look whether the socket's file is still ours, and to tell of a damaged outbox.
_LOOK_EVERY_S = 5.0


class Desk(Closing):
    """One vision at a time is served; a context manager, all calls from one thread.

    vision: the process number of who is served, None while nobody is. presence: what to think of it.

    Raises:
        DeliveryError: the socket cannot be made, or another publish has it.
    """

    def __init__(self, path: Path, drain: Drain, topics: Topics, allowed: Allowed, presence: Presence) -> None:
        self.presence = presence
        self.vision: int | None = None
        self._listener = listen(path)
        self._inode = path.stat().st_ino
        self._path = path
        self._drain = drain
        self._topics = topics
        self._allowed = allowed
        self._absent = Commands(topics)
        self._waker = Waker()
        self._waiting: deque[tuple[str, Incoming]] = deque(maxlen=_MOST_WAITING)
        self._line: Line | None = None
        self._since_s = 0.0
        self._welcomed = False
        self._news: News | None = None
        self._look_at_s = 0.0
        self._forbidden: set[str] = set()

    def inputs(self, topics: Listeners) -> Listeners:
        """What the ``Publisher`` is to hear for vision: these topics."""
        return {topic: partial(self._hear, topic) for topic in topics}

    def requests(self) -> Listeners:
        """Likewise: commands and switches, answered here while nobody is there to obey them."""
        return {listener: partial(self._ask, listener) for listener in self._absent.inputs}

    def turn(self, publisher: Publisher, timeout_s: float) -> None:
        """Waits for vision, or for the broker's word to it, at most so long, and passes on what there is."""
        said_all = True
        if self._line is not None:
            try:
                said_all = self._speak(self._line, publisher)
            except LineError as error:
                self._lose(str(error))
        self._wait(timeout_s, said_all=said_all)
        if self._line is not None:
            self._attend(self._line, publisher)
        if self._line is None:
            self._accept()
        while self._waiting and self.vision is None:
            listener, message = self._waiting.popleft()
            if listener in self._absent.inputs:
                self._absent.inputs[listener](message)
        self._absent.refuse("the process that sees the camera (mien vision) does not run", publisher.answer)
        self._look()

    def close(self) -> None:
        """Hangs up, and takes the socket away."""
        if self._line is not None:
            self._line.close()
        self._listener.close()
        if self._ours():
            self._path.unlink(missing_ok=True)
        self._waker.close()

    def _hear(self, listener: str, message: Incoming) -> None:
        """In the publisher's thread."""
        if self.vision is not None:
            self._waiting.append((listener, message))
            self._waker.wake()

    def _ask(self, listener: str, message: Incoming) -> None:
        """In the publisher's thread."""
        self._waiting.append((listener, message))
        self._waker.wake()

    def _wait(self, timeout_s: float, *, said_all: bool) -> None:
        poller = select.poll()
        poller.register(self._waker, select.POLLIN)
        if self._line is None:
            poller.register(self._listener, select.POLLIN)
        else:
            # Who calls while another is served waits in the kernel's queue.
            hears = self._line.hears
            poller.register(self._line, (select.POLLIN if hears else 0) | (0 if said_all else select.POLLOUT))
            timeout_s = timeout_s if hears else min(timeout_s, _CROWDED_S)
        poller.poll(1000 * timeout_s)
        self._waker.clear()

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except BlockingIOError:
            return
        except OSError as error:
            log.warning("%s: %s", self._path, error.strerror or error)
            return
        try:
            check_peer(sock)
        except LineError as error:
            log.warning("%s: a call is refused: %s", self._path, error)
            sock.close()
            return
        self._line, self._since_s, self._news = Line(sock), time.monotonic(), None
        self._welcomed = False

    def _attend(self, line: Line, publisher: Publisher) -> None:
        try:
            for data in line.receive():
                self._take(line, publisher, *from_vision(data))
            if self.vision is None and time.monotonic() > self._since_s + _HELLO_WITHIN_S:
                raise LineError("somebody called and did not say who")
        except (LineError, PacketError) as error:
            self._lose(str(error))

    def _take(self, line: Line, publisher: Publisher, packet: FromVision, body: bytes) -> None:
        if isinstance(packet, Hello):
            self._greet(line, packet)
            return
        if self.vision is None:
            raise LineError("somebody called and did not say who")
        match packet:
            case StatePacket() if self.presence.status != "online":
                pass  # a thread of a program that hangs may know what it has not seen; once it lives it says all anew
            case StatePacket():
                self._check(packet.topic, may=self._allowed.state(packet.topic, body))
                if packet.topic not in self._forbidden:
                    publisher.state(
                        packet.topic,
                        body,
                        retain=packet.retain,
                        qos=packet.qos,
                        expiry_s=packet.expiry_s,
                        at_s=packet.at_s,
                    )
            case AnswerPacket():
                self._check(packet.topic, may=self._allowed.answer(packet.topic, body))
                if packet.topic not in self._forbidden:
                    publisher.answer(packet.topic, body, packet.correlation)
            case EventPacket():
                self._drain.hand_over(Waiting(0, packet.id, packet.subject, packet.severity, packet.put_at, body))
            case Put():
                self._drain.wake()
            case Beat():
                self.presence.sign()
            case Bye():
                self.presence.bye()

    def _greet(self, line: Line, hello: Hello) -> None:
        why = None
        if hello.version != VERSION:
            why = "mien vision and mien publish are of different versions: restart both"
        elif (hello.device, hello.root) != (self._topics.device, self._topics.root):
            why = (
                f"mien vision speaks for {hello.root}/{hello.device}, mien publish for {self._topics.root}/"
                f"{self._topics.device}: give both the same configuration"
            )
        if why is not None:
            line.send(encode(Refused(why=why)))
            raise LineError(why)
        log.info("mien vision is there (process %d)", hello.pid)
        self.vision = hello.pid
        self._forbidden.clear()
        self._drain.disown()

    def _check(self, topic: str, *, may: bool) -> None:
        if may:
            self._forbidden.discard(topic)
        elif topic not in self._forbidden:
            if len(self._forbidden) >= _MOST_FORBIDDEN:
                raise LineError("it goes on to publish what it may not")
            log.error("mien vision may not publish %.200r", topic)
            self._forbidden.add(topic)

    def _speak(self, line: Line, publisher: Publisher) -> bool:
        """Says what waits for vision; False where it is behind with reading."""
        if self.vision is None:
            return True
        if self.presence.status != "online":
            self._welcomed = False
        elif not self._welcomed:
            self._welcomed = line.send(encode(Welcome()))
        outcome = publisher.outcome
        news = News(
            outcome=None if outcome is None else outcome.kind,
            reason="" if outcome is None else outcome.reason,
            connected=publisher.connected,
            connections=publisher.connections,
            trouble=publisher.trouble or self._drain.trouble,
        )
        if news != self._news:
            if not line.send(encode(news)):
                return False
            self._news = news
        while self._waiting:
            listener, message = self._waiting.popleft()
            if not self._pass_on(line, listener, message):
                self._waiting.appendleft((listener, message))
                return False
        if taken := self._drain.taken():
            # What it does not hear it hands over again.
            line.send(encode(Taken(ids=tuple(taken))))
        return True

    def _pass_on(self, line: Line, listener: str, message: Incoming) -> bool:
        packet = Heard(
            listener=listener,
            topic=message.topic,
            retain=message.retain,
            answer_to=message.answer_to,
            correlation=message.correlation,
            at_s=time.monotonic() if message.at_s is None else message.at_s,
        )
        try:
            # Cut short it is no longer JSON, or too long for a command: refused either way, and told so.
            said = line.send(encode(packet, message.payload[:LONGEST_BODY]))
        except PacketError as error:
            log.warning("%.100s: %s", message.topic, error)
            return True
        if said:
            self._allowed.asked(message.answer_to)
        return said

    def _lose(self, why: str) -> None:
        if self._line is not None:
            self._line.close()
        if self.vision is not None:
            orderly = self.presence.status == "stopped"
            log.log(logging.INFO if orderly else logging.WARNING, "mien vision is gone: %s", why)
        self._line = self.vision = self._news = None

    def _look(self) -> None:
        now_s = time.monotonic()
        if now_s < self._look_at_s:
            return
        self._look_at_s = now_s + _LOOK_EVERY_S
        if self._drain.damaged and self._line is not None and self.vision is not None:
            try:
                self._line.send(encode(Damaged()))
            except LineError as error:
                self._lose(str(error))
        if not self._ours():
            # Somebody tidied the folder up, and who calls finds nobody; or two began at the same moment.
            self._listener.close()
            self._listener = listen(self._path)
            self._inode = self._path.stat().st_ino

    def _ours(self) -> bool:
        try:
            return self._path.stat().st_ino == self._inode
        except OSError:
            return False
