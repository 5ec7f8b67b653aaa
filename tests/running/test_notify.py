"""What systemd hears of a daemon, through a real socket of the kind that it listens on."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from edge.running import Notifier
from edge.running.notify import STATUS_EVERY_S
from tests.clock import Clock


class Systemd:
    """A service manager's end of the socket."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self._socket.setblocking(False)

    def heard(self) -> list[str]:
        """All words since the last call."""
        words: list[str] = []
        try:
            while True:
                words += self._socket.recv(4096).decode().splitlines()
        except BlockingIOError:
            return words

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["a path", "an abstract name"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Systemd]:
    manager = Systemd(str(tmp_path / "notify") if request.param == "a path" else f"@mien-test-{os.getpid()}")
    yield manager
    manager.close()


def seeing() -> str:
    return "1 face, eyes open"


def test_ready_is_said_once_and_only_after_the_first_frame(systemd: Systemd) -> None:
    with Notifier(systemd.address) as notifier:
        notifier.idle(lambda: "waiting for the camera", camera_off=False)
        assert systemd.heard() == ["STATUS=waiting for the camera"]
        for _ in range(3):
            notifier.frame(seeing)
        assert systemd.heard() == ["READY=1", "STATUS=1 face, eyes open"]
    assert systemd.heard() == ["STOPPING=1"]


def test_the_watchdog_is_fed_by_frames_and_starves_without(systemd: Systemd) -> None:
    clock = Clock()
    with Notifier(systemd.address, watchdog_s=30.0, clock=clock) as notifier:
        fed_s = []
        for _ in range(60 * 30):
            clock.now_s += 1 / 30
            notifier.frame(seeing)
            fed_s += [clock.now_s] * systemd.heard().count("WATCHDOG=1")
        gaps_s = [after - before for before, after in pairwise(fed_s)]
        assert max(gaps_s) < 8.0
        assert len(fed_s) < 10, "30 a second would be a waste"
        notifier.idle(lambda: "camera lost", camera_off=False)
        assert systemd.heard() == ["STATUS=camera lost"], "at once"
        for _ in range(60):
            clock.now_s += 0.5
            notifier.idle(lambda: "camera lost", camera_off=False)
        assert "WATCHDOG=1" not in systemd.heard()


def test_a_camera_that_is_off_on_purpose_is_no_reason_to_restart(systemd: Systemd) -> None:
    clock = Clock()
    with Notifier(systemd.address, watchdog_s=30.0, clock=clock) as notifier:
        notifier.idle(lambda: "camera off", camera_off=True)
        assert systemd.heard() == ["READY=1", "WATCHDOG=1", "STATUS=camera off"]
        clock.now_s += 10
        notifier.idle(lambda: "camera off", camera_off=True)
        assert "WATCHDOG=1" in systemd.heard()


def test_the_status_line_tells_the_rate_and_what_is_seen_every_few_seconds(systemd: Systemd) -> None:
    clock = Clock()
    asked = []

    def say() -> str:
        asked.append(clock.now_s)
        return "1 face,\nasleep"

    with Notifier(systemd.address, clock=clock) as notifier:
        for _ in range(round(2 * STATUS_EVERY_S * 16) + 1):
            notifier.frame(say)
            clock.now_s += 1 / 16
        said = [word for word in systemd.heard() if word.startswith("STATUS=")]
    assert said == ["STATUS=1 face, asleep"] + 2 * ["STATUS=16.0 frames a second, 1 face, asleep"]
    assert len(asked) == 3, "the words are made only when they are sent"


def test_a_reload_is_told_from_its_beginning_to_its_end(systemd: Systemd) -> None:
    with Notifier(systemd.address) as notifier:
        notifier.frame(seeing)
        systemd.heard()
        notifier.reloading()
        notifier.reloaded()
        first, second, third = systemd.heard()
    assert first == "RELOADING=1"
    assert second.startswith("MONOTONIC_USEC=")
    assert third == "READY=1"


def test_what_systemd_asks_for_is_read_and_kept_from_children(systemd: Systemd) -> None:
    environment = {"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "20000000", "WATCHDOG_PID": str(os.getpid())}
    with Notifier.from_environment(environment) as notifier:
        notifier.frame(seeing)
    assert environment == {}
    assert "WATCHDOG=1" in systemd.heard()
    others = {"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "1"}
    with Notifier.from_environment(others) as notifier:
        notifier.frame(seeing)
    assert "WATCHDOG=1" not in systemd.heard()


def test_without_systemd_nothing_happens() -> None:
    with Notifier.from_environment({}) as notifier:
        notifier.frame(lambda: pytest.fail("nobody asked"))
        notifier.idle(lambda: pytest.fail("nobody asked"), camera_off=True)
        notifier.stopping()


def test_a_systemd_that_is_gone_or_deaf_never_stops_the_daemon(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    address = str(tmp_path / "notify")
    clock = Clock()
    with Notifier(address, watchdog_s=4.0, clock=clock) as notifier:
        for _ in range(3):
            notifier.frame(seeing)
            clock.now_s += 10
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        manager = Systemd(address)
        notifier.frame(seeing)
        assert manager.heard()[:2] == ["READY=1", "WATCHDOG=1"]
        for _ in range(10_000):  # more than its buffer takes: it must not be waited for
            notifier.frame(seeing)
            clock.now_s += 10
        manager.close()
