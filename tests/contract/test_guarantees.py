"""How each message travels, as a subscriber of MQTT 5 sees it on a real broker: QoS, retain, expiry, content type."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge import daemon
from edge.camera import CameraSettings
from edge.config import Config
from edge.delivery import Outbox, OutboxSettings, Publisher
from edge.delivery.watch.contract import Findings
from edge.events import DeviceIdentity
from edge.events.catalogue import CHANNELS, STATUS
from edge.events.models import CONTENT_TYPE
from edge.running import tally
from edge.state.settings import StateSettings, VisitorSettings
from tests.delivery.parts import Mosquitto, Relay, make_event, make_info, quick, wait_for

from .parts import Received, listening

DEVICE = DeviceIdentity("cab-7")


def test_each_message_has_the_guarantees_of_its_channel(
    mosquitto: Mosquitto, face_models: Path, puppet_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "HEALTH_EVERY_S", 0.5)
    outbox = OutboxSettings(path=tmp_path / "outbox.sqlite")
    with Outbox(outbox) as waiting:
        waiting.put(make_event(DEVICE))  # the clip alone has nothing to tell of its driver
    config = Config(
        device=DEVICE.device,
        camera=CameraSettings(id="front", source=str(puppet_clip)),
        broker=quick(mosquitto.url),
        outbox=outbox,
        state=StateSettings(visitors=VisitorSettings(events=("arrived", "left"))),
    )
    with listening(mosquitto.port, mqtt5=True) as heard:
        summary = daemon.run(config)
        assert summary.waiting == 0
        assert wait_for(lambda: any(message.payload == b"stopped" for message in heard))
    for message in heard:
        check_guarantees(message)
    names = {channel.name for message in heard if (channel := message.heard().channel) is not None}
    assert names == {channel.name for channel in CHANNELS}


def check_guarantees(message: Received) -> None:
    channel = message.heard().channel
    assert channel is not None, message.topic
    assert message.check() == Findings(), message
    assert (message.qos, message.retain) == (channel.qos, channel.retain), message
    if channel.expiry_s is None:
        assert message.expiry_s is None, message
    else:
        assert message.expiry_s is not None, message
        assert channel.expiry_s - 2 <= message.expiry_s <= channel.expiry_s, message
    assert message.content_type == (CONTENT_TYPE if channel.payload == "event" else None), message


def test_the_last_will_has_the_guarantees_of_a_status(mosquitto: Mosquitto, tmp_path: Path) -> None:
    network = Relay(mosquitto.port)
    network.up()
    with (
        listening(mosquitto.port, mqtt5=True) as heard,
        Outbox(OutboxSettings(path=tmp_path / "outbox.sqlite")) as outbox,
        Publisher(quick(network.url), outbox, make_info(DEVICE)) as publisher,
    ):
        assert publisher.wait_connected(5).kind == "connected"
        network.cut()
        assert wait_for(lambda: any(message.payload == b"offline" for message in heard))
        will = heard[-1]
    assert will.topic == f"mien/1/{DEVICE.device}/{STATUS.address}"
    check_guarantees(will)
