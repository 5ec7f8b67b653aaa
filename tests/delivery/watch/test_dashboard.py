"""The dashboard: what it knows, what it shows of that, and how it leaves the terminal."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from paho.mqtt.client import MQTTMessage
from rich.console import Console

from edge.delivery import DeliveryError
from edge.delivery.watch.board import Board, Running
from edge.delivery.watch.contract import Contract
from edge.delivery.watch.dashboard import Dashboard
from edge.delivery.watch.message import Selection, take_apart
from edge.events import ROOT
from edge.events.catalogue import KINDS
from edge.events.examples import as_json, event, payloads
from tests.delivery.parts import REPOSITORY, Mosquitto, Subscriber

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
WORDS = {name: as_json(message) for name, message in payloads().items()}


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Desk:
    """A dashboard, a clock to turn, and what devices say."""

    def __init__(self, selection: Selection | None = None, encoding: str = "utf-8") -> None:
        self.now_s = 1000.0
        terminal = Terminal()
        terminal.encoding = encoding
        self.dashboard = Dashboard("broker:1883", selection, out=terminal, clock_s=lambda: self.now_s)

    def say(self, rest: str, payload: Any, device: str = "truck-7", *, retained: bool = False) -> None:
        message = MQTTMessage(topic=f"{ROOT}/{device}/{rest}".encode())
        message.payload = payload.encode() if isinstance(payload, str) else json.dumps(payload).encode()
        message.qos, message.retain = 1, retained
        heard = take_apart(message, ROOT)
        self.dashboard.show(heard, Contract().check(heard))

    def driver(self, device: str = "truck-7", *, retained: bool = False, at_s: float = 0.0, **changes: Any) -> None:
        moment = (NOON + timedelta(seconds=at_s)).isoformat()
        self.say("driver/state", WORDS["driver-state"] | {"time": moment} | changes, device, retained=retained)

    def event(self, kind: str, phase: str = "start", *, device: str = "truck-7", at_s: float = 0.0) -> None:
        told = as_json(event(next(known for known in KINDS if known.name == kind)))
        moment = (NOON + timedelta(seconds=at_s)).isoformat()
        told |= {"id": f"{kind}{phase}{at_s}", "source": f"/mien/{device}", "time": moment}
        told["data"] |= {"phase": phase, "episode_id": kind, "ended_at": moment if phase == "end" else None}
        self.say(f"{told['subject']}/event", told, device)

    @property
    def board(self) -> Board:
        return self.dashboard._board

    def running(self) -> list[str]:
        return [running.kind for running in self.board.running(self.now_s)]

    def lines(self, width: int = 80, height: int = 24) -> list[str]:
        console = Console(file=io.StringIO(), width=width, height=height, color_system=None, legacy_windows=False)
        with console.capture() as caught:
            console.print(self.dashboard.picture(width, height), end="")
        return caught.get().splitlines()

    def text(self) -> str:
        return "\n".join(self.lines())


def test_one_look_tells_how_a_device_and_its_driver_fare() -> None:
    desk = Desk()
    desk.say("status", "online")
    desk.say("health", WORDS["health"])
    desk.say("camera/main/status", WORDS["camera-status"])
    desk.driver(eyes="closed", openness=0.25, perclos_60s=0.17, fatigue=62.0, attentive=False)
    text = desk.text()
    assert "truck-7   online  CLOSED  ██░░░░░░ 0.25 17%     62/100  NO        good" in text
    assert "15.0 fps, 41 ms, 62 °C, 0 waiting, camera main running" in text


def test_what_is_not_known_is_a_dash_and_what_is_old_is_not_known() -> None:
    desk = Desk()
    desk.driver(eyes="unknown", openness=None, perclos_60s=None, fatigue=None, attentive=None)
    assert "unknown -             -       -       -         good" in desk.text()
    desk.now_s += 11
    assert "good" not in desk.text()
    desk.driver(retained=True)  # who knows how old
    assert "good" not in desk.text()
    desk.driver()
    assert "good" in desk.text()
    desk.say("status", "offline")
    assert "good" not in desk.text()


def test_the_gravest_comes_first_and_is_told_without_colour() -> None:
    desk = Desk()
    for kind in ("happiness", "drowsiness", "microsleep", "sleep"):
        desk.event(kind)
    desk.now_s += 5
    lines = [line.split() for line in desk.lines() if " for " in line]
    assert [line[:-3] for line in lines[:3]] == [
        ["!!!", "critical", "truck-7", "sleep"],
        ["!!", "warning", "truck-7", "microsleep"],
        ["!", "notice", "truck-7", "drowsiness"],
    ]
    assert lines[3] == ["info", "truck-7", "happiness", "for", "7", "s"]  # 1.52 s when it was told
    assert any(line.startswith("!!! truck-7") for line in desk.lines())


def test_an_episode_goes_on_until_its_end_is_told() -> None:
    desk = Desk()
    desk.event("microsleep")
    assert desk.running() == ["microsleep"]
    desk.event("microsleep", "end")
    assert desk.running() == []
    assert len(desk.board.events) == 2


def test_ends_and_starts_that_nobody_heard_are_made_up_for_by_the_state() -> None:
    desk = Desk()
    desk.event("microsleep", at_s=10)
    desk.driver(at_s=9, active=[])  # from before
    assert desk.running() == ["microsleep"]
    desk.driver(at_s=20, active=["sleep"])
    assert desk.board.running(desk.now_s) == [Running("truck-7", "sleep", "critical", None)]
    desk.driver(at_s=21, active=[])
    assert desk.running() == []


def test_nothing_goes_on_after_a_stop_or_a_new_start() -> None:
    desk = Desk()
    desk.event("sleep")
    desk.say("status", "stopped")
    assert desk.running() == []
    desk.event("sleep")
    desk.say("info", WORDS["info"])
    assert desk.running() == ["sleep"]
    desk.say("info", WORDS["info"] | {"boot_id": "00000000-0000-4000-8000-000000000000"})
    assert desk.running() == []


def test_starts_without_end_do_not_fill_the_memory() -> None:
    desk = Desk()
    told = as_json(event(KINDS[0]))
    for number in range(1000):
        told["id"] = told["data"]["episode_id"] = str(number)
        desk.say("driver/event", told)
    assert len(desk.running()) == 50
    assert len(desk.board.events) == 200


@pytest.mark.parametrize("devices", [0, 1, 5, 40])
@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 10), (200, 60)])
def test_it_fits_the_terminal_exactly(devices: int, width: int, height: int) -> None:
    desk = Desk()
    for number in range(devices):
        desk.say("status", "online", f"cab-{number:02}")
        desk.driver(f"cab-{number:02}")
        desk.event("sleep", device=f"cab-{number:02}")
    lines = desk.lines(width, height)
    assert len(lines) == height
    assert max(map(len, lines)) <= width
    assert "messages" in lines[-1]


def test_among_many_devices_the_one_in_trouble_is_in_sight() -> None:
    desk = Desk()
    for number in range(30):
        desk.say("status", "online", f"cab-{number:02}")
    desk.event("sleep", device="cab-29")
    assert "!!! cab-29" in desk.text()
    assert "and 26 more, with nothing worse" in desk.text()


def test_what_is_wrong_comes_first_in_the_line_of_health() -> None:
    desk = Desk()
    desk.say("health", WORDS["health"] | {"outbox_trouble": "disk full", "outbox_dropped": 3})
    desk.say("camera/main/status", WORDS["camera-status"] | {"status": "lost", "reason": "unplugged"})
    desk.driver(sensing="lost", sensing_reason="no_face")
    assert "    camera main lost (unplugged), sensing lost: no_face, disk full, 3 events" in desk.text()


def test_options_choose_what_goes_on_and_the_events_but_not_the_states() -> None:
    desk = Desk(Selection(severity="critical"))
    desk.driver(active=["microsleep", "sleep"])
    desk.event("microsleep")
    desk.event("sleep")
    assert desk.running() == ["sleep"]
    assert [told.data.kind for told in desk.board.events] == ["sleep"]
    assert "0.97" in desk.text()


def test_what_others_send_cannot_steer_the_terminal() -> None:
    desk = Desk()
    desk.say("status", "on\x1b[2Jline", "cab\x07\x1b[2J")
    desk.say("camera/main/status", WORDS["camera-status"] | {"status": "lost", "reason": "[red]\x1b[2J"})
    assert all(line.isprintable() for line in desk.lines())
    assert "[red]" in desk.text()


def test_a_violation_is_told_in_the_last_line() -> None:
    desk = Desk()
    desk.say("status", "onlnie")
    assert "1 messages, 1 violate the contract, last mien/1/truck-7/status: 'onlnie'" in desk.lines()[-1]


def test_a_terminal_without_unicode_gets_other_bars() -> None:
    desk = Desk(encoding="latin-1")
    desk.driver(openness=0.5)
    assert "####.... 0.50" in desk.text()


def test_without_a_terminal_it_says_so() -> None:
    with pytest.raises(DeliveryError, match="needs a terminal"):
        Dashboard("broker:1883", out=io.StringIO())


@contextmanager
def on_a_terminal(broker: Mosquitto) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """``mien watch --dashboard`` on a terminal of 80 by 24; the other end of that terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "edge.cli", "watch", "--dashboard", "--broker", broker.url],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=REPOSITORY,
        env=os.environ | {"TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONUTF8": "1"},
    )
    try:
        yield process, ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


def read(terminal: int, until: bytes, timeout_s: float = 15.0) -> bytes:
    """What is written up to and with ``until``."""
    text, deadline = b"", time.monotonic() + timeout_s
    while until not in text:
        assert time.monotonic() < deadline, text[-2000:]
        if select.select([terminal], [], [], 0.1)[0]:
            text += os.read(terminal, 65536)
    return text


def test_it_outlives_the_broker_and_leaves_the_terminal_as_it_was(mosquitto: Mosquitto) -> None:
    with on_a_terminal(mosquitto) as (process, terminal):
        before = termios.tcgetattr(terminal)
        shown = read(terminal, b"no device has said anything yet")
        assert b"\x1b[?1049h" in shown  # another page than the shell's
        assert not termios.tcgetattr(terminal)[3] & termios.ECHO
        mosquitto.kill()
        shown += read(terminal, b"connection lost")
        mosquitto.start()
        shown += read(terminal, b"  connected")
        sender = Subscriber(mosquitto.port)
        sender._client.publish("mien/1/cab-7/status", b"online", retain=True)
        shown += read(terminal, b"cab-7")
        sender.close()
        process.send_signal(signal.SIGINT)
        shown += read(terminal, b"\x1b[?1049l")
        assert process.wait(10) == 0
        assert termios.tcgetattr(terminal) == before
    assert b"\x1b[?25h" in shown  # the cursor is back
    assert b"\x1b[2J" not in shown  # never wiped, so it never flickers
