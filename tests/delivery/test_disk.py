"""A disk that is full, read-only or damaged: the driver is woken and the broker told all the same."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from edge.config import Config
from edge.daemon import run
from edge.delivery import Outbox, OutboxSettings, Publisher
from edge.demo.puppet import Script, write_clip
from edge.events import DeviceIdentity

from .parts import Mosquitto, Subscriber, make_event, make_info, quick, wait_for

DEVICE = DeviceIdentity("cab-7")
INFO = make_info(DEVICE)


def fill(disk: Path) -> Path:
    """Takes the last byte of a disk; whoever deletes what is returned has room again."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 1024, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                pass
    return ballast


def test_a_full_disk_holds_up_neither_the_alarm_nor_the_event_and_health_says_so(
    small_disk: Path,
    mosquitto: Mosquitto,
    subscriber: Subscriber,
    face_models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edge.running.tally.HEALTH_EVERY_S", 0.2)
    clip, woken = tmp_path / "clip.mp4", tmp_path / "woken"
    write_clip(clip, Script(duration_s=3.6, blinks=(0.5,), closures=((1.0, 3.6),)), fps=10)
    fill(small_disk)
    values = {
        "device": "cab-7",
        "camera": {"source": str(clip)},
        "broker": {"url": mosquitto.url, "settle_s": 0},
        "outbox": {"path": small_disk / "outbox.sqlite"},
        "alarm": {"command": ["touch", str(woken)], "command_repeat": False},
    }
    summary = run(Config.model_validate(values))
    assert woken.exists()
    assert summary.waiting == 0
    assert wait_for(lambda: b"stopped" in subscriber.payloads("cab-7/status"))
    kinds = [json.loads(payload)["data"]["kind"] for payload in subscriber.payloads("driver/event")]
    assert "microsleep" in kinds
    health = [json.loads(payload) for payload in subscriber.payloads("/health")]
    assert health
    assert "free some space" in health[-1]["outbox_trouble"]


def test_events_go_out_while_the_disk_is_full_and_when_it_has_room_again(
    small_disk: Path, mosquitto: Mosquitto, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.delivery.outbox._ASK_AGAIN_S", 0.0)
    events = [make_event(DEVICE, t) for t in range(90)]
    with (
        Outbox(OutboxSettings(path=small_disk / "outbox.sqlite")) as outbox,
        Publisher(quick(mosquitto.url), outbox, INFO) as publisher,
    ):
        publisher.wait_connected(5)
        for event in events[:30]:
            outbox.put(event)
        ballast = fill(small_disk)
        for event in events[30:60]:
            outbox.put(event)
        assert "free some space" in str(outbox.trouble)
        assert wait_for(lambda: len(set(subscriber.ids())) == 60)
        ballast.unlink()
        for event in events[60:]:
            outbox.put(event)
        assert outbox.trouble is None
        assert wait_for(lambda: outbox.depth() == 0)
    assert wait_for(lambda: len(subscriber.ids()) == 90)
    assert subscriber.ids() == [event.id for event in events]


def test_events_go_out_although_the_disk_is_read_only(
    small_disk: Path, mosquitto: Mosquitto, subscriber: Subscriber
) -> None:
    path = small_disk / "outbox.sqlite"
    Outbox(OutboxSettings(path=path)).close()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    events = [make_event(DEVICE, t) for t in range(30)]
    with Outbox(OutboxSettings(path=path)) as outbox, Publisher(quick(mosquitto.url), outbox, INFO):
        for event in events:
            outbox.put(event)
        assert outbox.trouble is not None
        assert wait_for(lambda: outbox.depth() == 0)
    assert wait_for(lambda: subscriber.ids() == [event.id for event in events])


def test_events_go_out_although_the_outbox_was_damaged(
    mosquitto: Mosquitto, subscriber: Subscriber, tmp_path: Path
) -> None:
    path = tmp_path / "outbox.sqlite"
    with Outbox(OutboxSettings(path=path)) as outbox:
        for t in range(50):
            outbox.put(make_event(DEVICE, t))
    content = path.read_bytes()
    path.write_bytes(content[:4096] + os.urandom(len(content) - 4096))
    events = [make_event(DEVICE, t) for t in range(100, 130)]
    with Outbox(OutboxSettings(path=path)) as outbox, Publisher(quick(mosquitto.url), outbox, INFO):
        for event in events:
            outbox.put(event)
        assert outbox.set_aside is not None
        assert outbox.trouble is None
        assert wait_for(lambda: outbox.depth() == 0)
    assert wait_for(lambda: subscriber.ids() == [event.id for event in events])
