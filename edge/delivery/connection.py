"""One connection to the broker at a time, driven by the thread that uses it.

paho's client is used through its calls for a foreign network loop, and made anew for each connection: no second
thread, and nothing queued in memory that could outlive the connection and be sent twice.
"""

from __future__ import annotations

import math
import random
import select
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, LogLevel, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.delivery import reasons
from edge.delivery.delivery import CONNECTED, ConnectionOutcome
from edge.delivery.errors import DeliveryError
from edge.delivery.settings import BrokerSettings
from edge.delivery.waker import Waker

# Messages sent but not yet acknowledged: mosquitto's own default; MQTT 5 brokers may ask for fewer.
WINDOW = 20

# A broker that knows only 3.1.1 may misread a longer MQTT 5 CONNECT and wait for more of it, for ever (amqtt
# 0.12 does when there is a last will). Then silence is its only answer.
_AUTO_SILENCE_S = 2.0

# How long to wait for what a broker says of our certificate.
_VERDICT_S = 0.2

Protocol = Literal["5", "3.1.1"]


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes for us when the connection breaks."""

    topic: str
    payload: bytes
    qos: Literal[0, 1]
    retain: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """The broker's answer to a QoS 1 message. refused: its reason for not taking it, None where it has taken it."""

    mid: int
    topic: str
    refused: str | None


@lru_cache(maxsize=16)  # making them takes paho longer than sending the message
def _publish_properties(expiry_s: int | None, content_type: str | None, correlation: bytes | None) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    if expiry_s is not None:
        properties.MessageExpiryInterval = expiry_s
    if content_type is not None:
        properties.ContentType = content_type
    if correlation is not None:
        properties.CorrelationData = correlation
    return properties


class _TlsSocket(ssl.SSLSocket):
    """Fails in its handshake where the broker refuses our certificate, and closes itself then.

    In TLS 1.3 the broker judges it after our part of the handshake is over. Sending CONNECT into a connection that it
    has ended would lose its reason; where it is content it sends session tickets at once, so the wait is short.
    """

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
            if self.version() == "TLSv1.3":
                self._hear_verdict()
        except OSError:
            self.close()  # paho would leave that to the garbage collector
            raise

    def _hear_verdict(self) -> None:
        poller = select.poll()
        poller.register(self, select.POLLIN)
        if not poller.poll(_VERDICT_S * 1000):
            return
        patience_s = self.gettimeout()
        self.setblocking(False)
        try:
            self.recv(1)  # no broker speaks before CONNECT
        except ssl.SSLWantReadError:
            pass  # session tickets: it is content
        finally:
            self.settimeout(patience_s)


class Session:
    """One connection, from CONNECT to its end; all calls from one thread.

    unacknowledged: topics of the QoS 1 messages that the broker has not confirmed, by id. window: how many it takes.
    lost_because: why it ended. taken_over: it ended because another client came with the same client id; only some
    brokers say so.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        protocol: Protocol,
        client_id: str,
        context: ssl.SSLContext | None,
        will: Will | None,
        on_message: Callable[[MQTTMessage], None] | None,
    ) -> None:
        self.protocol = protocol
        self.window = WINDOW
        self.unacknowledged: dict[int, str] = {}
        self.lost_because = ""
        self.taken_over = False
        self._settings = settings
        self._client_id = client_id
        self._told = ""
        self._on_message = on_message
        self._reached = False
        self._answer: ReasonCode | None = None
        self._answers: list[Answer] = []
        self._subscription: list[ReasonCode] | None = None
        version = MQTTProtocolVersion.MQTTv5 if protocol == "5" else MQTTProtocolVersion.MQTTv311
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=version,
            transport="tcp" if settings.websocket_path is None else "websockets",
            reconnect_on_failure=False,
        )
        if settings.websocket_path is not None:
            self._client.ws_set_options(settings.websocket_path)
        self._client.connect_timeout = settings.connect_timeout_s
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.on_publish = self._published
        self._client.on_subscribe = self._subscribed
        self._client.on_message = self._received
        if context is not None:
            self._client.tls_set_context(context)
        login = settings.login()
        if login is not None:
            self._client.username_pw_set(*login)
        if will is not None:
            self._client.will_set(will.topic, will.payload, qos=will.qos, retain=will.retain)

    @property
    def alive(self) -> bool:
        """Whether the connection stands."""
        return self._client.socket() is not None

    def open(self, answer_s: float) -> ConnectionOutcome:
        """Connects and waits at most ``answer_s`` seconds for the broker's answer."""
        where = self._settings.address
        # paho tells why a read fails only in its log; once connected that costs more than it says.
        self._client.on_log = self._logged
        try:
            self._client.connect(self._settings.host, self._settings.port, self._settings.keepalive_s)
        except OSError as error:
            return ConnectionOutcome("unreachable", f"broker {where}: {reasons.of_network(error, self._settings)}")
        self._reached = True
        deadline = time.monotonic() + answer_s
        while self._answer is None and self.alive and time.monotonic() < deadline:
            self.poll(deadline - time.monotonic())
        self._client.on_log = None
        if self._answer is None:
            why = reasons.of_silence(self._told, self._settings, hung_up=not self.alive)
            self.close()
            return ConnectionOutcome("unreachable", f"broker {where}: {why}")
        if self._answer.is_failure:
            self.close()
            why = reasons.of_refusal(self._answer.getName(), self._settings, self._client_id)
            return ConnectionOutcome("refused", f"broker {where} refuses the connection: {why}")
        return CONNECTED

    @property
    def version_in_doubt(self) -> bool:
        """Whether a failed open may mean that the broker does not speak this MQTT version."""
        return self._reached and (self._answer is None or self._answer.getName() == "Unsupported protocol version")

    def poll(self, timeout_s: float, waker: Waker | None = None) -> None:
        """Waits for traffic or a wake-up, at most ``timeout_s`` seconds, and handles it."""
        sock = self._client.socket()
        if sock is None:
            return
        # TLS may hold decrypted bytes that the system knows nothing of.
        buffered = hasattr(sock, "pending") and sock.pending() > 0
        poller = select.poll()
        poller.register(sock, select.POLLIN | (select.POLLOUT if self._client.want_write() else 0))
        if waker is not None:
            poller.register(waker, select.POLLIN)
        ready = dict(poller.poll(0 if buffered else math.ceil(max(0.0, timeout_s) * 1000)))
        mask = ready.pop(sock.fileno(), 0)
        if ready and waker is not None:
            waker.clear()
        if buffered or mask & ~select.POLLOUT:  # an error is met by reading
            self._client.loop_read()
        if mask & select.POLLOUT:
            self._client.loop_write()
        self._client.loop_misc()

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: Literal[0, 1] = 0,
        retain: bool = False,
        expiry_s: float | None = None,
        content_type: str | None = None,
        correlation: bytes | None = None,
    ) -> int:
        """Sends a message and returns its id; expiry, content type and correlation data reach only MQTT 5 brokers."""
        properties = None
        if self.protocol == "5":
            whole_s = None if expiry_s is None else max(1, round(expiry_s))
            properties = _publish_properties(whole_s, content_type, correlation)
        info = self._client.publish(topic, payload, qos=qos, retain=retain, properties=properties)
        if qos:
            self.unacknowledged[info.mid] = topic
        return info.mid

    def answers(self) -> list[Answer]:
        """What the broker has answered to QoS 1 messages since the last call."""
        answers, self._answers = self._answers, []
        return answers

    def subscribe(self, filters: tuple[str, ...], answer_s: float, *, qos: Literal[0, 1] = 1) -> None:
        """Subscribes and waits for the broker's answer.

        Raises:
            DeliveryError: the broker refuses a filter, or does not answer.
        """
        self._client.subscribe([(topic, int(qos)) for topic in filters])
        deadline = time.monotonic() + answer_s
        while self._subscription is None and self.alive and time.monotonic() < deadline:
            self.poll(deadline - time.monotonic())
        answer, self._subscription = self._subscription, None
        if answer is None:
            raise DeliveryError(f"broker {self._settings.address} does not answer the subscription")
        for topic, code in zip(filters, answer, strict=True):
            if code.is_failure:
                raise DeliveryError(
                    f"broker {self._settings.address} refuses topic {topic}: {code.getName()} (its ACL must let this "
                    "client read it)"
                )

    def close(self) -> None:
        """Says goodbye, so that the broker does not publish the last will, and closes the connection."""
        if not self.alive:
            return
        self._client.disconnect()
        deadline = time.monotonic() + 0.5
        while self.alive and time.monotonic() < deadline:
            self.poll(0.05)
        # A peer that has gone silent takes no goodbye.
        sock = self._client.socket()
        if sock is not None:
            sock.close()

    def _connected(
        self, _client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self._answer = reason
        self.window = min(WINDOW, getattr(properties, "ReceiveMaximum", WINDOW))

    def _disconnected(
        self,
        _client: Client,
        _data: object,
        flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        told = flags.is_disconnect_packet_from_server or reason.getName() == "Keep alive timeout"
        self.lost_because = reason.getName() if told else "the broker or the network ended it"
        self.taken_over = reason.getName() == "Session taken over"

    def _published(
        self, _client: Client, _data: object, mid: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if (topic := self.unacknowledged.pop(mid, None)) is not None:
            self._answers.append(Answer(mid, topic, reason.getName() if reason.is_failure else None))

    def _subscribed(
        self, _client: Client, _data: object, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        self._subscription = reasons

    def _received(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        if self._on_message is not None:
            self._on_message(message)

    def _logged(self, _client: Client, _data: object, level: int, text: str) -> None:
        if level == LogLevel.MQTT_LOG_ERR:
            self._told = text


class Dialer:
    """Makes sessions, and knows which MQTT version the broker speaks once it has answered.

    Raises:
        DeliveryError: a certificate or password file cannot be read.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        client_id: str,
        *,
        will: Will | None = None,
        on_message: Callable[[MQTTMessage], None] | None = None,
    ) -> None:
        self._settings = settings
        self._client_id = client_id
        self._context = settings.tls_context()
        if self._context is not None:
            self._context.sslsocket_class = _TlsSocket
        self._will = will
        self._on_message = on_message
        self._spoken: Protocol | None = None if settings.protocol == "auto" else settings.protocol
        settings.login()

    def dial(self) -> tuple[Session | None, ConnectionOutcome]:
        """Tries to connect once, in ``auto`` with both MQTT versions; the session is None unless connected."""
        versions: tuple[Protocol, ...] = ("5", "3.1.1") if self._spoken is None else (self._spoken,)
        for version in versions:
            last = version == versions[-1]
            try:
                session = Session(self._settings, version, self._client_id, self._context, self._will, self._on_message)
            except DeliveryError as error:  # the password file is gone, or cannot be read any more
                return None, ConnectionOutcome("unreachable", str(error))
            patience = self._settings.connect_timeout_s
            outcome = session.open(patience if last else min(patience, _AUTO_SILENCE_S))
            if outcome is CONNECTED:
                self._spoken = version
                return session, outcome
            if not session.version_in_doubt:
                break
        if self._settings.protocol == "auto":
            # The broker may be another one by the time it answers again.
            self._spoken = None
        return None, outcome


class Backoff:
    """Waits that double from one attempt to the next, with jitter so that a fleet does not call in step."""

    def __init__(self, min_s: float, max_s: float) -> None:
        self._min_s = min_s
        self._max_s = max(min_s, max_s)
        self._next_s = min_s

    def next_s(self) -> float:
        """The seconds to wait now: between half and all of the present step."""
        step, self._next_s = self._next_s, min(self._next_s * 2, self._max_s)
        return step * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret

    def reset(self) -> None:
        """Begins again with the shortest wait."""
        self._next_s = self._min_s
