"""Two devices that were given one client id: noticed, named, and no fight at full speed."""

from __future__ import annotations

import logging
import socket
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from edge.delivery import Outbox, OutboxSettings, Publisher
from edge.events import DeviceIdentity

from .parts import Mosquitto, Relay, make_event, make_info, quick, wait_for

DEVICE = DeviceIdentity("truck-7")
INFO = make_info(DEVICE)


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was said as an error."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_two_devices_with_one_id_are_told_of_each_other_and_slow_down(
    mosquitto: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture, protocol: str
) -> None:
    # Debian's mosquitto (2.0.11) does not say "Session taken over", even in MQTT 5: there is only the pattern.
    words = "is another client connected with the id mien-truck-7"
    roads = [Relay(mosquitto.port), Relay(mosquitto.port)]
    rivals: list[Publisher] = []
    with ExitStack() as stack:
        boxes = [stack.enter_context(Outbox(OutboxSettings(path=tmp_path / f"{number}.sqlite"))) for number in range(2)]
        for road, box in zip(roads, boxes, strict=True):
            road.up()
            stack.callback(road.cut)
            settings = quick(road.url, protocol=protocol, reconnect_min_s=0.1, reconnect_max_s=30.0)
            rivals.append(Publisher(settings, box, INFO).start())
            stack.callback(rivals[-1].close, 0.0)
        assert wait_for(lambda: all(words in str(rival.trouble) for rival in rivals))
        time.sleep(0.5)
        counts = [road.connections for road in roads]
        boxes[0].put(make_event(DEVICE))
        assert wait_for(lambda: boxes[0].depth() == 0), "in between, each gets its events out"
    # Waits of at least 0.05, 0.1, 0.2, 0.4, 0.8 s lie between.
    assert max(counts) <= 7, counts
    said = errors(caplog)
    assert len(said) == 2, said
    assert all(words in line for line in said)


def take_over(server: socket.socket) -> None:
    """A broker of MQTT 5 that accepts each connection, and ends it because another client has come."""
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        with client:
            client.recv(1000)
            client.sendall(b"\x20\x03\0\0\0")
            time.sleep(0.05)
            client.sendall(b"\xe0\x02\x8e\0")
            client.shutdown(socket.SHUT_WR)
            while client.recv(1000):
                pass


def test_a_broker_that_says_session_taken_over_is_quoted_at_once(
    outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        broker = threading.Thread(target=take_over, args=(server,))
        broker.start()
        url = f"mqtt://127.0.0.1:{server.getsockname()[1]}"
        with Publisher(quick(url, protocol="5", reconnect_min_s=0.3, reconnect_max_s=30.0), outbox, INFO) as publisher:
            assert wait_for(lambda: publisher.trouble is not None)
            time.sleep(0.5)
        server.shutdown(socket.SHUT_RDWR)
        broker.join()
    (line,) = errors(caplog)
    assert line.startswith("another client with the id mien-truck-7 took the connection")
    assert "client_id of its own" in line


def test_when_the_rival_has_gone_the_trouble_is_over(
    mosquitto: Mosquitto, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.delivery.rivalry._QUICK_S", 0.3)
    settings = quick(mosquitto.url, protocol="5")
    with Publisher(settings, outbox, INFO) as publisher:
        publisher.wait_connected(5)
        with Outbox(OutboxSettings(path=outbox.settings.path.with_name("other.sqlite"))) as other:
            rival = Publisher(settings, other, INFO).start()
            assert wait_for(lambda: publisher.trouble is not None)
            rival.close(0.0)
        assert wait_for(lambda: publisher.trouble is None and publisher.connected)


def test_a_broker_that_restarts_now_and_then_is_no_rival(
    mosquitto: Mosquitto, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    with Publisher(quick(mosquitto.url), outbox, INFO) as publisher:
        publisher.wait_connected(5)
        mosquitto.stop()
        assert wait_for(lambda: not publisher.connected)
        mosquitto.start()
        assert wait_for(lambda: publisher.connected)
        assert publisher.trouble is None
    assert "another client" not in caplog.text
