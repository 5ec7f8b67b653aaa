"""What a watcher prints: a line a message, for people or for programs."""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime
from typing import TextIO

from pydantic import ValidationError

from edge.delivery.watch.contract import Findings
from edge.delivery.watch.message import Heard
from edge.events import CameraStatus, Event, Severity
from edge.events.models import Measure

_COLOURS: dict[Severity, str] = {"info": "", "notice": "\x1b[36m", "warning": "\x1b[33m", "critical": "\x1b[1;31m"}
_PLAIN = "\x1b[0m"


def format_event(event: Event, *, colour: bool = False) -> str:
    """An event as a readable line: local time, device, kind, phase, severity, duration, measures."""
    data = event.data
    parts = [
        clock(event.time),
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
    line = printable("  ".join(parts))
    start = _COLOURS[data.severity] if colour else ""
    return f"{start}{line}{_PLAIN}" if start else line


class Lines:
    """A watcher's view that prints each message as a line, as it arrives, and what is to be said against it.

    raw: one JSON object a line, ``{"topic", "payload"}`` and, where messages are checked, ``"violations"`` and
    ``"notes"``. only_findings: nothing but the messages that something is to be said against.
    """

    turn_s = 1.0

    def __init__(self, out: TextIO | None = None, *, raw: bool = False, only_findings: bool = False) -> None:
        self._out = out or sys.stdout
        self._raw = raw
        self._only_findings = only_findings
        self._colour = not raw and self._out.isatty()

    def connected(self) -> None:
        """The subscription stands; the messages will tell."""

    def lost(self, broker: str, reason: str) -> None:
        """Says on stderr that the connection broke."""
        print(f"connection to broker {broker} lost: {reason}; reconnecting", file=sys.stderr, flush=True)

    def show(self, heard: Heard, findings: Findings | None) -> None:
        """Prints a message; findings: None where it was not checked."""
        if self._only_findings and findings == Findings():
            return
        if self._raw:
            said: dict[str, object] = {"topic": heard.topic, "payload": _json_or_text(heard.text)}
            if findings is not None:
                said |= {"violations": findings.violations, "notes": findings.notes}
            lines = [json.dumps(said, ensure_ascii=True)]
        else:
            found = findings or Findings()
            lines = [self._line(heard)]
            lines += [printable(f"    VIOLATION  {what}") for what in found.violations]
            lines += [printable(f"    note  {what}") for what in found.notes]
        print("\n".join(lines), file=self._out, flush=True)

    def turn(self) -> None:
        """Lines don't change once printed."""

    def close(self) -> None:
        """Nothing to tidy."""

    def _line(self, heard: Heard) -> str:
        if heard.problem:
            return printable(f"{_now()}  unreadable event on {heard.topic}: {heard.problem}")
        if heard.event is not None:
            return format_event(heard.event, colour=self._colour)
        if heard.device is None:
            return printable(f"{_now()}  {heard.topic}  {heard.text}")
        if heard.rest.startswith("camera/") and (camera := _camera_line(heard.text)):
            return printable(f"{_now()}  {heard.device}  {camera}")
        return printable(f"{_now()}  {heard.device}  {heard.rest}  {heard.text}")


def clock(moment: datetime) -> str:
    """The local time of day, to the millisecond."""
    local = moment.astimezone()
    return f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}"


def printable(text: str) -> str:
    """Without control characters: what others send must not steer the terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


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


def _now() -> str:
    return clock(datetime.fromtimestamp(time.time()).astimezone())


def _short(value: Measure) -> str:
    if value is None:
        return "unknown"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
