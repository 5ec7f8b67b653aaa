"""``mien run`` as a service: what systemd, a broker and ``mien status`` hear of it from start to end."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from paho.mqtt import publish

from tests.delivery.parts import REPOSITORY, Mosquitto, Subscriber, free_port, wait_for

#: A camera that gives grey noise, and nothing while its cable is out.
CAMERA = """
import os, pathlib, sys, time
unplugged = pathlib.Path(sys.argv[1])
while True:
    if not unplugged.exists():
        sys.stdout.buffer.write(os.urandom(320 * 240))
        sys.stdout.buffer.flush()
    time.sleep(1 / 20)
"""
WATCHDOG_S = 2.0


class Systemd:
    """Keeps what it is told, and when."""

    def __init__(self, path: Path) -> None:
        self.told: list[tuple[float, str]] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)

    def hears(self, word: str) -> Callable[[], bool]:
        """Whether such a word has come by now."""

        def heard() -> bool:
            try:
                while True:
                    words = self._socket.recv(4096).decode().splitlines()
                    self.told += [(time.monotonic(), each) for each in words]
            except BlockingIOError:
                return any(word in each for _, each in self.told)

        return heard

    def fed_s(self) -> list[float]:
        """When it got signs of life."""
        self.hears("")()
        return [at for at, word in self.told if word == "WATCHDOG=1"]

    def close(self) -> None:
        self._socket.close()


def settings(folder: Path, broker: str, metrics_port: int) -> Path:
    """The configuration of a device in a cab, with a camera that can be unplugged."""
    (folder / "camera.py").write_text(CAMERA)
    command = json.dumps([sys.executable, str(folder / "camera.py"), str(folder / "unplugged")])
    file = folder / "mien.toml"
    file.write_text(
        f"""device = "cab"
        [camera]
        command = {command}
        pixel_format = "gray8"
        width = 320
        height = 240
        stall_s = 0.5
        retry_min_s = 0.2
        retry_max_s = 0.5
        [broker]
        url = "{broker}"
        [outbox]
        path = "{folder / "outbox.sqlite"}"
        [metrics]
        port = {metrics_port}
        """
    )
    return file


def test_a_service_from_start_to_end(face_models: Path, mosquitto: Mosquitto, tmp_path: Path) -> None:
    pytest.importorskip("prometheus_client", reason="needs the metrics extra")
    systemd = Systemd(tmp_path / "notify")
    hears = Subscriber(mosquitto.port)
    port = free_port()
    config = settings(tmp_path, mosquitto.url, port)
    environment = os.environ | {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": f"{WATCHDOG_S * 1e6:.0f}"}
    mien = [sys.executable, "-m", "edge.cli"]
    unplugged = tmp_path / "unplugged"
    with (tmp_path / "stderr").open("wb") as errors:
        daemon = subprocess.Popen(
            [*mien, "run", "--config", str(config)], cwd=REPOSITORY, env=environment, stderr=errors
        )
    try:
        assert wait_for(systemd.hears("READY=1"), 60), (tmp_path / "stderr").read_text()
        assert wait_for(systemd.hears("STATUS=0 faces"), 10)
        before = len(systemd.fed_s())
        time.sleep(WATCHDOG_S)
        assert len(systemd.fed_s()) > before, "frames come, and it starves"

        unplugged.touch()
        assert wait_for(systemd.hears("STATUS=no frames: camera lost"), 10)
        time.sleep(1.5 * WATCHDOG_S)
        assert time.monotonic() - systemd.fed_s()[-1] > WATCHDOG_S, "no frames come, and it is fed"

        publish.single("mien/1/cab/privacy/set", "ON", qos=1, hostname="127.0.0.1", port=mosquitto.port)
        assert wait_for(lambda: time.monotonic() - systemd.fed_s()[-1] < 0.5, 10), "closed on purpose, and it starves"
        publish.single("mien/1/cab/privacy/set", "OFF", qos=1, hostname="127.0.0.1", port=mosquitto.port)
        unplugged.unlink()
        fed = len(systemd.fed_s())
        assert wait_for(lambda: len(systemd.fed_s()) > fed + 2, 20), "frames come again, and it starves"

        status = subprocess.run(
            [*mien, "status", "--config", str(config)], cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        assert status.returncode == 0, status.stderr
        assert f"runs as cab (process {daemon.pid}, full)" in status.stdout
        assert "broker    connected" in status.stdout

        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            metrics = answer.read().decode()
        assert float(re.findall(r"^mien_frames_total (.*)$", metrics, re.M)[0]) > 20
        assert "mien_broker_connected 1.0" in metrics
        assert 'mien_stage_seconds_count{stage="detect"}' in metrics

        began_s = time.monotonic()
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(10) == 0, (tmp_path / "stderr").read_text()
        assert time.monotonic() - began_s < 2.0
        assert systemd.hears("STOPPING=1")()
        assert wait_for(lambda: hears.payloads("cab/status")[-1:] == [b"stopped"], 5)
        assert not (tmp_path / "outbox.sqlite-wal").exists(), "the outbox was not closed"
        assert not (tmp_path / "outbox.status.json").exists()
    finally:
        daemon.kill()
        daemon.wait()
        hears.close()
        systemd.close()
