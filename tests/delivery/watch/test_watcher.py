"""The watcher: what a person at a terminal sees."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.delivery import DeliveryError, EmbeddedBroker, Outbox, Publisher, Watcher, format_event
from edge.delivery.watch.lines import Lines
from edge.events import CameraStatus, DeviceIdentity
from edge.state.types import Severity
from tests.delivery.parts import (
    CLOCK,
    REPOSITORY,
    Mosquitto,
    Subscriber,
    free_port,
    make_event,
    make_info,
    quick,
    wait_for,
)

DEVICE = DeviceIdentity("cab-7")
INFO = make_info(DEVICE)


@contextmanager
def watching(url: str, *, raw: bool = False) -> Iterator[io.StringIO]:
    out = io.StringIO()
    watcher = Watcher(quick(url), view=Lines(out, raw=raw))
    thread = threading.Thread(target=watcher.run)
    thread.start()
    try:
        yield out
    finally:
        watcher.stop()
        thread.join()


def test_an_event_is_one_readable_line() -> None:
    line = format_event(make_event(DEVICE, 1.0))
    assert "cab-7  microsleep start  warning  1.5 s  openness=0.04" in line
    assert "\n" not in line
    assert "\x1b" not in line
    assert format_event(make_event(DEVICE), colour=True).startswith("\x1b[33m")
    assert "\x1b" not in format_event(make_event(DEVICE, severity=Severity.INFO), colour=True)


def test_what_others_send_cannot_steer_the_terminal() -> None:
    event = make_event(DEVICE)
    evil = event.model_copy(update={"data": event.data.model_copy(update={"measures": {"x\x1b[2J": "a\nb\x07"}})})
    line = format_event(evil)
    assert line.isprintable()


def test_statuses_events_and_cameras_are_printed_as_they_arrive(mosquitto: Mosquitto, outbox: Outbox) -> None:
    with watching(mosquitto.url) as out, Publisher(quick(mosquitto.url), outbox, INFO) as publisher:
        publisher.wait_connected(5)
        assert wait_for(lambda: "cab-7  status  online" in out.getvalue())
        outbox.put(make_event(DEVICE))
        assert wait_for(lambda: "microsleep start" in out.getvalue())
        camera = CameraStatus(camera="front", status="lost", reason="unplugged", time=CLOCK.wall(0))
        publisher.state("mien/1/cab-7/camera/front/status", camera, retain=True, qos=1)
        assert wait_for(lambda: "cab-7  camera front  lost  (unplugged)" in out.getvalue())


def test_a_repeated_event_is_printed_once_and_garbage_does_no_harm(mosquitto: Mosquitto) -> None:
    event = make_event(DEVICE)
    sender = Subscriber(mosquitto.port)
    with watching(mosquitto.url) as out:
        sender._client.publish("mien/1/cab-7/status", b"online", retain=True)
        assert wait_for(lambda: "online" in out.getvalue())
        for payload in (event.to_json(), event.to_json(), b"\xff\xfe{", b'{"specversion": "1.0"}', b""):
            sender._client.publish("mien/1/cab-7/driver/event", payload, qos=1)
        sender._client.publish("mien/1/cab-7/audience/event", b"last", qos=1)
        assert wait_for(lambda: "audience/event" in out.getvalue())
    lines = out.getvalue().splitlines()
    assert len([line for line in lines if "microsleep" in line]) == 1
    assert len([line for line in lines if "unreadable event" in line]) == 4
    sender.close()


def test_raw_mode_gives_one_json_object_a_line(mosquitto: Mosquitto, outbox: Outbox) -> None:
    event = make_event(DEVICE)
    with watching(mosquitto.url, raw=True) as out, Publisher(quick(mosquitto.url), outbox, INFO):
        assert wait_for(lambda: "online" in out.getvalue())
        outbox.put(event)
        assert wait_for(lambda: "microsleep" in out.getvalue())
    messages = [json.loads(line) for line in out.getvalue().splitlines()]
    assert {"topic": "mien/1/cab-7/status", "payload": "online"} in messages
    assert {"topic": "mien/1/cab-7/driver/event", "payload": json.loads(event.to_json())} in messages


def test_it_comes_back_when_the_broker_does(mosquitto: Mosquitto, outbox: Outbox) -> None:
    with watching(mosquitto.url) as out, Publisher(quick(mosquitto.url), outbox, INFO):
        assert wait_for(lambda: "online" in out.getvalue())
        mosquitto.kill()
        mosquitto.start()
        assert wait_for(lambda: out.getvalue().count("online") >= 2)


def test_a_broker_that_is_not_there_is_told_in_one_line() -> None:
    port = free_port()
    with pytest.raises(DeliveryError, match=f"127.0.0.1:{port}: nothing listens there"):
        Watcher(quick(f"mqtt://127.0.0.1:{port}")).run()


def test_it_understands_the_demo_broker(outbox: Outbox) -> None:
    with (
        EmbeddedBroker() as broker,
        watching(broker.url) as out,
        Publisher(quick(broker.url, protocol="3.1.1"), outbox, INFO) as publisher,
    ):
        assert publisher.wait_connected(5).kind == "connected"
        assert wait_for(lambda: "online" in out.getvalue())
        outbox.put(make_event(DEVICE))
        assert wait_for(lambda: "microsleep" in out.getvalue())


def test_ctrl_c_ends_it_quietly(mosquitto: Mosquitto, outbox: Outbox) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "edge.cli", "watch", "--broker", mosquitto.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    with Publisher(quick(mosquitto.url), outbox, INFO):
        assert process.stdout is not None
        assert "online" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")


def test_without_amqtt_the_demo_broker_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "amqtt.broker", None)
    with pytest.raises(DeliveryError, match=r"pip install 'mien\[demo\]'"):
        EmbeddedBroker()
