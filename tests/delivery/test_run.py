"""``mien run`` and ``mien watch`` as two people would start them, and a real broker that dies between them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import publish

from edge.demo.puppet import Script, write_clip

from .parts import REPOSITORY, Mosquitto, wait_for

#: Falls asleep at 1.5 s: a microsleep at 3.0, sleep at 4.5, awake at 7.0.
SLEEPER = Script(duration_s=9.0, blinks=(0.7,), closures=((1.5, 7.0),))


@contextmanager
def started(log: Path, *arguments: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """A ``mien`` command with its stdout in a file; ended with SIGINT, as by Ctrl-C."""
    with log.open("wb") as out, log.with_suffix(".err").open("wb") as err:
        command = [sys.executable, "-m", "edge.cli", *map(str, arguments)]
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=out, stderr=err)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@contextmanager
def watching(log: Path, broker: Mosquitto) -> Iterator[None]:
    """``mien watch --json`` with its output in ``log``, subscribed before anything else happens."""
    publish.single("mien/1/nobody/status", "stopped", qos=1, retain=True, hostname="127.0.0.1", port=broker.port)
    with started(log, "watch", "--json", "--broker", broker.url):
        assert wait_for(lambda: "nobody" in log.read_text(), 30), log.with_suffix(".err").read_text()
        yield


@pytest.fixture(scope="module")
def sleeper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clip = tmp_path_factory.mktemp("sleeper") / "sleeper.mp4"
    write_clip(clip, SLEEPER, fps=20)
    return clip


def test_a_broker_killed_midway_costs_no_event(
    mosquitto: Mosquitto, sleeper: Path, face_models: Path, tmp_path: Path
) -> None:
    seen = tmp_path / "watch.jsonl"

    def heard() -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in seen.read_text().splitlines()]
        return [line["payload"] for line in lines if line["topic"].endswith("/event")]

    def cab_is(word: str) -> Callable[[], bool]:
        return lambda: f'"mien/1/cab/status", "payload": "{word}"' in seen.read_text()

    run = ("run", sleeper, "--broker", mosquitto.url, "--device", "cab", "--outbox", tmp_path / "outbox.sqlite")
    with watching(seen, mosquitto), started(tmp_path / "run", *run) as daemon:
        assert wait_for(cab_is("online"), 60), "the daemon did not come up"
        time.sleep(2.0)
        mosquitto.kill()
        time.sleep(3.0)  # the microsleep is recognized meanwhile
        mosquitto.start()
        assert daemon.wait(60) == 0, (tmp_path / "run.err").read_text()
        assert wait_for(cab_is("stopped"))

    events = heard()
    alerts = {(event["data"]["kind"], event["data"]["phase"]) for event in events if event["subject"] == "driver"}
    assert alerts == {(kind, phase) for kind in ("microsleep", "sleep", "unresponsive") for phase in ("start", "end")}
    numbers = [event["data"]["seq"] for event in events]
    assert sorted(set(numbers)) == list(range(1, max(numbers) + 1)), "an event is missing"
    assert len({event["id"] for event in events}) == len(set(numbers)), "one event under two ids"


def test_a_daemon_killed_midway_delivers_with_the_next_run(
    mosquitto: Mosquitto, sleeper: Path, face_models: Path, tmp_path: Path
) -> None:
    outbox = tmp_path / "outbox.sqlite"
    where = ("--broker", "mqtt://127.0.0.1:9", "--device", "cab", "--outbox", outbox, "--allow-offline")
    with started(tmp_path / "offline", "run", sleeper, *where) as daemon:
        assert wait_for(lambda: b"sleep start  critical" in (tmp_path / "offline.err").read_bytes(), 60)
        daemon.kill()
    seen = tmp_path / "watch.jsonl"
    short = tmp_path / "short.mp4"
    write_clip(short, Script(duration_s=1.0), fps=10)
    again = ("run", short, "--broker", mosquitto.url, *where[2:])
    with watching(seen, mosquitto), started(tmp_path / "online", *again) as daemon:
        assert daemon.wait(60) == 0, (tmp_path / "online.err").read_text()
        assert wait_for(lambda: '"kind": "sleep"' in seen.read_text())
