"""Follows devices on a broker and prints what they say, one line a message, as it arrives."""

from __future__ import annotations

import json
import sys
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TextIO

from paho.mqtt.client import MQTTMessage
from pydantic import ValidationError

from edge.delivery.connection import Backoff, Dialer, Session, Waker
from edge.delivery.errors import DeliveryError
from edge.delivery.settings import BrokerSettings
from edge.events import CameraStatus, Event, Severity, split_topic, watch_filters
from edge.events.models import Measure

# Ids to remember: a device resends at most its window, but many devices may share a broker.
_REMEMBERED = 10_000

# Waits between attempts to reconnect.
_RETRY_MIN_S = 0.1
_RETRY_MAX_S = 0.5

_COLOURS: dict[Severity, str] = {"info": "", "notice": "\x1b[36m", "warning": "\x1b[33m", "critical": "\x1b[1;31m"}
_PLAIN = "\x1b[0m"


def format_event(event: Event, *, colour: bool = False) -> str:
    """An event as a readable line: local time, device, kind, phase, severity, duration, measures."""
    data = event.data
    parts = [
        _clock(event.time),
        event.device,
        f"{data.kind} {data.phase}",
        data.severity,
        f"{data.duration_s:.1f} s",
        *(f"{name}={_short(value)}" for name, value in data.measures.items() if value is not False),
    ]
    if data.sensing != "good":
        parts.append(f"(sensing {data.sensing})")
    if not data.time_synced:
        parts.append("(clock not set)")
    if data.delayed:
        parts.append("(sent late)")
    line = _printable("  ".join(parts))
    start = _COLOURS[data.severity] if colour else ""
    return f"{start}{line}{_PLAIN}" if start else line


class Watcher:
    """Prints the messages under a broker's topic root.

    topics: filters to subscribe instead of all events and statuses. raw: one JSON object a line, ``{"topic",
    "payload"}``, instead of text. Repeated events (same id) are printed once. on_event is called with each
    event after it is printed, in the thread of ``run``. ``subscribed`` is set once the first subscription stands.

    Raises:
        DeliveryError: a password or certificate file cannot be read.
    """

    def __init__(
        self,
        broker: BrokerSettings,
        topics: Sequence[str] | None = None,
        *,
        raw: bool = False,
        out: TextIO | None = None,
        on_event: Callable[[Event], None] = lambda _event: None,
    ) -> None:
        self.subscribed = threading.Event()
        self._on_event = on_event
        self._broker = broker
        self._filters = tuple(topics) if topics else watch_filters(broker.root)
        self._raw = raw
        self._out = out or sys.stdout
        self._colour = not raw and self._out.isatty()
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()
        client_id = broker.client_id or f"mien-watch-{uuid.uuid4().hex[:8]}"
        self._dialer = Dialer(broker, client_id, on_message=self._show)
        self._waker = Waker()
        self._stopped = False

    def run(self) -> None:
        """Prints until ``stop``, Ctrl-C or a closed pipe; reconnects when the connection breaks.

        Raises:
            DeliveryError: the first connection fails, or the broker refuses a topic.
        """
        # Quick to be back: what is published meanwhile is not kept for a watcher.
        backoff = Backoff(min(_RETRY_MIN_S, self._broker.reconnect_min_s), _RETRY_MAX_S)
        session: Session | None = None
        try:
            while not self._stopped:
                session, outcome = self._dialer.dial()
                if session is not None and self._subscribed(session):
                    self.subscribed.set()
                    backoff.reset()
                    self._follow(session)
                elif not self.subscribed.is_set():
                    raise DeliveryError(outcome.reason)
                if not self._stopped:
                    self._waker.wait(backoff.next_s())
        except (KeyboardInterrupt, BrokenPipeError):
            pass  # both mean that the reader has seen enough
        finally:
            if session is not None:
                session.close()
            self._waker.close()

    def stop(self) -> None:
        """Ends ``run`` from another thread."""
        self._stopped = True
        self._waker.wake()

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
        while session.alive and not self._stopped:
            session.poll(1.0, self._waker)
        if not self._stopped:
            print(
                f"connection to broker {self._broker.address} lost: {session.lost_because}; reconnecting",
                file=sys.stderr,
                flush=True,
            )

    def _show(self, message: MQTTMessage) -> None:
        split = split_topic(message.topic, self._broker.root)
        event: Event | None = None
        wrong = ""
        if split is not None and split[1].endswith("/event"):
            try:
                event = Event.model_validate_json(message.payload)
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                wrong = f"{'.'.join(str(part) for part in first['loc'])} {first['msg']}"
        if event is not None and self._seen_before(event):
            return
        print(self._line(message, split, event, wrong), file=self._out, flush=True)
        if event is not None:
            self._on_event(event)

    def _line(self, message: MQTTMessage, split: tuple[str, str] | None, event: Event | None, wrong: str) -> str:
        text = message.payload.decode(errors="replace")
        if self._raw:
            return json.dumps({"topic": message.topic, "payload": _json_or_text(text)}, ensure_ascii=True)
        if wrong:
            return _printable(f"{_now()}  unreadable event on {message.topic}: {wrong}")
        if event is not None:
            return format_event(event, colour=self._colour)
        if split is None:
            return _printable(f"{_now()}  {message.topic}  {text}")
        device, rest = split
        if rest.startswith("camera/") and (camera := _camera_line(text)):
            return _printable(f"{_now()}  {device}  {camera}")
        return _printable(f"{_now()}  {device}  {rest}  {text}")

    def _seen_before(self, event: Event) -> bool:
        key = (event.source, event.id)
        if key in self._seen:
            return True
        self._seen[key] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return False


def _camera_line(text: str) -> str | None:
    try:
        camera = CameraStatus.model_validate_json(text)
    except ValidationError:
        return None
    return f"camera {camera.camera}  {camera.status}" + (f"  ({camera.reason})" if camera.reason else "")


def _json_or_text(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _clock(moment: datetime) -> str:
    local = moment.astimezone()
    return f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}"


def _now() -> str:
    return _clock(datetime.fromtimestamp(time.time()).astimezone())


def _short(value: Measure) -> str:
    if value is None:
        return "unknown"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _printable(text: str) -> str:
    """Without control characters: what others send must not steer the terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
