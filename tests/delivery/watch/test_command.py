"""``mien watch`` in a script: when it ends, what it prints, and what its exit code says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.cli import main
from edge.delivery import Watcher
from edge.delivery.watch.contract import Contract
from edge.delivery.watch.lines import Lines
from edge.events.catalogue import KINDS
from edge.events.examples import as_json, event
from tests.delivery.parts import REPOSITORY, Mosquitto, Subscriber, quick, wait_for
from tests.test_cli import assert_one_line, mien

MICROSLEEP = event(KINDS[0]).to_json()


@contextmanager
def saying(broker: Mosquitto) -> Iterator[Subscriber]:
    """A device that is online; ``_client`` says more."""
    sender = Subscriber(broker.port)
    sender._client.publish("mien/1/truck-7/status", b"online", qos=1, retain=True)
    assert wait_for(lambda: bool(sender.messages))
    yield sender
    sender.close()


def test_it_ends_after_so_many_messages(mosquitto: Mosquitto) -> None:
    with saying(mosquitto):
        done = mien("watch", "--broker", mosquitto.url, "--count", "1", "--seconds", "20", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"topic": "mien/1/truck-7/status", "payload": "online"}


def test_too_few_in_the_time_given_are_told_by_the_exit_code(
    mosquitto: Mosquitto, capsys: pytest.CaptureFixture[str]
) -> None:
    with saying(mosquitto):
        watch = ("watch", "--broker", mosquitto.url, "--seconds", "0.3")
        assert main([*watch, "--count", "2"]) == 1
        assert main([*watch, "--kind", "sleep", "--count", "1"]) == 1
        assert main([*watch, "--device", "truck-8"]) == 0
    assert capsys.readouterr().out.count("online") == 1


@pytest.mark.parametrize(("word", "code"), [(b"online", 0), (b"on line", 1)])
def test_validate_tells_violations_and_ends_with_1_where_there_were_any(
    mosquitto: Mosquitto, word: bytes, code: int
) -> None:
    with saying(mosquitto) as device:
        device._client.publish("mien/1/truck-7/status", word, qos=1, retain=True)
        assert wait_for(lambda: len(device.messages) == 2)
        done = mien("watch", "--broker", mosquitto.url, "--validate", "--count", "1", "--seconds", "20")
        quiet = mien("watch", "--broker", mosquitto.url, "--validate", "-q", "--count", "1", "--seconds", "20")
    assert (done.returncode, quiet.returncode) == (code, code)
    assert f"1 messages checked against the contract, {code} violate it (status)" in done.stderr
    assert ("VIOLATION  'on line' is none of online, stopped, offline" in done.stdout) == bool(code)
    assert bool(quiet.stdout + quiet.stderr) == bool(code)


def test_states_are_checked_too_and_findings_are_in_the_json(
    mosquitto: Mosquitto, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = Contract()
    with saying(mosquitto) as device:
        device._client.publish("mien/1/truck-7/health", b'{"fps": -1}', retain=True)
        assert wait_for(lambda: len(device.messages) == 2)
        Watcher(quick(mosquitto.url), view=Lines(raw=True), contract=contract, count=2, seconds=10).run()
    told = {said["topic"]: said for said in map(json.loads, capsys.readouterr().out.splitlines())}
    assert told["mien/1/truck-7/status"]["violations"] == []
    assert "fps Input should be greater than or equal to 0" in told["mien/1/truck-7/health"]["violations"]
    assert (contract.checked, contract.wrong) == (2, 1)


def test_only_chosen_events_are_printed(mosquitto: Mosquitto) -> None:
    command = [sys.executable, "-m", "edge.cli", "watch", "--broker", mosquitto.url, "--json", "--severity", "warning"]
    process = subprocess.Popen([*command, "--count", "1"], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    with saying(mosquitto) as device:
        yawn = as_json(event(next(kind for kind in KINDS if kind.name == "yawn"))) | {"id": "y"}

        def heard() -> bool:
            """It says both until the watcher, which takes its time to start, has heard."""
            device._client.publish("mien/1/truck-7/driver/event", json.dumps(yawn), qos=1)
            device._client.publish("mien/1/truck-7/driver/event", MICROSLEEP, qos=1)
            return process.poll() is not None

        assert wait_for(heard)
    out, _ = process.communicate(timeout=10)
    assert [json.loads(line)["payload"]["data"]["kind"] for line in out.splitlines()] == ["microsleep"]
    assert process.returncode == 0


def test_a_kind_with_a_typo_is_told_with_what_was_meant() -> None:
    assert_one_line(mien("watch", "--kind", "mircosleep"), "mircosleep", "did you mean microsleep?")


def test_a_dashboard_needs_a_terminal_and_rich(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["watch", "--dashboard"]) == 2
    assert "needs a terminal" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "rich", None)
    assert main(["watch", "--dashboard"]) == 2
    assert "pip install 'mien[watch]'" in capsys.readouterr().err


def test_lines_need_no_rich(tmp_path: Path) -> None:
    code = "import sys, edge.delivery, edge.delivery.watch.board; print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
