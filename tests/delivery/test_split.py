"""Two processes instead of one: what crosses the socket between them, in which order they come and go."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import publish as mqtt
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.config import Config
from edge.delivery import DeliveryError, Outbox
from edge.delivery.drain import Drain
from edge.delivery.incoming import Incoming
from edge.delivery.link import socket_beside
from edge.doctor import _halves
from edge.events import DeviceIdentity, DriverSnapshot
from edge.running.status import Status, StatusFile, look

from .apart import Vision, configured, publishing
from .parts import REPOSITORY, Mosquitto, Subscriber, make_info, wait_for

HERE = "mien/1/cab"


@pytest.fixture
def config(tmp_path: Path, mosquitto: Mosquitto) -> Config:
    return configured(tmp_path, mosquitto.url)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is told of after half a second, so signs of life come faster."""
    monkeypatch.setattr("edge.delivery.link.presence.GONE_AFTER_S", 0.5)
    monkeypatch.setattr("edge.delivery.link.courier.BEAT_EVERY_S", 0.05)
    monkeypatch.setattr("edge.delivery.link.courier._TURN_LONG_S", 0.05)
    monkeypatch.setattr("edge.delivery.link.courier._RETRY_S", 0.05)


def last(subscriber: Subscriber, ending: str) -> bytes | None:
    heard = subscriber.payloads(ending)
    return heard[-1] if heard else None


def says(subscriber: Subscriber, ending: str, payload: bytes) -> Callable[[], bool]:
    return lambda: last(subscriber, ending) == payload


def say(broker: Mosquitto, topic: str, payload: str, *, retain: bool = False) -> None:
    mqtt.single(topic, payload, qos=1, retain=retain, hostname="127.0.0.1", port=broker.port)


def test_what_vision_sees_arrives_as_from_one_process(config: Config, subscriber: Subscriber) -> None:
    with publishing(config):
        with Vision(config) as vision:
            assert wait_for(says(subscriber, "cab/status", b"online"))
            vision.courier.state(f"{HERE}/driver/state", "{}", expiry_s=10.0)
            ids = [vision.put().id for _ in range(50)]
            assert wait_for(lambda: subscriber.ids() == ids), "lost, repeated or out of order"
            assert wait_for(lambda: vision.courier.connected)
            assert wait_for(lambda: vision.outbox.depth() == 0)
        assert wait_for(says(subscriber, "cab/status", b"stopped")), "the goodbye of who sees was not passed on"
    told = [message.topic.removeprefix(f"{HERE}/") for message in subscriber.messages]
    assert told[:2] == ["status", "info"]
    assert subscriber.payloads("cab/status") == [b"online", b"stopped", b"stopped"]
    assert subscriber.payloads("driver/state") == [b"{}"]


def test_events_put_while_nobody_publishes_wait_for_who_does(config: Config, subscriber: Subscriber) -> None:
    with Vision(config) as vision:
        ids = [vision.put().id for _ in range(3)]
    with publishing(config):
        assert wait_for(lambda: subscriber.ids() == ids), "without a vision the outbox is not emptied"
        with Vision(config) as vision:
            ids.append(vision.put().id)
            assert wait_for(lambda: subscriber.ids() == ids)


def test_without_the_socket_events_arrive_all_the_same(config: Config, subscriber: Subscriber) -> None:
    with publishing(config), Vision(config) as vision:
        assert wait_for(lambda: vision.courier.connected)
        vision.courier.close(0.0)
        event = vision.put()
        assert wait_for(lambda: subscriber.ids() == [event.id]), "nobody looks unless woken"


@pytest.mark.usefixtures("impatient")
def test_who_sees_dies_and_subscribers_hear_of_it_until_it_is_back(config: Config, subscriber: Subscriber) -> None:
    camera = f"{HERE}/camera/main/status"
    with publishing(config):
        assert wait_for(says(subscriber, "cab/status", b"offline")), "it never came, and nobody says so"
        with Vision(config) as vision:
            vision.courier.state(camera, "running", retain=True, qos=1)
            assert wait_for(says(subscriber, "cab/status", b"online"))
            assert wait_for(says(subscriber, "main/status", b"running"))
            vision.hangs = True
            assert wait_for(says(subscriber, "cab/status", b"offline")), "it hangs, and nobody says so"
            assert wait_for(lambda: json.loads(last(subscriber, "main/status") or b"{}").get("status") == "lost")
            assert wait_for(lambda: bool(subscriber.payloads("driver/state")))
            blind = DriverSnapshot.model_validate_json(subscriber.payloads("driver/state")[-1])
            assert (blind.present, blind.eyes, blind.sensing) == (False, "unknown", "lost")
            vision.hangs = False
            assert wait_for(says(subscriber, "cab/status", b"online"))
            assert wait_for(says(subscriber, "main/status", b"running")), "what it had said is not said again"


@pytest.mark.usefixtures("impatient")
def test_a_new_publisher_is_told_what_is_retained_and_nothing_stale(config: Config, subscriber: Subscriber) -> None:
    with Vision(config) as vision:
        vision.courier.state(f"{HERE}/privacy/state", "OFF", retain=True, qos=1)
        vision.courier.state(f"{HERE}/driver/state", "stale", retain=True, expiry_s=0.0)
        with publishing(config):
            assert wait_for(says(subscriber, "privacy/state", b"OFF"))
            vision.courier.state(f"{HERE}/expression/state", "once")
            assert wait_for(says(subscriber, "expression/state", b"once"))
        assert wait_for(lambda: not vision.courier.connected)
        before = len(subscriber.messages)
        with publishing(config):
            assert wait_for(lambda: vision.courier.connected)
            assert wait_for(lambda: len(subscriber.payloads("privacy/state")) == 2), "not told again"
    again = {message.topic.removeprefix(f"{HERE}/") for message in subscriber.messages[before:]}
    assert again == {"status", "info", "privacy/state"}
    assert subscriber.payloads("driver/state") == []


def test_the_vehicle_is_believed_for_as_long_as_its_word_is_fresh(
    tmp_path: Path, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured(tmp_path, mosquitto.url, vehicle={"speed_topic": "car/speed", "reverse_topic": "car/reverse"})
    say(mosquitto, "car/reverse", "1", retain=True)
    with publishing(config), Vision(config) as vision:
        assert wait_for(lambda: vision.courier.connected)

        def heard() -> bool:
            say(mosquitto, "car/speed", "52.5")
            return vision.vehicle.speed_kmh() == 52.5

        assert wait_for(heard)
        assert vision.vehicle.reverse() is None, "the broker's memory is believed"
    old = Incoming("car/speed", b"80", at_s=0.0)
    vision.vehicle.inputs["car/speed"](old)
    assert vision.vehicle.speed_kmh() is None, "it aged on its way, and is believed"


class Asker:
    """Asks a device with a response topic of its own."""

    def __init__(self, port: int) -> None:
        self.answers: list[tuple[bytes | None, dict[str, Any]]] = []
        subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.on_message = self._keep
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe("reply/me", qos=1)
        assert subscribed.wait(5)

    def ask(self, topic: str, number: bytes, payload: str = "") -> None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ResponseTopic, properties.CorrelationData = "reply/me", number
        self._client.publish(topic, payload, qos=1, properties=properties)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _keep(self, _client: object, _data: object, message: MQTTMessage) -> None:
        number = getattr(message.properties, "CorrelationData", None)
        self.answers.append((number, json.loads(message.payload)))


@pytest.fixture
def asker(mosquitto: Mosquitto) -> Iterator[Asker]:
    asks = Asker(mosquitto.port)
    yield asks
    asks.close()


class Obliging:
    """Actions that all succeed."""

    def recalibrate(self) -> dict[str, Any]:
        return {}

    def snooze(self, seconds: float) -> dict[str, Any]:
        return {"seconds": seconds}

    def identify(self) -> dict[str, Any]:
        return {"device": "cab"}

    def config(self) -> dict[str, Any]:
        return {}

    def switch(self, name: str, *, on: bool) -> dict[str, Any]:
        return {name: on}


def test_an_order_crosses_and_its_answer_comes_back(config: Config, asker: Asker) -> None:
    with publishing(config):
        with Vision(config) as vision:
            assert wait_for(lambda: vision.courier.connected)

            def answered(number: int) -> bool:
                vision.commands.run(Obliging(), vision.courier.answer)
                return len(asker.answers) == number

            asker.ask(f"{HERE}/command/snooze", b"\x00\xff1", '{"seconds": 60}')
            assert wait_for(lambda: answered(1))
            asker.ask(f"{HERE}/privacy/set", b"2", "ON")
            assert wait_for(lambda: answered(2))
            asker.ask(f"{HERE}/command/snooze", b"3", "[" * 100_000)
            assert wait_for(lambda: answered(3)), "a payload too long to cross is not answered"
        asker.ask(f"{HERE}/privacy/set", b"4", "ON")
        assert wait_for(lambda: len(asker.answers) == 4), "nobody is there to obey, and nobody says so"
    first, second, third, fourth = asker.answers
    assert first == (b"\x00\xff1", {"ok": True, "seconds": 60})
    assert second == (b"2", {"ok": True, "privacy": True})
    assert "longer than" in third[1]["error"]
    assert fourth[0] == b"4"
    assert "mien vision" in fourth[1]["error"]


def test_home_assistant_starts_anew_and_is_told_anew(
    tmp_path: Path, mosquitto: Mosquitto, subscriber: Subscriber
) -> None:
    config = configured(tmp_path, mosquitto.url, homeassistant={"enabled": True})
    everything = Subscriber(mosquitto.port, "homeassistant/device/#")
    try:
        with publishing(config), Vision(config) as vision:
            vision.home.announce(vision.courier, {"dev": "cab"})
            assert wait_for(lambda: len(everything.messages) == 1)
            say(mosquitto, "homeassistant/status", "online")
            assert wait_for(lambda: len(everything.messages) == 2)
    finally:
        everything.close()


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (f"{HERE}/status", b"online"),
        (f"{HERE}/driver/event", b"{}"),
        ("mien/1/other/driver/state", b"{}"),
        ("homeassistant/device/mien_cab/config", b"{}"),  # not switched on
        ("anything", b"{}"),
        (f"{HERE}/driver/state", bytes(40_000)),  # no state is as large as a picture
    ],
)
def test_vision_gets_nothing_out_but_what_a_device_says(
    config: Config, mosquitto: Mosquitto, topic: str, payload: bytes
) -> None:
    everything = Subscriber(mosquitto.port, "#")
    try:
        with publishing(config), Vision(config) as vision:
            assert wait_for(lambda: vision.courier.connected)
            vision.courier.state(topic, payload)
            vision.courier.answer(topic, payload)
            vision.courier.state(f"{HERE}/privacy/state", "OFF", retain=True)
            assert wait_for(lambda: bool(everything.payloads("privacy/state"))), "what it may say is held back, too"
            said = [(message.topic, message.payload) for message in everything.messages]
        assert said.count((topic, payload)) == (1 if payload == b"online" else 0)
    finally:
        everything.close()


def test_what_the_disk_refuses_crosses_the_socket_and_is_forgotten_on_arrival(
    config: Config, subscriber: Subscriber
) -> None:
    with publishing(config), Vision(config) as vision:
        first = vision.put()
        assert wait_for(lambda: subscriber.ids() == [first.id])
        vision.outbox.trouble = "for the test: it refuses"
        vision.outbox._ask_again_at_s = float("inf")
        ids = [vision.put().id for _ in range(5)]
        assert wait_for(lambda: subscriber.ids()[1:] == ids), "they wait in memory until the disk is mended"
        assert wait_for(lambda: vision.outbox.depth() == 0)


def test_a_damaged_file_is_set_aside_by_vision_and_publish_goes_on_with_the_new_one(
    config: Config, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.delivery.link.desk._LOOK_EVERY_S", 0.1)
    with Vision(config) as vision:
        for _ in range(60):  # some pages
            vision.put()
        vision.outbox._disk._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
        with config.outbox.path.open("r+b") as file:
            file.seek(8192)
            file.write(b"\xff" * 20_000)
        with publishing(config):
            assert wait_for(lambda: vision.outbox.set_aside is not None), "publish finds it, and vision goes on with it"
            event = vision.put()
            assert wait_for(lambda: event.id in subscriber.ids()), "publish goes on with the old one"
    assert len(list(config.outbox.path.parent.glob("*.damaged-*"))) >= 1
    with Outbox(config.outbox) as outbox:
        assert outbox.set_aside is None, "the new file was damaged by who closed the old one"


def test_publish_makes_no_file_and_follows_a_new_one(config: Config) -> None:
    drain = Drain(config.outbox.path)
    assert drain.pending(10) == []
    assert not config.outbox.path.exists()
    with Vision(config) as vision:
        first = vision.put()
        assert [event.id for event in drain.pending(10)] == [first.id]
    for path in config.outbox.path.parent.glob("outbox.sqlite*"):
        path.unlink()
    assert drain.pending(10) == []
    epoch = drain.epoch
    with Vision(config) as vision:
        second = vision.put()
        assert [event.id for event in drain.pending(10)] == [second.id]
        assert drain.epoch > epoch
    drain.close()


def test_a_second_publish_is_told_and_a_dead_one_leaves_the_place_free(config: Config) -> None:
    with publishing(config):
        assert wait_for(socket_beside(config.outbox.path).is_socket)
        with pytest.raises(DeliveryError, match="another mien publish has it"), publishing(config):
            pass
    assert not socket_beside(config.outbox.path).exists()
    code = "import socket, sys; socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).bind(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(socket_beside(config.outbox.path))], check=True, cwd=REPOSITORY)
    with publishing(config), Vision(config) as vision:
        assert wait_for(lambda: vision.courier.connected)


def test_status_and_doctor_tell_which_of_the_two_is_missing(
    config: Config,
) -> None:
    def halves() -> list[str]:
        return [finding.verdict for finding in _halves(config.outbox.path)]

    assert halves() == []  # one process, or none
    figures: dict[str, Any] = dict.fromkeys(Status.model_fields)
    for name in ("pid", "boot", "at_s", "written_at"):
        del figures[name]
    figures |= {"says": "", "camera": "running", "fps": 15.0, "dropped": 0, "shedding": (), "apart": True}
    figures |= {"info": make_info(DeviceIdentity("cab")), "outbox_depth": 0, "outbox_dropped": 0}
    file = StatusFile(config.outbox.path)
    with publishing(config):
        assert wait_for(lambda: look(config.outbox.path).publishing is not None)
        assert "mien vision does not run here" in str(look(config.outbox.path).trouble)
        assert halves() == ["fail"]
        file.write(Status(**figures))
        assert look(config.outbox.path).trouble is None
        assert halves() == ["fail"], "they do not know of each other"
        with Vision(config):
            assert wait_for(lambda: halves() == ["ok"])
    report = look(config.outbox.path)
    assert report.status is not None
    assert "mien publish does not run here" in str(report.trouble)
    assert halves() == ["fail"]
