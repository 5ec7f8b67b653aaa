"""The publisher against real brokers that come, go, refuse and die."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from paho.mqtt.client import MQTTMessage

from edge.delivery import EmbeddedBroker, Outbox, OutboxSettings, Publisher
from edge.delivery.connection import Dialer
from edge.events import DeviceIdentity, Health, schemas
from edge.state.types import Severity

from .parts import (
    CLOCK,
    Mosquitto,
    Relay,
    Subscriber,
    child,
    free_port,
    make_event,
    make_info,
    quick,
    wait_for,
    without_repeats,
)

DEVICE = DeviceIdentity("cab-7")
INFO = make_info(DEVICE)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_events_arrive_in_order_and_leave_the_outbox(
    mosquitto: Mosquitto, subscriber: Subscriber, outbox: Outbox, protocol: str
) -> None:
    events = [make_event(DEVICE, t) for t in range(60)]
    with Publisher(quick(mosquitto.url, protocol=protocol), outbox, INFO) as publisher:
        assert publisher.wait_connected(5).kind == "connected"
        for event in events:
            outbox.put(event)
        assert wait_for(lambda: outbox.depth() == 0)
    assert wait_for(lambda: len(subscriber.payloads("/event")) >= 60)
    assert [json.loads(payload) for payload in subscriber.payloads("/event")] == [
        json.loads(event.to_json()) for event in events
    ]


def test_an_event_reaches_a_subscriber_within_a_tenth_of_a_second(
    mosquitto: Mosquitto, subscriber: Subscriber, outbox: Outbox
) -> None:
    with Publisher(quick(mosquitto.url), outbox, INFO) as publisher:
        publisher.wait_connected(5)
        time.sleep(0.3)  # the network loop sleeps by now
        delays = []
        for t in range(5):
            start = time.monotonic()
            outbox.put(make_event(DEVICE, t))
            assert wait_for(lambda count=t + 1: len(subscriber.payloads("/event")) == count)  # type: ignore[misc]
            delays.append(time.monotonic() - start)
        assert sorted(delays)[2] < 0.1, delays


def test_every_message_sent_is_what_the_schemas_say(
    mosquitto: Mosquitto, subscriber: Subscriber, outbox: Outbox
) -> None:
    health = Health(
        time=CLOCK.wall(0),
        uptime_s=1.0,
        fps=15.0,
        latency_ms=20.0,
        temperature_c=None,
        outbox_depth=0,
        outbox_dropped=0,
    )
    with Publisher(quick(mosquitto.url), outbox, INFO) as publisher:
        publisher.wait_connected(5)
        publisher.state("mien/1/cab-7/health", health, retain=True, expiry_s=90)
        outbox.put(make_event(DEVICE))
        assert wait_for(lambda: bool(subscriber.payloads("/event") and subscriber.payloads("/health")))
    assert wait_for(lambda: len(subscriber.payloads("/status")) == 2)
    names = {"event": "event", "status": "status", "info": "info", "health": "health"}
    for message in subscriber.messages:
        name = names[message.topic.rpartition("/")[2]]
        value = message.payload.decode() if name == "status" else json.loads(message.payload)
        Draft202012Validator(schemas()[name]).validate(value)
    assert subscriber.payloads("/status") == [b"online", b"stopped"]


def test_a_broker_killed_in_the_midst_loses_no_event(
    mosquitto: Mosquitto, relay: Relay, subscriber: Subscriber, outbox: Outbox
) -> None:
    events = [make_event(DEVICE, t) for t in range(150)]
    with Publisher(quick(relay.url), outbox, INFO) as publisher:
        publisher.wait_connected(5)
        for number, event in enumerate(events):
            outbox.put(event)
            if number in (40, 90):
                mosquitto.kill()
                relay.cut()
                subscriber.subscribed.clear()
            if number in (70, 120):
                mosquitto.start()
                # A broker forgets subscriptions with its life; the device may only return after the subscriber.
                assert subscriber.subscribed.wait(10)
                relay.up()
        assert wait_for(lambda: outbox.depth() == 0)
    assert wait_for(lambda: len(set(subscriber.ids())) == 150)
    assert without_repeats(subscriber.ids()) == [event.id for event in events]


def test_events_whose_acknowledgement_was_lost_come_again_under_the_same_id(
    mosquitto: Mosquitto, relay: Relay, subscriber: Subscriber, outbox: Outbox
) -> None:
    events = [make_event(DEVICE, t) for t in range(10)]
    with Publisher(quick(relay.url), outbox, INFO) as publisher:
        publisher.wait_connected(5)
        assert wait_for(lambda: b"online" in subscriber.payloads("/status"))
        relay.lose_answers = True
        for event in events:
            outbox.put(event)
        assert wait_for(lambda: len(subscriber.ids()) == 10)
        assert outbox.depth() == 10
        relay.cut()
        relay.lose_answers = False
        relay.up()
        assert wait_for(lambda: outbox.depth() == 0)
    assert subscriber.ids() == [event.id for event in events] * 2


def test_a_process_killed_and_started_again_loses_no_event(
    mosquitto: Mosquitto, subscriber: Subscriber, tmp_path: Path
) -> None:
    path = tmp_path / "outbox.sqlite"
    put: list[str] = []
    for _ in range(2):
        with child(str(path), mosquitto.url) as process:
            assert process.stdout is not None
            put += [process.stdout.readline().strip() for _ in range(60)]
            process.kill()
            put += process.stdout.read().split()
    assert wait_for(lambda: b"offline" in subscriber.payloads("/child/status"))
    with Outbox(OutboxSettings(path=path)) as outbox:
        with Publisher(quick(mosquitto.url), outbox, make_info(DeviceIdentity("child"))):
            assert wait_for(lambda: outbox.depth() == 0)
        assert wait_for(lambda: set(put) <= set(subscriber.ids()))
    arrived = without_repeats(subscriber.ids())
    assert [id_ for id_ in arrived if id_ in set(put)] == put
    assert len(arrived) - len(put) <= 2


def test_the_last_will_says_offline_when_the_process_is_killed(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with child(str(tmp_path / "outbox.sqlite"), mosquitto.url):
        early = Subscriber(mosquitto.port, "mien/1/child/status")
        assert wait_for(lambda: b"online" in early.payloads("status"))
    assert wait_for(lambda: early.payloads("status")[-1] == b"offline")
    early.close()
    late = Subscriber(mosquitto.port, "mien/1/child/status")
    assert wait_for(lambda: late.payloads("status") == [b"offline"])
    assert late.messages[0].retain
    late.close()


def test_a_broker_that_comes_later_gets_what_waited_marked_as_delayed(
    start_mosquitto: Callable[..., Mosquitto], outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = start_mosquitto()
    subscriber = Subscriber(broker.port)
    relay = Relay(broker.port)
    late, fresh = make_event(DEVICE, 1), make_event(DEVICE, 2)
    with Publisher(quick(relay.url), outbox, INFO) as publisher:
        assert publisher.wait_connected(5).kind == "unreachable"
        a_minute_ago = time.time() - 60
        with monkeypatch.context() as clock:
            clock.setattr(time, "time", lambda: a_minute_ago)
            outbox.put(late)
        outbox.put(fresh)
        assert outbox.depth() == 2
        relay.up()
        assert wait_for(lambda: len(subscriber.ids()) == 2)
        assert publisher.connected
    first, second = (json.loads(payload) for payload in subscriber.payloads("/event"))
    assert (first["id"], first["data"]["delayed"]) == (late.id, True)
    assert (second["id"], second["data"]["delayed"]) == (fresh.id, False)
    Draft202012Validator(schemas()["event"]).validate(first)
    subscriber.close()
    relay.cut()


def test_nothing_listening_is_unreachable_and_closing_does_not_wait(outbox: Outbox) -> None:
    port = free_port()
    outbox.put(make_event(DEVICE))
    publisher = Publisher(quick(f"mqtt://127.0.0.1:{port}", reconnect_min_s=30), outbox, INFO).start()
    outcome = publisher.wait_connected(5)
    assert outcome.kind == "unreachable"
    assert f"127.0.0.1:{port}" in outcome.reason
    assert "nothing listens there" in outcome.reason
    start = time.monotonic()
    assert publisher.close(drain_s=20) == 1
    assert time.monotonic() - start < 2


def test_a_host_that_does_not_exist_is_unreachable(outbox: Outbox) -> None:
    with Publisher(quick("mqtt://no-such-host.invalid"), outbox, INFO) as publisher:
        outcome = publisher.wait_connected(20)
    assert outcome.kind == "unreachable"
    assert "its name is not known" in outcome.reason


def test_a_server_that_is_no_broker_is_unreachable(outbox: Outbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"mqtt://127.0.0.1:{server.getsockname()[1]}"
        with Publisher(quick(url, connect_timeout_s=0.3), outbox, INFO) as publisher:
            outcome = publisher.wait_connected(5)
    assert outcome.kind == "unreachable"
    assert "is it an MQTT broker?" in outcome.reason


def password_file(folder: Path) -> Path:
    tool = shutil.which("mosquitto_passwd")
    if tool is None:
        pytest.skip("mosquitto_passwd is not installed: apt install mosquitto")
    path = folder / "passwords"
    subprocess.run([tool, "-b", "-c", str(path), "cab", "right"], check=True, capture_output=True)
    return path


@pytest.mark.parametrize("protocol", ["auto", "5", "3.1.1"])
def test_wrong_credentials_are_refused_and_the_right_ones_are_not(
    start_mosquitto: Callable[..., Mosquitto],
    outbox: Outbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    protocol: str,
) -> None:
    broker = start_mosquitto("allow_anonymous false", f"password_file {password_file(tmp_path)}")
    for url in (broker.url, broker.url.replace("//", "//cab:wrong@")):
        with Publisher(quick(url, protocol=protocol), outbox, INFO) as publisher:
            outcome = publisher.wait_connected(5)
        assert outcome.kind == "refused"
        assert "refuses the connection" in outcome.reason
        assert "wrong" not in outcome.reason
    monkeypatch.setenv("MIEN_MQTT_PASSWORD", "right")
    with Publisher(quick(broker.url, username="cab", protocol=protocol), outbox, INFO) as publisher:
        assert publisher.wait_connected(5).kind == "connected"


def test_events_that_the_broker_refuses_wait_until_it_takes_them(
    start_mosquitto: Callable[..., Mosquitto], outbox: Outbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.delivery.backlog.REFUSED_RETRY_S", 0.2)
    rights = tmp_path / "rights"
    rights.write_text("topic write mien/1/+/status\n")
    broker = start_mosquitto("allow_anonymous true", f"acl_file {rights}")
    with Publisher(quick(broker.url, protocol="5"), outbox, INFO) as publisher:
        publisher.wait_connected(5)
        outbox.put(make_event(DEVICE))
        time.sleep(0.5)
        assert publisher.connected
        assert outbox.depth() == 1
        rights.write_text("topic write mien/1/#\n")
        broker.reload()
        assert wait_for(lambda: outbox.depth() == 0)


def test_a_broker_that_knows_only_3_1_1_is_spoken_to_in_3_1_1(outbox: Outbox) -> None:
    with EmbeddedBroker() as broker:
        subscriber = Subscriber(int(broker.url.rpartition(":")[2]))
        events = [make_event(DEVICE, t) for t in range(30)]
        with Publisher(quick(broker.url), outbox, INFO) as publisher:
            assert publisher.wait_connected(10).kind == "connected"
            for event in events:
                outbox.put(event)
            assert wait_for(lambda: outbox.depth() == 0)
        assert wait_for(lambda: len(subscriber.ids()) == 30)
        assert subscriber.ids() == [event.id for event in events]
        assert wait_for(lambda: subscriber.payloads("/status") == [b"online", b"stopped"])
        subscriber.close()


def test_mqtt_5_carries_content_type_and_expiry(mosquitto: Mosquitto, outbox: Outbox) -> None:
    heard: list[MQTTMessage] = []
    dialer = Dialer(quick(mosquitto.url, protocol="5"), "listener", on_message=heard.append)
    session, _ = dialer.dial()
    assert session is not None
    session.subscribe(("mien/1/#",), 3)
    with Publisher(quick(mosquitto.url), outbox, INFO) as publisher:
        publisher.wait_connected(5)
        publisher.state("mien/1/cab-7/driver/state", b"{}", retain=True, expiry_s=10)
        outbox.put(make_event(DEVICE))
        deadline = time.monotonic() + 5
        while len(heard) < 4 and time.monotonic() < deadline:
            session.poll(0.1)
    session.close()
    by_topic: dict[str, Any] = {message.topic.removeprefix("mien/1/cab-7/"): message.properties for message in heard}
    assert by_topic["driver/event"].ContentType.startswith("application/cloudevents+json")
    assert 0 < by_topic["driver/state"].MessageExpiryInterval <= 10


def test_of_states_only_the_newest_counts_and_stale_ones_are_never_sent(
    mosquitto: Mosquitto, relay: Relay, subscriber: Subscriber, outbox: Outbox
) -> None:
    with Publisher(quick(relay.url), outbox, INFO) as publisher:
        publisher.wait_connected(5)
        publisher.state("mien/1/cab-7/camera/front/status", b"running", retain=True)
        assert wait_for(lambda: subscriber.payloads("front/status") == [b"running"])
        relay.cut()
        assert wait_for(lambda: not publisher.connected)
        for number in range(5):
            publisher.state("mien/1/cab-7/health", f"{number}", retain=True, expiry_s=60)
            publisher.state("mien/1/cab-7/expression/state", f"{number}")
        publisher.state("mien/1/cab-7/driver/state", b"stale", retain=True, expiry_s=0.01)
        time.sleep(0.05)
        relay.up()
        assert wait_for(lambda: subscriber.payloads("/health") == [b"4"])
        assert wait_for(lambda: subscriber.payloads("front/status") == [b"running", b"running"])
    assert subscriber.payloads("/expression/state") == []
    assert subscriber.payloads("/driver/state") == []


def test_closing_sends_what_was_put_just_before(mosquitto: Mosquitto, subscriber: Subscriber, outbox: Outbox) -> None:
    for t in range(50):
        outbox.put(make_event(DEVICE, t))
    publisher = Publisher(quick(mosquitto.url), outbox, INFO).start()
    assert publisher.close(drain_s=10) == 0
    assert wait_for(lambda: len(subscriber.ids()) == 50)
    assert wait_for(lambda: subscriber.payloads("cab-7/status") == [b"online", b"stopped"])


def test_putting_goes_on_at_full_speed_while_the_network_is_silent(
    mosquitto: Mosquitto, relay: Relay, outbox: Outbox
) -> None:
    relay.lose_answers = True
    with Publisher(quick(relay.url, protocol="5"), outbox, INFO) as publisher:
        slowest = 0.0
        for t in range(50):
            start = time.monotonic()
            outbox.put(make_event(DEVICE, t))
            slowest = max(slowest, time.monotonic() - start)
        assert slowest < 1.0
        assert outbox.depth() == 50
        relay.cut()
        assert not publisher.connected


def test_events_go_out_although_the_disk_fails_and_return_to_it_when_it_is_mended(
    mosquitto: Mosquitto, subscriber: Subscriber, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.delivery.outbox._ASK_AGAIN_S", 0.0)
    with Publisher(quick(mosquitto.url), outbox, INFO) as publisher:
        publisher.wait_connected(5)
        disk = outbox._disk
        assert disk is not None
        healthy = disk._db
        broken = type(healthy)(":memory:", check_same_thread=False, isolation_level=None)
        monkeypatch.setattr(disk, "_db", broken)
        outbox.put(make_event(DEVICE, 1))
        assert "no such table" in str(outbox.trouble)
        assert wait_for(lambda: len(subscriber.ids()) == 1)
        monkeypatch.setattr(disk, "_db", healthy)
        outbox.put(make_event(DEVICE, 2))
        assert outbox.trouble is None
        assert wait_for(lambda: len(subscriber.ids()) == 2)
        assert wait_for(lambda: outbox.depth() == 0)
        broken.close()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_events_arrive_over_a_websocket(
    start_mosquitto: Callable[..., Mosquitto], outbox: Outbox, protocol: str
) -> None:
    port = free_port()
    listener = (f"listener {port}", "protocol websockets", "socket_domain ipv4")
    broker = start_mosquitto("allow_anonymous true", *listener)
    subscriber = Subscriber(broker.port)
    events = [make_event(DEVICE, t) for t in range(60)]
    with Publisher(quick(f"ws://127.0.0.1:{port}/mqtt", protocol=protocol), outbox, INFO) as publisher:
        assert publisher.wait_connected(5).kind == "connected"
        for event in events:
            outbox.put(event)
        assert wait_for(lambda: outbox.depth() == 0)
    assert wait_for(lambda: len(subscriber.ids()) >= 60)
    assert subscriber.ids() == [event.id for event in events]
    assert wait_for(lambda: subscriber.payloads("cab-7/status") == [b"online", b"stopped"])
    subscriber.close()


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_port_without_websockets_is_named(mosquitto: Mosquitto, outbox: Outbox) -> None:
    with Publisher(quick(mosquitto.url.replace("mqtt:", "ws:")), outbox, INFO) as publisher:
        outcome = publisher.wait_connected(5)
    assert outcome.kind == "unreachable"
    assert "it offers no WebSocket for MQTT at path /mqtt" in outcome.reason


def test_events_go_out_in_order_whatever_the_clock_does(
    mosquitto: Mosquitto, relay: Relay, subscriber: Subscriber, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_s = time.time()
    events = [make_event(DEVICE, t, Severity.INFO) for t in range(5)]
    with Publisher(quick(relay.url), outbox, INFO) as publisher:
        publisher.wait_connected(5)
        relay.cut()
        assert wait_for(lambda: not publisher.connected)
        with monkeypatch.context() as clock:
            for event, jump_s in zip(events, (0.0, -3600.0, -3600.0, 86400.0, 0.0), strict=True):
                clock.setattr(time, "time", lambda now_s=true_s + jump_s: now_s)
                outbox.put(event)
        relay.up()
        assert wait_for(lambda: len(subscriber.ids()) == 5)
    assert subscriber.ids() == [event.id for event in events]
    delayed = [json.loads(payload)["data"]["delayed"] for payload in subscriber.payloads("/event")]
    assert delayed == [False, True, True, True, False]
    assert outbox.dropped() == 0


def test_no_thread_is_left_behind(mosquitto: Mosquitto, outbox: Outbox) -> None:
    before = threading.active_count()
    for _ in range(3):
        with Publisher(quick(mosquitto.url), outbox, INFO) as publisher:
            publisher.wait_connected(5)
    assert threading.active_count() == before
