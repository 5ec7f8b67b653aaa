"""The vehicle's speed and gear: what gateways send, what they must not make us believe, and a real broker."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt import publish

import edge.daemon
from edge.config import ConfigError, load
from edge.delivery import EmbeddedBroker, Outbox, Publisher, VehicleInput, VehicleSettings
from edge.delivery.incoming import Incoming
from edge.delivery.vehicle import PayloadError, read_reverse, read_speed
from edge.events import DeviceIdentity, Event
from edge.state.people import People
from edge.state.types import Episode, Vehicle
from edge.vision.types import Observation
from tests.clock import Clock

from . import sleeper
from .parts import Mosquitto, Subscriber, free_port, make_event, make_info, quick, wait_for

DEVICE = DeviceIdentity("cab-7")
SPEED = "car/speed"
GEAR = "car/gear"


def message(topic: str, payload: bytes | str, *, retain: bool = False) -> Incoming:
    return Incoming(topic, payload.encode() if isinstance(payload, str) else payload, retain=retain)


@pytest.mark.parametrize(
    ("payload", "path", "unit", "kmh"),
    [
        ("52.5", None, "km/h", 52.5),
        (" 10 \n", None, "m/s", 36.0),
        ("10", None, "mph", 16.09344),
        ("0", None, "km/h", 0.0),
        ("-4", None, "km/h", 4.0),
        ('{"speed": 80}', "speed", "km/h", 80.0),
        ('{"path": "Vehicle.Speed", "dp": {"value": "63.0", "ts": "now"}}', "dp.value", "km/h", 63.0),
        ('{"data": [{"v": 1}, {"v": 7}]}', "data.1.v", "km/h", 7.0),
        ('{"speed": null}', "speed", "km/h", None),
        ("null", None, "km/h", None),
    ],
)
def test_gateways_say_speed_in_many_ways(payload: str, path: str | None, unit: str, kmh: float | None) -> None:
    settings = VehicleSettings.model_validate({"speed_topic": SPEED, "speed_path": path, "speed_unit": unit})
    assert read_speed(payload.encode(), settings) == (None if kmh is None else pytest.approx(kmh))


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        (b"fast", None),
        (b"", None),
        (b"true", None),
        (b"NaN", None),
        (b"Infinity", None),
        (b"1e400", None),
        (b"9" * 5000, None),
        (b"\xff\xfe", None),
        (b"655.35", None),
        (b"52.5", "speed"),
        (b"[" * 60_000, "speed"),
        (b'{"speed": {}}', "speed"),
        (b'{"speed": true}', "speed"),
        (b'{"other": 1}', "speed"),
        (b'{"a": 5}', "a.speed"),
        (b'{"a": "text"}', "a.0"),
        (b"[1]", "7"),
        (b"[1]", "x"),
    ],
)
def test_what_is_no_speed_is_not_taken_for_one(payload: bytes, path: str | None) -> None:
    with pytest.raises(PayloadError):
        read_speed(payload, VehicleSettings(speed_topic=SPEED, speed_path=path))


@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode), st.sampled_from([None, "a", "a.0", "0.a"]))
def test_whatever_arrives_is_a_speed_or_ignored(payload: bytes, path: str | None) -> None:
    inputs = VehicleInput(VehicleSettings(speed_topic=SPEED, speed_path=path))
    inputs.inputs[SPEED](message(SPEED, payload))
    speed_kmh = inputs.speed_kmh()
    assert speed_kmh is None or 0 <= speed_kmh <= 251


@pytest.mark.parametrize(
    ("payload", "value", "reverse"),
    [
        ("true", None, True),
        ("OFF", None, False),
        ("1", None, True),
        ("0", None, False),
        ("null", None, None),
        ("R", "R", True),
        ('"r"', "R", True),
        ("D", "R", False),
        ("-1", "-1", True),
        ("3", "-1", False),
    ],
)
def test_reverse_is_a_switch_or_a_gear(payload: str, value: str | None, reverse: bool | None) -> None:
    settings = VehicleSettings(reverse_topic=GEAR, reverse_value=value)
    assert read_reverse(payload.encode(), settings) is reverse


@pytest.mark.parametrize("payload", [b"R", b"2", b"{}", b"\xff", b""])
def test_what_is_no_switch_is_not_taken_for_one(payload: bytes) -> None:
    with pytest.raises(PayloadError):
        read_reverse(payload, VehicleSettings(reverse_topic=GEAR))


def test_what_was_heard_is_forgotten_when_stale() -> None:
    clock = Clock()
    inputs = VehicleInput(VehicleSettings(speed_topic=SPEED, reverse_topic=GEAR), clock=clock)
    assert (inputs.speed_kmh(), inputs.reverse()) == (None, None)
    inputs.inputs[SPEED](message(SPEED, "50"))
    clock.now_s += 2.0
    inputs.inputs[GEAR](message(GEAR, "OFF"))
    assert (inputs.speed_kmh(), inputs.reverse()) == (50.0, False)
    clock.now_s += 1.5
    assert (inputs.speed_kmh(), inputs.reverse()) == (None, False)
    clock.now_s += 2.0
    assert (inputs.speed_kmh(), inputs.reverse()) == (None, None)


def test_a_retained_message_is_the_brokers_memory_and_no_news() -> None:
    inputs = VehicleInput(VehicleSettings(speed_topic=SPEED))
    inputs.inputs[SPEED](message(SPEED, "50", retain=True))
    assert inputs.speed_kmh() is None
    assert inputs.ignored == 0


def test_one_topic_may_tell_both() -> None:
    settings = VehicleSettings(
        speed_topic=SPEED, speed_path="speed", reverse_topic=SPEED, reverse_path="gear", reverse_value="R"
    )
    inputs = VehicleInput(settings)
    assert list(inputs.inputs) == [SPEED]
    inputs.inputs[SPEED](message(SPEED, '{"speed": 4, "gear": "R"}'))
    assert (inputs.speed_kmh(), inputs.reverse()) == (4.0, True)


def test_garbage_is_counted_told_once_and_leaves_what_was_known(caplog: pytest.LogCaptureFixture) -> None:
    inputs = VehicleInput(VehicleSettings(speed_topic=SPEED))
    inputs.inputs[SPEED](message(SPEED, "50"))
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            inputs.inputs[SPEED](message(SPEED, "x" * 1000))
    assert inputs.ignored == 3
    assert inputs.speed_kmh() == 50.0
    assert len(caplog.records) == 1
    assert "vehicle speed: car/speed says b'xxx" in caplog.records[0].message
    assert len(caplog.records[0].message) < 200


@pytest.mark.parametrize(
    ("vehicle", "words"),
    [
        ('speed_topic = "car/#"', "vehicle.speed_topic: must be one topic"),
        ('speed_topic = ""', "vehicle.speed_topic: must be one topic"),
        ('speed_path = "speed"', "speed_path is given without speed_topic"),
        ('reverse_value = "R"', "given without reverse_topic"),
        ('speed_unit = "knots"', "vehicle.speed_unit"),
        ("stale_s = 0", "vehicle.stale_s"),
    ],
)
def test_a_mistake_in_the_settings_is_one_line(tmp_path: Path, vehicle: str, words: str) -> None:
    file = tmp_path / "mien.toml"
    file.write_text(f"[vehicle]\n{vehicle}\n")
    with pytest.raises(ConfigError) as error:
        load(file)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


# Real brokers


@contextmanager
def listening(url: str, outbox: Outbox, settings: VehicleSettings, **broker: str) -> Iterator[VehicleInput]:
    """A publisher that listens to the vehicle as well, connected."""
    heard = VehicleInput(settings)
    with Publisher(quick(url, **broker), outbox, make_info(DEVICE), inputs=heard.inputs) as publisher:
        assert publisher.wait_connected(5).kind == "connected"
        yield heard


def say(port: int, payload: str, *, topic: str = SPEED, retain: bool = False) -> None:
    publish.single(topic, payload, qos=1, retain=retain, hostname="127.0.0.1", port=port)


def says_until(port: int, payload: str, heard: VehicleInput, kmh: float) -> bool:
    """As a gateway does: again and again."""

    def repeated() -> bool:
        say(port, payload)
        return heard.speed_kmh() == kmh

    return wait_for(repeated, 10)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_speed_comes_from_the_broker_but_not_from_its_memory(
    mosquitto: Mosquitto, outbox: Outbox, protocol: str
) -> None:
    say(mosquitto.port, "99", retain=True)
    with listening(mosquitto.url, outbox, VehicleSettings(speed_topic=SPEED, stale_s=0.5), protocol=protocol) as heard:
        time.sleep(0.3)
        assert heard.speed_kmh() is None, "retained"
        assert says_until(mosquitto.port, "50", heard, 50.0)
        say(mosquitto.port, "51", retain=True)  # live to who is subscribed, whatever the broker also keeps
        assert wait_for(lambda: heard.speed_kmh() == 51.0)
        say(mosquitto.port, "garbage")
        assert wait_for(lambda: heard.ignored == 1)
        assert wait_for(lambda: heard.speed_kmh() is None, 2), "stale"


def test_it_listens_again_when_the_broker_comes_back(
    mosquitto: Mosquitto, subscriber: Subscriber, outbox: Outbox
) -> None:
    with listening(mosquitto.url, outbox, VehicleSettings(speed_topic=SPEED, stale_s=0.5)) as heard:
        assert says_until(mosquitto.port, "50", heard, 50.0)
        mosquitto.kill()
        assert wait_for(lambda: heard.speed_kmh() is None, 2)
        subscriber.subscribed.clear()
        mosquitto.start()
        assert subscriber.subscribed.wait(10)
        assert says_until(mosquitto.port, "60", heard, 60.0)
        outbox.put(make_event(DEVICE))
        assert wait_for(lambda: outbox.depth() == 0), "events still go out"


def test_a_broker_of_3_1_1_alone_is_understood(outbox: Outbox) -> None:
    with (
        EmbeddedBroker() as broker,
        listening(broker.url, outbox, VehicleSettings(speed_topic=SPEED), protocol="3.1.1") as heard,
    ):
        assert says_until(int(broker.url.rpartition(":")[2]), "50", heard, 50.0)


def test_a_broker_that_hangs_up_at_the_topic_still_gets_our_events(
    mosquitto: Mosquitto, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    too_deep = "a/" * 300 + "b"  # mosquitto takes 200 levels
    with listening(mosquitto.url, outbox, VehicleSettings(speed_topic=too_deep)):
        outbox.put(make_event(DEVICE))
        assert wait_for(lambda: outbox.depth() == 0)
    assert [record.message.rpartition("; ")[2] for record in caplog.records if record.levelname == "ERROR"] == [
        "what it would tell stays unknown"
    ]


def test_the_daemon_tells_the_rules_and_the_events_how_fast_the_vehicle_goes(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: set[Vehicle] = set()
    events: list[Event] = []
    update = People.update

    def listening_update(people: People, seen: Observation, vehicle: Vehicle) -> list[Episode]:
        told.add(vehicle)
        return update(people, seen, vehicle)

    monkeypatch.setattr(People, "update", listening_update)
    config = sleeper.config(
        tmp_path / "outbox.sqlite",
        mosquitto.url,
        vehicle={"speed_topic": SPEED, "speed_path": "kmh", "reverse_topic": GEAR, "stale_s": 30},
    )
    driving = threading.Event()
    with sleeper.sleeping(lambda: True) as pictures:

        def drive_on() -> None:
            while not driving.wait(0.05):
                say(mosquitto.port, json.dumps({"kmh": 83.5}))
                say(mosquitto.port, "OFF", topic=GEAR)

        gateway = threading.Thread(target=drive_on)
        pictures.begun = lambda: time.sleep(1.0)  # until the vehicle has been heard
        gateway.start()
        edge.daemon.run(config, on_event=events.append, drain_s=0.0)
        driving.set()
        gateway.join()
    assert Vehicle(speed_kmh=83.5, reverse=False) in told
    assert {(event.data.kind, event.data.speed_kmh) for event in events} >= {("microsleep", 83.5), ("sleep", 83.5)}


def test_without_a_vehicle_the_speed_is_unknown(tmp_path: Path) -> None:
    events: list[Event] = []
    with sleeper.sleeping(lambda: True):
        edge.daemon.run(
            sleeper.config(tmp_path / "outbox.sqlite", f"mqtt://127.0.0.1:{free_port()}"),
            need_broker=False,
            on_event=events.append,
            drain_s=0.0,
        )
    assert events
    assert {event.data.speed_kmh for event in events} == {None}
