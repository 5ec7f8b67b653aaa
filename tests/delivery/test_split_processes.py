"""``mien vision`` and ``mien publish`` as systemd would start them, watched by the kernel's own eyes."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge.cli import main
from tests.running.test_service import Systemd, settings
from tests.soak.split import survive

from .parts import REPOSITORY, Mosquitto, Subscriber, wait_for

#: What either may not do shows in these calls, made by whatever library.
WATCHED = "trace=socket,connect,bind,openat,open"


def traced(log: Path, *command: str | Path) -> list[str]:
    return ["strace", "-f", "--seccomp-bpf", "-qq", "-o", str(log), "-e", WATCHED, *map(str, command)]


def test_vision_opens_no_network_socket_and_publish_no_camera(
    mosquitto: Mosquitto, subscriber: Subscriber, face_models: Path, tmp_path: Path
) -> None:
    if shutil.which("strace") is None or subprocess.run(["unshare", "-n", "true"], check=False).returncode:
        pytest.skip("needs strace, and root for a network namespace of its own")
    config = settings(tmp_path, mosquitto.url, 9)  # with metrics, whose port vision must not open
    config.write_text(config.read_text().replace("stall_s = 0.5", "stall_s = 20"))  # traced, all is slow
    mien = (sys.executable, "-m", "edge.cli")
    seen, sent = tmp_path / "vision.trace", tmp_path / "publish.trace"
    halves = {
        "vision": ["unshare", "-n", *traced(seen, *mien, "vision", "--config", config)],
        "publish": traced(sent, *mien, "publish", "--config", config),
    }
    systemd = {name: Systemd(tmp_path / f"notify-{name}") for name in halves}
    errors = {name: (tmp_path / f"{name}.err").open("wb") for name in halves}
    processes = {
        name: subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=os.environ | {"NOTIFY_SOCKET": str(tmp_path / f"notify-{name}"), "WATCHDOG_USEC": "2000000"},
            stderr=errors[name],
            start_new_session=True,
        )
        for name, command in halves.items()
    }

    def log(name: str) -> str:
        return (tmp_path / f"{name}.err").read_text()

    try:
        for name in halves:
            assert wait_for(systemd[name].hears("READY=1"), 60), log(name)
            assert wait_for(systemd[name].hears("WATCHDOG=1"), 10), log(name)
        assert wait_for(lambda: b"online" in subscriber.payloads("cab/status")), log("publish")
        assert wait_for(lambda: bool(subscriber.payloads("main/status"))), log("vision")

        status = subprocess.run(
            [*mien, "status", "--config", config], cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        assert status.returncode == 0, status.stderr
        assert "runs as cab" in status.stdout
        assert re.search(r"publishes for cab \(process \d+\)", status.stdout)

        os.killpg(processes["publish"].pid, signal.SIGHUP)
        assert wait_for(lambda: "reloaded" in log("publish"))
        for process in processes.values():
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(10)
        assert wait_for(lambda: subscriber.payloads("cab/status")[-1] == b"stopped")
    finally:
        for process in processes.values():
            process.kill()
            process.wait()
        for ear in systemd.values():
            ear.close()
        for file in errors.values():
            file.close()

    families = set(re.findall(r"socket\((AF_\w+)", seen.read_text()))
    assert families == {"AF_UNIX"}, "vision asked for a network"
    assert "/paho/" not in seen.read_text(), "what speaks MQTT is loaded where nobody may"
    assert "AF_INET" in sent.read_text(), "the trace sees nothing"
    assert "/dev/video" not in sent.read_text()


def test_a_camera_on_the_network_is_refused_in_a_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "mien.toml"
    config.write_text(f'[camera]\nsource = "rtsp://camera/stream"\n[outbox]\npath = "{tmp_path}/outbox.sqlite"\n')
    assert main(["vision", "--config", str(config)]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert "camera.source is on the network" in line


def test_whoever_is_killed_nothing_accepted_is_lost(mosquitto: Mosquitto, tmp_path: Path) -> None:
    outcome = survive(tmp_path, rounds=3, seed=3)
    assert outcome.accepted > 20
