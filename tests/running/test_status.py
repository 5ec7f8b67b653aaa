"""``mien status``: what a daemon left for whoever asks on the same machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from edge.cli import main
from edge.events import DeviceIdentity
from edge.running.status import STALE_S, Status, StatusError, StatusFile, look, path_beside
from tests.delivery.parts import make_info


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    return tmp_path / "outbox.sqlite"


def said(**others: Any) -> Status:
    figures: dict[str, Any] = {
        "info": make_info(DeviceIdentity("cab")),
        "says": "1 face, driver's eyes open",
        "camera": "running",
        "camera_reason": None,
        "fps": 29.7,
        "latency_ms": 21.4,
        "dropped": 3,
        "temperature_c": 61.2,
        "throttled": (),
        "shedding": (),
        "broker": None,
        "outbox_depth": 0,
        "outbox_dropped": 0,
        "outbox_trouble": None,
    }
    return Status(**figures | others)


def test_a_running_daemon_is_told_of_in_lines(outbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    StatusFile(outbox).write(said(shedding=("expression_rate",), throttled=("throttled by the firmware",)))
    assert main(["status", "--outbox", str(outbox)]) == 0
    text = capsys.readouterr().out
    assert f"runs as cab (process {os.getpid()}, driver)" in text
    assert "29.7 frames a second, 21 ms from capture to state, 3 dropped" in text
    assert "61 °C, throttled by the firmware" in text
    assert "leaving out expression_rate" in text
    assert "broker    connected" in text


def test_machines_read_all_of_it_as_json(outbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = said(broker="broker host:1883: it does not answer", outbox_depth=7)
    StatusFile(outbox).write(status)
    assert main(["status", "--json", "--outbox", str(outbox)]) == 0
    assert Status.model_validate_json(capsys.readouterr().out) == status


def test_where_none_runs_it_says_so(outbox: Path) -> None:
    report = look(outbox)
    assert report.status is None
    assert "mien does not run here" in str(report.trouble)
    assert main(["status", "--outbox", str(outbox)]) == 1
    file = StatusFile(outbox)
    file.write(said())
    file.remove()
    assert look(outbox) == report


def test_one_that_was_killed_is_not_taken_for_running(outbox: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    StatusFile(outbox).write(said(pid=ended.pid))
    report = look(outbox)
    assert report.status is None
    assert "ended without a goodbye" in str(report.trouble)
    # The same number, but before the machine was started anew.
    StatusFile(outbox).write(said(boot="another"))
    assert look(outbox).status is None


def test_one_that_hangs_is_told_apart(outbox: Path) -> None:
    StatusFile(outbox).write(said(at_s=time.monotonic() - STALE_S - 5))
    report = look(outbox)
    assert report.status is not None
    assert "has said nothing for 35 s" in str(report.trouble)


def test_a_file_of_another_version_is_a_line_not_a_traceback(outbox: Path) -> None:
    path_beside(outbox).write_text('{"pid": 1}')
    with pytest.raises(StatusError, match="another version"):
        look(outbox)
    assert main(["status", "--outbox", str(outbox)]) == 2


def test_a_disk_that_takes_nothing_never_stops_the_daemon() -> None:
    file = StatusFile(Path("/proc/mien/outbox.sqlite"))
    file.write(said())
    file.remove()
