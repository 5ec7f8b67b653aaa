"""What may be asked of a running device over MQTT: commands, and switches that are on or off.

A command goes to ``<root>/<device>/command/<name>`` as a JSON object (nothing counts as ``{}``), a switch is set by
``ON`` or ``OFF`` on ``<root>/<device>/<switch>/set``. The answer is ``{"ok": true, …}`` or ``{"ok": false, "error":
"…"}``, on the request's MQTT 5 response topic with its correlation data; without one, on the request's own topic
followed by ``/result``. Retained requests are passed over: an order of nobody knows when must not be obeyed again at
each reconnect.

Who may ask is the broker's to say: ``deploy/brokers/mien.acl`` does for mosquitto.
"""

from __future__ import annotations

import json
import logging
import queue
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from edge.delivery.errors import DeliveryError
from edge.delivery.incoming import Incoming, Listeners
from edge.errors import MienError
from edge.events import Topics
from edge.events.requests import COMMANDS, SWITCHES, Identify, Recalibrate, Snooze
from edge.settings import rule

log = logging.getLogger(__name__)

#: Requests that wait for the frame loop, which takes one between two frames; whoever asks more often is turned away.
_MOST_WAITING = 16

#: Of those turned away, so many are told so in each turn: answers must not become a flood of their own.
_MOST_TURNED_AWAY = 4

_LONGEST_PAYLOAD = 4096

#: What an action tells beside success: JSON values by name.
Facts = Mapping[str, Any]


class CommandSettings(BaseModel):
    """Whether the device takes orders over MQTT."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = rule(
        True,
        "Commands",
        "Obey commands and switches that arrive over MQTT. Who may send them is set by the broker's access rights.",
    )


class CommandError(DeliveryError):
    """A command that cannot be obeyed; the message is the answer's."""


class Actions(Protocol):
    """What commands do; each raises a MienError with the reason where it cannot."""

    def recalibrate(self) -> Facts:
        """Learn the driver's own normal anew."""

    def snooze(self, seconds: float) -> Facts:
        """Silence all but critical alarms."""

    def identify(self) -> Facts:
        """Be heard or seen once, and tell who this is."""

    def config(self) -> Facts:
        """The configuration in effect, without secrets."""

    def switch(self, name: str, *, on: bool) -> Facts:
        """Set a switch."""


@dataclass(frozen=True, slots=True)
class _Request:
    """switch: whether ``name`` is a switch's, not a command's. answer_to: a topic."""

    name: str
    switch: bool
    payload: bytes
    answer_to: str
    correlation: bytes | None
    refusal: str | None


class Commands:
    """Takes requests in the network's thread, and runs them in the thread that calls ``run``.

    inputs: which topics to listen to, and what is to be done with their messages, for the ``Publisher``.
    """

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._waiting: queue.Queue[_Request] = queue.Queue(_MOST_WAITING)
        self._turned_away: deque[_Request] = deque(maxlen=_MOST_TURNED_AWAY)
        self.inputs: Listeners = {
            topics.any_command: self._take,
            topics.any_feature_set: self._take,
        }

    def refuse(self, why: str, answer: Callable[[str, bytes, bytes | None], None]) -> None:
        """Answers all requests that wait: nobody is there to obey them."""
        while self._turned_away or not self._waiting.empty():
            request = self._turned_away.popleft() if self._turned_away else self._waiting.get_nowait()
            log.warning("%s %s refused: %s", "switch" if request.switch else "command", request.name, why)
            _answer(request, {"ok": False, "error": why}, answer)

    def run(self, actions: Actions, answer: Callable[[str, bytes, bytes | None], None]) -> None:
        """Runs the request that has waited longest, if one does. answer: takes topic, payload and correlation data."""
        while self._turned_away:
            request = self._turned_away.popleft()
            _answer(request, {"ok": False, "error": "too many commands wait; ask again later"}, answer)
        try:
            request = self._waiting.get_nowait()
        except queue.Empty:
            return
        try:
            facts = _obey(request, actions)
        except MienError as error:
            log.warning("%s %s refused: %s", "switch" if request.switch else "command", request.name, error)
            _answer(request, {"ok": False, "error": str(error)}, answer)
        else:
            log.info("%s %s obeyed", "switch" if request.switch else "command", request.name)
            _answer(request, {"ok": True, **facts}, answer)

    def _take(self, message: Incoming) -> None:
        if message.retain:
            log.warning("%s: a retained request is not obeyed; send it without retain", message.topic)
            return
        request = self._request(message)
        try:
            self._waiting.put_nowait(request)
        except queue.Full:
            if not self._turned_away:
                log.warning("%s: more commands than can be obeyed; some are turned away", message.topic)
            self._turned_away.append(request)

    def _request(self, message: Incoming) -> _Request:
        levels = message.topic.split("/")
        switch = levels[-1] == "set" and levels[-2] != "command"
        answer_to, refusal = f"{message.topic}/result", None
        wish = message.answer_to
        if wish is not None and wish != answer_to:
            refusal = self._why_not(wish)
            answer_to = wish if refusal is None else answer_to
        payload = message.payload
        if len(payload) > _LONGEST_PAYLOAD:
            refusal, payload = f"the payload is longer than {_LONGEST_PAYLOAD} bytes", b""
        return _Request(
            name=levels[-2] if switch else levels[-1],
            switch=switch,
            payload=payload,
            answer_to=answer_to,
            correlation=message.correlation,
            refusal=refusal,
        )

    def _why_not(self, response_topic: str) -> str | None:
        """Why an answer must not go there: asked by one who may only ask, the device writes with its own rights."""
        if not response_topic or set(response_topic) & set("+#\0"):
            return "the response topic must be one topic, without + and #"
        if response_topic.startswith(f"{self._topics.root}/"):
            return (
                f"the response topic must not lie below {self._topics.root}/; leave it out to be answered on …/result"
            )
        return None


def _obey(request: _Request, actions: Actions) -> Facts:
    if request.refusal is not None:
        raise CommandError(request.refusal)
    if request.switch:
        if request.name not in SWITCHES:
            raise CommandError(f"no switch {request.name!r}; there are {', '.join(SWITCHES)}")
        word = request.payload.strip()
        if word not in (b"ON", b"OFF"):
            raise CommandError("a switch takes ON or OFF")
        return actions.switch(request.name, on=word == b"ON")
    if request.name not in COMMANDS:
        raise CommandError(f"no command {request.name!r}; there are {', '.join(COMMANDS)}")
    try:
        command = COMMANDS[request.name].model_validate_json(request.payload.strip() or b"{}")
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CommandError(f"{where}: {first['msg']}" if where else first["msg"]) from None
    match command:
        case Recalibrate():
            return actions.recalibrate()
        case Snooze():
            return actions.snooze(command.seconds)
        case Identify():
            return actions.identify()
        case _:
            return actions.config()


def _answer(request: _Request, said: Facts, answer: Callable[[str, bytes, bytes | None], None]) -> None:
    answer(request.answer_to, json.dumps(said, ensure_ascii=False).encode(), request.correlation)
