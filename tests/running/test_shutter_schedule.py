"""The schedule and the privacy switch on a running daemon: either closes the camera, and everybody can see it."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest
from paho.mqtt import publish

from edge import daemon
from edge.camera import Camera, Frame
from edge.config import Config
from edge.running import controls
from edge.running.schedule import Schedule
from edge.vision import Observation
from tests.contract.parts import Received, listening
from tests.delivery.parts import Mosquitto, wait_for
from tests.played import PlayedReader

HERE = "mien/1/kiosk-1"


class Clocked(Camera):
    """A camera that counts how often it was opened and let go of."""

    opened = 0

    def __init__(self) -> None:
        super().__init__("main", (64, 48), 10, None)
        Clocked.opened += 1
        self._seq = 0

    def __next__(self) -> Frame:
        self._seq += 1
        threading.Event().wait(0.02)
        return Frame(np.zeros((48, 64, 3), np.uint8), self._seq * 0.1, 1.8e9 + self._seq * 0.1, self._seq, self.id)

    def close(self) -> None:
        """Nothing to let go of."""


def nobody(frame: Frame) -> Observation:
    return Observation(frame.t_s, frame.wall_time, frame.seq, frame.camera, (64, 48), ())


def test_the_camera_is_closed_at_night_and_by_the_switch_and_open_only_when_neither_says_so(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = threading.Event()
    night.set()
    monkeypatch.setattr(Schedule, "reason", lambda _: "schedule: off 22:00-07:00" if night.is_set() else None)
    monkeypatch.setattr(controls, "SCHEDULE_EVERY_S", 0.05)
    monkeypatch.setattr(daemon, "open_camera", lambda _settings: Clocked())
    monkeypatch.setattr(daemon, "open_reader", lambda settings, **_others: PlayedReader(settings, nobody))
    monkeypatch.setattr(Clocked, "opened", 0)
    config = Config.model_validate(
        {
            "preset": "kiosk",
            "device": "kiosk-1",
            "broker": {"url": mosquitto.url, "settle_s": 0.0},
            "outbox": {"path": tmp_path / "outbox.sqlite"},
            "commands": {"enabled": True},
        }
    )
    stop = threading.Event()
    runs = threading.Thread(target=daemon.run, args=(config,), kwargs={"stop": stop})
    with listening(mosquitto.port, mqtt5=True) as heard:

        def last(rest: str) -> Received | None:
            return next((one for one in reversed(heard) if one.topic == f"{HERE}/{rest}"), None)

        def says(rest: str, payload: str) -> bool:
            return wait_for(lambda: (one := last(rest)) is not None and payload.encode() in one.payload, 10)

        def order(word: str) -> None:
            publish.single(f"{HERE}/privacy/set", word, qos=1, hostname="127.0.0.1", port=mosquitto.port)

        runs.start()
        try:
            assert says("camera/main/status", "schedule: off 22:00-07:00")
            assert says("privacy/state", "ON")
            assert says("audience/state", '"watching":false')
            assert Clocked.opened == 0, "its light stays off"
            order("OFF")
            assert says("privacy/set/result", "the camera stays closed; schedule: off 22:00-07:00")
            night.clear()
            assert says("privacy/state", "OFF")
            assert says("camera/main/status", '"running"')
            assert says("audience/state", '"watching":true')
            assert Clocked.opened == 1
            order("ON")
            assert says("privacy/state", "ON")
            night.set()
            night.clear()
            status = last("camera/main/status")
            assert status is not None
            assert json.loads(status.payload)["status"] == "off"
            assert not wait_for(lambda: (one := last("privacy/state")) is not None and one.payload == b"OFF", 0.5)
            order("OFF")
            assert says("privacy/state", "OFF")
            night.set()
            assert says("privacy/state", "ON")
        finally:
            stop.set()
            runs.join(20)
    assert not runs.is_alive()
