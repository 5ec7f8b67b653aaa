"""Orders over a real broker: what a device obeys, what it refuses, and what it answers."""

from __future__ import annotations

import json
import logging
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

import edge.daemon
from edge.camera import Camera, CameraError, CameraSettings, Frame, open_camera
from edge.delivery import Commands
from edge.delivery.alarm import Ladder
from edge.delivery.incoming import Incoming
from edge.events import CameraStatus, DriverSnapshot, Event, Topics
from edge.events.requests import COMMANDS, SWITCHES, Result
from edge.running.memory import Memory
from edge.vision import Observation
from tests.played import PlayedReader
from tests.state.scenes import drive, times

from . import sleeper
from .parts import Mosquitto, Subscriber, wait_for

ROOT = "mien/1/cab-7"
HASTE = 3.0
#: Eyes open for 1.5 s, then closed for good.
FALLS_ASLEEP = drive(times(90, 20), [(1.5, 1000.0)])


class Taxi(Camera):
    """A live camera in whose pictures time goes ``HASTE`` times as fast; frames only while its device is open."""

    def __init__(self) -> None:
        super().__init__("main", (1, 1), 20.0, None)
        self.device_open = True
        self.given: list[float] = []
        self.closed = False
        self._began_s = time.monotonic()
        self._seq = -1

    def __next__(self) -> Frame:
        time.sleep(0.02)
        if self.closed:
            raise StopIteration
        assert self.device_open
        self._seq += 1
        self.given.append(time.monotonic())
        t_s = HASTE * (self.given[-1] - self._began_s)
        return Frame(np.zeros((1, 1, 3), np.uint8), t_s, time.time(), self._seq, "main")

    def pause(self) -> None:
        self.device_open = False
        super().pause()

    def resume(self) -> None:
        self.device_open = True
        super().resume()

    def close(self) -> None:
        self.closed = True


def asleep(frame: Frame) -> Observation:
    return replace(FALLS_ASLEEP[min(int(frame.t_s * 20), len(FALLS_ASLEEP) - 1)], t_s=frame.t_s)


class Cab:
    """A running daemon with its camera and what it told."""

    def __init__(self, cameras: list[Taxi], events: list[Event]) -> None:
        self.cameras = cameras
        self.events = events

    @property
    def camera(self) -> Taxi:
        return self.cameras[-1]

    def sees(self) -> bool:
        """Whether the camera's device is open."""
        return self.camera.device_open

    def kinds(self) -> list[str]:
        return [f"{event.data.kind} {event.data.phase}" for event in list(self.events)]


@contextmanager
def driving(folder: Path, url: str, opening: Callable[[], Camera] | None = None, **tables: Any) -> Iterator[Cab]:
    """A daemon that drives until the end of the block."""
    cab, stop = Cab([], []), threading.Event()

    def open_camera(_settings: object) -> Camera:
        if opening is not None:
            return opening()
        cab.cameras.append(Taxi())
        return cab.cameras[-1]

    config = sleeper.config(folder / "outbox.sqlite", url, **tables)
    daemon: Any = edge.daemon
    before = daemon.open_camera, daemon.open_reader
    daemon.open_camera, daemon.open_reader = open_camera, lambda settings, **_others: PlayedReader(settings, asleep)
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(daemon.run, config, stop=stop, on_event=cab.events.append, drain_s=1.0)
        try:
            yield cab
        finally:
            stop.set()
            wait([run], 10)
            daemon.open_camera, daemon.open_reader = before
        run.result(0)


class Dispatcher:
    """Asks a device and waits for its answers, in MQTT 5."""

    def __init__(self, port: int, login: tuple[str, str] | None = None) -> None:
        self.heard: queue.SimpleQueue[MQTTMessage] = queue.SimpleQueue()
        subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        if login is not None:
            self._client.username_pw_set(*login)
        self._client.on_message = lambda _client, _data, message: self.heard.put(message)
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe("reply/#", qos=1)
        assert subscribed.wait(5)

    def ask(self, rest: str, payload: str | bytes = b"", **others: Any) -> dict[str, Any]:
        """The answer."""
        self.tell(rest, payload, **others)
        return self.answer()[1]

    def answer(self, timeout_s: float = 5.0) -> tuple[bytes, dict[str, Any]]:
        message = self.heard.get(timeout=timeout_s)
        answer = json.loads(message.payload)
        Result.model_validate(answer)
        return getattr(message.properties, "CorrelationData", b""), answer

    def silent(self, for_s: float = 0.5) -> bool:
        try:
            self.heard.get(timeout=for_s)
        except queue.Empty:
            return True
        return False

    def tell(
        self,
        rest: str,
        payload: str | bytes = b"",
        *,
        to: str | None = "reply/me",
        number: bytes = b"7",
        retain: bool = False,
    ) -> None:
        """Asks and does not wait."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if to is not None:
            properties.ResponseTopic = to
        properties.CorrelationData = number
        self._client.publish(f"{ROOT}/{rest}", payload, qos=1, retain=retain, properties=properties).wait_for_publish(5)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def dispatcher(mosquitto: Mosquitto) -> Iterator[Dispatcher]:
    client = Dispatcher(mosquitto.port)
    yield client
    client.close()


def listens(subscriber: Subscriber) -> bool:
    """Whether the daemon is under way: what it says of its switches comes after it subscribed."""
    return wait_for(lambda: len(subscriber.payloads("watch/state")) >= 2)


def test_each_command_is_answered_where_the_request_says_and_with_its_number(
    mosquitto: Mosquitto, dispatcher: Dispatcher, subscriber: Subscriber, tmp_path: Path
) -> None:
    with driving(tmp_path, mosquitto.url, alarm={"snooze_limit_s": 60}) as cab:
        assert listens(subscriber)
        assert wait_for(lambda: "microsleep start" in cab.kinds())
        dispatcher.tell("command/recalibrate", number=b"\x00\xff")
        assert dispatcher.answer() == (b"\x00\xff", {"ok": True})
        assert wait_for(lambda: "microsleep end" in cab.kinds())
        (end,) = [event for event in cab.events if event.data.phase == "end" and event.data.kind == "microsleep"]
        assert end.data.measures["reason"] == "recalibrated"

        assert dispatcher.ask("command/snooze", '{"seconds": 45}') == {"ok": True, "seconds": 45.0}
        who = dispatcher.ask("command/identify")
        assert who["ok"]
        assert who["device"] == "cab-7"
        assert who["boot_id"] == json.loads(subscriber.payloads("/info")[0])["boot_id"]
        assert who["profile"] == "full"


@pytest.mark.parametrize(
    ("rest", "payload", "why"),
    [
        ("command/fly", "{}", "no command 'fly'; there are recalibrate, snooze, identify, config"),
        ("command/snooze", "{}", "seconds: Field required"),
        ("command/snooze", '{"seconds": 61}', "seconds: at most 60 (alarm.snooze_limit_s)"),
        ("command/snooze", '{"seconds": -1}', "seconds: Input should be greater than or equal to 0"),
        ("command/snooze", '{"seconds": NaN}', "seconds: Input should be a finite number"),
        ("command/recalibrate", '{"now": 1}', "now: Extra inputs are not permitted"),
        ("command/identify", "[]", "Input should be an object"),
        ("command/identify", b"\xff\xfe", "Invalid JSON"),
        ("command/identify", " " * 5000, "the payload is longer than 4096 bytes"),
        ("command/config", '{"do": "set"}', "do: Input should be 'get'"),
        ("radio/set", "ON", "no switch 'radio'; there are privacy, driver-watch, expression-watch"),
        ("privacy/set", "maybe", "a switch takes ON or OFF"),
        ("expression-watch/set", "ON", "expression-watch: the device's configuration rules it out"),
    ],
)
def test_what_cannot_be_obeyed_is_refused_with_the_reason(
    answers: Callable[[str, str | bytes], dict[str, Any]], rest: str, payload: str | bytes, why: str
) -> None:
    answer = answers(rest, payload)
    assert not answer["ok"]
    assert answer["error"].startswith(why)
    assert "\n" not in answer["error"]


@pytest.fixture(scope="module")
def answers(
    mosquitto_binary: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str, str | bytes], dict[str, Any]]]:
    """Asks one device that all tests of this module share, and which obeys no order that changes it."""
    folder = tmp_path_factory.mktemp("answers")
    broker = Mosquitto(mosquitto_binary, folder).start()
    hearing, client = Subscriber(broker.port), Dispatcher(broker.port)
    with driving(folder, broker.url, alarm={"snooze_limit_s": 60}, preset="driver"):
        assert listens(hearing)
        yield client.ask
    client.close()
    hearing.close()
    broker.kill()


def test_without_a_response_topic_the_answer_is_beside_the_request(
    mosquitto: Mosquitto, dispatcher: Dispatcher, subscriber: Subscriber, tmp_path: Path
) -> None:
    with driving(tmp_path, mosquitto.url):
        assert listens(subscriber)
        dispatcher.tell("command/recalibrate", to=None)
        assert wait_for(lambda: subscriber.payloads("command/recalibrate/result") == [b'{"ok": true}'])
        dispatcher.tell("privacy/set", "OFF", to=f"{ROOT}/privacy/set/result")
        assert wait_for(lambda: subscriber.payloads("privacy/set/result") == [b'{"ok": true}'])


@pytest.mark.parametrize(
    "to", [f"{ROOT}/driver/event", f"{ROOT}/privacy/set", "mien/1/other/command/snooze", "reply/+"]
)
def test_no_answer_goes_where_only_the_device_may_write(
    mosquitto: Mosquitto, subscriber: Subscriber, tmp_path: Path, to: str
) -> None:
    """A response topic with a wildcard is none that paho would send: the request is handed over as a broker might."""
    commands, sent = Commands(Topics("cab-7")), []
    message = Incoming(f"{ROOT}/command/identify", b"", answer_to=to)
    commands.inputs[f"{ROOT}/command/+"](message)
    commands.run(None, lambda topic, payload, _number: sent.append((topic, json.loads(payload))))  # type: ignore[arg-type]
    ((topic, answer),) = sent
    assert topic == f"{ROOT}/command/identify/result"
    assert answer["error"].startswith("the response topic must")


def test_the_configuration_is_told_without_its_secrets(
    mosquitto: Mosquitto, dispatcher: Dispatcher, subscriber: Subscriber, tmp_path: Path
) -> None:
    camera = {"source": "rtsp://me:hush@cam/1?token=quiet"}
    alarm = {"command": ["curl", "https://me:whisper@bell/ring", "--key=still"]}
    with driving(tmp_path, mosquitto.url.replace("//", "//cab:secret@"), camera=camera, alarm=alarm):
        assert listens(subscriber)
        answer = dispatcher.ask("command/config")
    assert answer["config"]["camera"]["source"] == "rtsp://********@cam/1?token=********"
    said = json.dumps(answer)
    assert not [secret for secret in ("hush", "quiet", "whisper", "still", "secret") if secret in said]
    assert answer["config"]["broker"]["password"] == "**********"
    assert answer["config"]["device"] == "cab-7"
    assert len(answer["config"]["state"]) > 3


def test_privacy_closes_the_camera_and_all_goes_on_without_it(
    mosquitto: Mosquitto,
    dispatcher: Dispatcher,
    subscriber: Subscriber,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def cameras() -> list[str]:
        return [CameraStatus.model_validate_json(said).status for said in subscriber.payloads("camera/main/status")]

    def driver() -> DriverSnapshot:
        return DriverSnapshot.model_validate_json(subscriber.payloads("driver/state")[-1])

    monkeypatch.setattr("edge.running.tally.HEALTH_EVERY_S", 0.3)
    with driving(tmp_path, mosquitto.url) as cab:
        assert listens(subscriber)
        assert wait_for(lambda: "sleep start" in cab.kinds())
        assert dispatcher.ask("privacy/set", "ON") == {"ok": True}
        given = len(cab.camera.given)
        assert not cab.sees()
        assert wait_for(lambda: cameras() == ["running", "off"])
        assert wait_for(lambda: subscriber.payloads("privacy/state") == [b"OFF", b"ON"])
        assert wait_for(lambda: driver().sensing_reason == "camera_off")
        assert (driver().present, driver().eyes, driver().active) == (False, "unknown", ())
        assert wait_for(lambda: "sleep end" in cab.kinds())
        ends = {event.data.kind: event.data.measures["reason"] for event in cab.events if event.data.phase == "end"}
        assert ends["sleep"] == "source_ended"
        health = len(subscriber.payloads("/health"))
        assert dispatcher.ask("command/identify")["ok"]
        assert dispatcher.ask("command/recalibrate")["error"].startswith("the camera is closed")
        assert wait_for(lambda: len(subscriber.payloads("/health")) >= health + 2), "health goes on"
        assert json.loads(subscriber.payloads("/health")[-1])["fps"] == 0.0
        assert len(cab.camera.given) == given, "not a frame was taken"
        assert len(cab.cameras) == 1

        assert dispatcher.ask("privacy/set", "OFF") == {"ok": True}
        assert wait_for(lambda: len(cab.camera.given) > given)
        assert wait_for(lambda: cameras() == ["running", "off", "running"])
        assert wait_for(lambda: driver().sensing_reason != "camera_off")
    numbers = [event.data.seq for event in cab.events]
    assert numbers == sorted(set(numbers))
    told = [(event.data.episode_id, event.data.phase) for event in cab.events]
    assert len(told) == len(set(told)), "no episode ended twice"


def test_a_closed_camera_stays_closed_over_a_restart_until_it_is_opened(
    mosquitto: Mosquitto, dispatcher: Dispatcher, subscriber: Subscriber, tmp_path: Path
) -> None:
    with driving(tmp_path, mosquitto.url):
        assert listens(subscriber)
        assert dispatcher.ask("privacy/set", "ON") == {"ok": True}
        assert dispatcher.ask("driver-watch/set", "OFF") == {"ok": True}
    before = len(subscriber.messages)
    with driving(tmp_path, mosquitto.url) as cab:
        assert wait_for(
            lambda: b'"off"' in subscriber.payloads("camera/main/status")[-1] and len(subscriber.messages) > before
        )
        assert wait_for(lambda: subscriber.payloads("driver-watch/state")[-1] == b"OFF")
        assert dispatcher.ask("command/identify")["ok"]
        assert cab.cameras == [], "the camera was not even opened"
        assert subscriber.payloads("privacy/state")[-1] == b"ON"
        assert dispatcher.ask("privacy/set", "OFF") == {"ok": True}
        assert wait_for(lambda: len(cab.cameras) == 1 and len(cab.camera.given) > 3)
    assert Memory(tmp_path / "outbox.sqlite").now.switches == {"privacy": False, "driver-watch": False}


def test_the_program_that_gives_the_pictures_is_ended_by_privacy_and_started_anew(
    mosquitto: Mosquitto, dispatcher: Dispatcher, subscriber: Subscriber, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    code = (
        "import os, sys, time\n"
        f"open({str(started)!r}, 'a').write(f'{{os.getpid()}}\\n')\n"
        "while True: sys.stdout.buffer.write(os.urandom(48 * 32 * 3)); sys.stdout.flush(); time.sleep(0.03)"
    )
    camera = {
        "source": "command",
        "command": [sys.executable, "-c", code],
        "pixel_format": "bgr24",
        "width": 48,
        "height": 32,
    }
    settings = CameraSettings.model_validate(camera)

    def runs() -> list[bool]:
        return [Path(f"/proc/{pid}").exists() for pid in started.read_text().split()]

    with driving(tmp_path, mosquitto.url, lambda: open_camera(settings)):
        assert listens(subscriber)
        assert runs() == [True]
        assert dispatcher.ask("privacy/set", "ON") == {"ok": True}
        assert runs() == [False]
        time.sleep(0.5)
        assert runs() == [False]
        assert dispatcher.ask("privacy/set", "OFF") == {"ok": True}
        assert wait_for(lambda: runs() == [False, True])
        assert wait_for(lambda: b'"running"' in subscriber.payloads("camera/main/status")[-1])
    said = [json.loads(payload)["status"] for payload in subscriber.payloads("camera/main/status")]
    assert said == ["running", "off", "starting", "running", "ended"]


def test_a_camera_that_cannot_be_opened_again_is_told_and_privacy_stays(
    mosquitto: Mosquitto, dispatcher: Dispatcher, subscriber: Subscriber, tmp_path: Path
) -> None:
    Memory(tmp_path / "outbox.sqlite").switch("privacy", on=True)

    def gone() -> Camera:
        raise CameraError("source 0 cannot be opened: no /dev/video* is there; plug a camera in")

    with driving(tmp_path, mosquitto.url, gone):
        assert listens(subscriber)
        answer = dispatcher.ask("privacy/set", "OFF")
        assert answer == {"ok": False, "error": "source 0 cannot be opened: no /dev/video* is there; plug a camera in"}
        assert subscriber.payloads("privacy/state") == [b"ON"]


def test_a_broken_memory_keeps_the_camera_closed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "outbox.memory.json").write_text('{"switches": {"priv')
    assert Memory(tmp_path / "outbox.sqlite").now.switches == {"privacy": True}
    assert "the camera stays closed" in caplog.text


def test_a_disk_that_takes_nothing_is_told_with_the_answer(
    mosquitto: Mosquitto, dispatcher: Dispatcher, subscriber: Subscriber, tmp_path: Path
) -> None:
    (tmp_path / "outbox.memory.json.new").mkdir()
    with driving(tmp_path, mosquitto.url) as cab:
        assert listens(subscriber)
        answer = dispatcher.ask("privacy/set", "ON")
        assert answer["ok"]
        assert answer["note"].startswith("until the next start only: outbox.memory.json cannot be written: ")
        assert not cab.sees()


def test_the_driver_is_no_longer_watched_and_then_learnt_anew(
    mosquitto: Mosquitto, dispatcher: Dispatcher, subscriber: Subscriber, tmp_path: Path
) -> None:
    with driving(tmp_path, mosquitto.url) as cab:
        assert listens(subscriber)
        assert wait_for(lambda: "microsleep start" in cab.kinds())
        assert dispatcher.ask("driver-watch/set", "OFF") == {"ok": True}
        assert wait_for(lambda: "microsleep end" in cab.kinds())
        assert wait_for(lambda: b"driver_not_watched" in subscriber.payloads("driver/state")[-1])
        told, given = len(cab.events), len(cab.camera.given)
        assert dispatcher.ask("command/recalibrate") == {"ok": False, "error": "the driver is not watched"}
        assert wait_for(lambda: len(cab.camera.given) > given + 20)
        assert len(cab.events) == told
        assert b"driver_not_watched" in subscriber.payloads("driver/state")[-1]
        assert dispatcher.ask("driver-watch/set", "ON") == {"ok": True}
        assert wait_for(lambda: b"driver_not_watched" not in subscriber.payloads("driver/state")[-1])


def test_a_retained_order_is_not_obeyed(
    mosquitto: Mosquitto,
    dispatcher: Dispatcher,
    subscriber: Subscriber,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "edge.delivery.commands")
    dispatcher.tell("privacy/set", "ON", retain=True)
    with driving(tmp_path, mosquitto.url) as cab:
        assert listens(subscriber)
        assert wait_for(lambda: "a retained request is not obeyed" in caplog.text)
        assert dispatcher.silent()
        assert cab.sees()
        assert subscriber.payloads("privacy/state") == [b"OFF"]


def test_a_flood_of_orders_does_not_hold_up_the_frames(
    mosquitto: Mosquitto, dispatcher: Dispatcher, subscriber: Subscriber, tmp_path: Path
) -> None:
    with driving(tmp_path, mosquitto.url) as cab:
        assert listens(subscriber)
        assert wait_for(lambda: len(cab.camera.given) > 5)
        flood = Client(CallbackAPIVersion.VERSION2)
        flood.connect("127.0.0.1", mosquitto.port)
        flood.loop_start()
        began = len(cab.camera.given)
        began_s = time.monotonic()
        for _ in range(5000):
            flood.publish(f"{ROOT}/command/identify", b"{}")
        assert wait_for(lambda: len(cab.camera.given) > began + 100)
        took_s = time.monotonic() - began_s
        flood.disconnect()
        flood.loop_stop()
        gaps_s = np.diff(cab.camera.given[began:])
        assert wait_for(
            lambda: b"too many commands wait; ask again later" in b"".join(subscriber.payloads("identify/result"))
        )
        assert wait_for(lambda: dispatcher.ask("command/recalibrate")["ok"])
        print(f"5000 commands: 100 frames of 20 ms in {took_s:.2f} s, longest gap {gaps_s.max() * 1000:.0f} ms")
    assert gaps_s.max() < 0.5
    assert len(subscriber.payloads("identify/result")) < 1000


ACL = """
pattern write mien/1/%u/#
pattern read mien/1/%u/command/+
pattern read mien/1/%u/+/set
pattern write reply/#

user dispatcher
topic write mien/1/+/command/+
topic write mien/1/+/+/set
topic read mien/1/#
topic read reply/#

user guest
topic read mien/1/#
topic read reply/#
"""


def test_who_has_no_right_at_the_broker_commands_nothing(
    start_mosquitto: Callable[..., Mosquitto], tmp_path: Path
) -> None:
    rights, passwords = tmp_path / "acl", tmp_path / "passwords"
    rights.write_text(ACL)
    for made, user in enumerate(("cab-7", "dispatcher", "guest")):
        first = ("-c",) if made == 0 else ()
        subprocess.run(
            ["mosquitto_passwd", *first, "-b", str(passwords), user, "word"], check=True, capture_output=True
        )
    broker = start_mosquitto(f"acl_file {rights}", f"password_file {passwords}")
    url = broker.url.replace("//", "//cab-7:word@")
    hearing = Subscriber(broker.port, login=("guest", "word"))
    guest, dispatcher = (Dispatcher(broker.port, (user, "word")) for user in ("guest", "dispatcher"))
    try:
        with driving(tmp_path, url) as cab:
            assert listens(hearing)
            guest.tell("privacy/set", "ON")
            guest.tell("command/snooze", '{"seconds": 300}')
            assert guest.silent(1.0)
            assert cab.sees()
            assert dispatcher.ask("privacy/set", "ON") == {"ok": True}
            assert not cab.sees()
            assert wait_for(lambda: hearing.payloads("privacy/state") == [b"OFF", b"ON"])
    finally:
        guest.close()
        dispatcher.close()
        hearing.close()


def test_orders_can_be_switched_off(
    mosquitto: Mosquitto, dispatcher: Dispatcher, subscriber: Subscriber, tmp_path: Path
) -> None:
    with driving(tmp_path, mosquitto.url, commands={"enabled": False}) as cab:
        assert listens(subscriber)
        dispatcher.tell("privacy/set", "ON")
        assert dispatcher.silent()
        assert cab.sees()


def test_each_command_and_switch_of_the_contract_is_known() -> None:
    assert set(COMMANDS) == {"recalibrate", "snooze", "identify", "config"}
    assert set(SWITCHES) == {"privacy", "driver-watch", "expression-watch"}


def test_identify_beeps_once_and_never_in_place_of_an_alarm() -> None:
    ladder = Ladder()
    ladder.snooze(60.0, now_s=0.0)
    ladder.beep(now_s=1.0)
    sound = ladder.sound(1.0)
    assert sound is not None
    assert (sound.severity, sound.kind) == ("notice", "identify")
    assert ladder.sound(2.0) is None
