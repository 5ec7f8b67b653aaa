"""What a kiosk says of a crowd over a long run, all of it, as a subscriber to everything hears it: no face in it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge import daemon
from edge.camera import Camera, Frame
from edge.config import Config
from edge.delivery.history import History
from edge.delivery.watch.contract import Findings
from edge.running import audience as turnout
from edge.running import tally
from edge.vision import Observation
from tests.crowds.crowd import crowd
from tests.delivery.parts import Mosquitto, wait_for
from tests.played import PlayedReader

from .parts import Received, listening

FPS, PEOPLE, SECONDS = 6, 4, 180
#: Words for what must not leave: as a key of a message, or in the name of one.
FORBIDDEN: tuple[str, ...] = (
    "landmark",
    "box",
    "bbox",
    "mesh",
    "point",
    "contour",
    "iris",
    "picture",
    "image",
    "jpeg",
    "png",
    "frame_b",
)
FORBIDDEN += ("crop", "embedding", "pose", "yaw", "pitch", "gaze", "faces", "probabilities", "openness", "proportions")
ALLOWED = {"status", "info", "health", "camera-status", "audience-state"}
ALLOWED |= {"privacy-state", "driver-watch-state", "expression-watch-state"}


class PlayedCamera(Camera):
    """As many empty frames as the crowd has moments, somewhat faster than life."""

    def __init__(self, times: list[float]) -> None:
        super().__init__("main", (64, 48), FPS, None)
        self._times = iter(enumerate(times))
        self._began_s = time.time()

    def __next__(self) -> Frame:
        seq, t_s = next(self._times)
        time.sleep(0.0005)
        return Frame(np.zeros((48, 64, 3), np.uint8), t_s, self._began_s + t_s, seq, self.id)

    def close(self) -> None:
        """Nothing to let go of."""


@pytest.fixture(scope="module")
def observations() -> list[Observation]:
    return [observation for observation, _ in crowd(11, PEOPLE, SECONDS, FPS)]


def run(
    config: dict[str, Any],
    observations: list[Observation],
    mosquitto: Mosquitto,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> list[Received]:
    """All that is heard under any topic while the crowd goes by."""
    given = {
        "preset": "kiosk",
        "device": "kiosk-1",
        "broker": {"url": mosquitto.url, "settle_s": 0.0},
        "outbox": {"path": folder / "outbox.sqlite"},
        "homeassistant": {"enabled": True},
        "playback": [{"when": "somebody", "topic": "player/greet", "otherwise": "bye"}],
    }
    monkeypatch.setattr(daemon, "open_camera", lambda _settings: PlayedCamera([o.t_s for o in observations]))
    seen = iter(observations)
    monkeypatch.setattr(
        daemon, "open_reader", lambda settings, **_others: PlayedReader(settings, lambda _frame: next(seen))
    )
    # As often as they come: more to look at.
    monkeypatch.setattr(tally, "STATE_EVERY_S", 0.0)
    monkeypatch.setattr(tally, "HEALTH_EVERY_S", 0.2)
    monkeypatch.setattr(turnout, "STATE_EVERY_S", 0.0)
    with listening(mosquitto.port, mqtt5=True, topics="#") as heard:
        summary = daemon.run(Config.model_validate(given | config))
        assert summary.frames == len(observations)
        assert summary.waiting == 0
        assert wait_for(lambda: any(message.payload == b"stopped" for message in heard))
        return list(heard)


def values(message: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Each value in a message with the keys that lead to it; a list's own too."""
    if isinstance(message, dict):
        for key, inner in message.items():
            yield from values(inner, f"{at}.{key}")
    else:
        yield at, message
        if isinstance(message, list):
            for inner in message:
                yield from values(inner, f"{at}[]")


def test_no_message_of_a_kiosk_carries_anything_of_a_single_face(
    mosquitto: Mosquitto, observations: list[Observation], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = run({}, observations, mosquitto, tmp_path, monkeypatch)
    tracks = {face.track_id for observation in observations for face in observation.faces}
    assert len(tracks) > 10, "nobody came: the test shows nothing"
    by_channel: dict[str, int] = {}
    for message in heard:
        for track in tracks:
            assert track not in message.topic
            assert track.encode() not in message.payload, message
        if message.topic == "player/greet":
            assert message.payload in (b"ON", b"bye")
            continue
        if message.topic.startswith("homeassistant/"):
            check_discovery(message)
            continue
        channel = message.heard().channel
        assert channel is not None, message.topic
        by_channel[channel.name] = by_channel.get(channel.name, 0) + 1
        assert message.check() == Findings(), message
        if channel.payload in ("status", "switch"):
            continue
        assert len(message.payload) < 4096, "enough for three windows, not for a mesh or a picture"
        for where, value in values(json.loads(message.payload)):
            assert not set(re.split(r"[^a-z0-9]+", where.lower())) & {
                *FORBIDDEN,
                *(f"{word}s" for word in FORBIDDEN),
            }, where
            # A list of numbers is a box or a landmark, whatever it is called; a long text a picture.
            assert not (isinstance(value, list) and any(isinstance(item, int | float | list) for item in value)), where
            assert not (isinstance(value, str) and len(value) > 100), where
    assert set(by_channel) == ALLOWED
    assert by_channel["audience-state"] > 30
    states = [json.loads(message.payload) for message in heard if message.topic.endswith("/audience/state")]
    windows = {json.dumps(window) for state in states for window in state["windows"].values()}
    # Each complete minute once, the same each time; the first and the last were cut.
    minutes = [json.loads(window) for window in windows if '"seconds": 60' in window]
    assert len({minute["start"] for minute in minutes}) == len(minutes) >= SECONDS // 60 - 1
    assert [state["watching"] for state in states[-1:]] == [False]
    assert {message.topic for message in heard} & {"player/greet"}


def check_discovery(message: Received) -> None:
    """Home Assistant is offered nothing that speaks of single faces."""
    text = message.payload.decode()
    assert "driver" not in text
    assert "expression/" not in text
    assert "audience/event" not in text
    components = json.loads(text)["cmps"]
    assert {"audience_present", "audience_attentive", "privacy"} <= set(components)


def test_a_kiosk_that_may_tell_of_visits_names_no_track_and_its_history_adds_up(
    mosquitto: Mosquitto, observations: list[Observation], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = {"state": {"visitors": {"events": ["arrived", "left", "attention", "smile"]}}}
    heard = run(allowed, observations, mosquitto, tmp_path, monkeypatch)
    events = [message for message in heard if message.topic.endswith("/event")]
    told = [json.loads(message.payload) for message in events]
    assert {event["data"]["kind"] for event in told} == {"arrived", "left", "attention", "smile"}
    assert {message.topic for message in events} == {"mien/1/kiosk-1/audience/event"}
    tracks = {face.track_id for observation in observations for face in observation.faces}
    for message, event in zip(events, told, strict=True):
        assert message.check() == Findings(), message
        assert event["data"]["track_id"] is None
        assert not [track for track in tracks if track.encode() in message.payload]
    arrived, left = (
        [e["data"]["episode_id"] for e in told if e["data"]["kind"] == kind] for kind in ("arrived", "left")
    )
    assert sorted(arrived) == sorted(left), "who has come leaves in the end"
    minutes = History(tmp_path / "outbox.sqlite").read(0, 1e12)
    assert len(minutes) >= SECONDS // 60
    assert len({minute.start for minute in minutes}) == len(minutes)
    ends = [event["data"]["measures"]["dwell_s"] for event in told if event["data"]["kind"] == "left"]
    assert sum(minute.totals.departures for minute in minutes) == len(ends) > 10
    assert sum(minute.totals.dwell_s for minute in minutes) == pytest.approx(sum(ends))
