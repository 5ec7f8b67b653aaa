"""Which messages a watcher shows."""

from __future__ import annotations

import pytest
from paho.mqtt.client import MQTTMessage

from edge.delivery.watch.message import Heard, Selection, take_apart
from edge.events import ROOT, DeviceIdentity
from edge.events.catalogue import CHANNELS
from edge.state.types import Severity
from tests.delivery.parts import make_event


def heard(rest: str, payload: bytes = b"", device: str = "cab-7") -> Heard:
    message = MQTTMessage(topic=f"{ROOT}/{device}/{rest}".encode())
    message.payload = payload
    return take_apart(message, ROOT)


def microsleep(device: str = "cab-7", severity: Severity = Severity.WARNING) -> Heard:
    return heard("driver/event", make_event(DeviceIdentity(device), severity=severity).to_json(), device)


STATUS = heard("status", b"online")
GARBAGE = heard("driver/event", b"{")


def taken(selection: Selection) -> list[str]:
    """Of one of each."""
    some = {
        "status": STATUS,
        "warning": microsleep(),
        "notice": microsleep(severity=Severity.NOTICE),
        "other": microsleep("cab-8"),
        "garbage": GARBAGE,
    }
    return [name for name, message in some.items() if selection.takes(message)]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), ["status", "warning", "notice", "other", "garbage"]),
        (Selection(devices=frozenset({"cab-7"})), ["status", "warning", "notice", "garbage"]),
        (Selection(kinds=frozenset({"microsleep"})), ["warning", "notice", "other", "garbage"]),
        (Selection(kinds=frozenset({"yawn"})), ["garbage"]),
        (Selection(severity="warning"), ["warning", "other", "garbage"]),
        (Selection(subjects=frozenset({"driver"})), ["warning", "notice", "other", "garbage"]),
        (Selection(subjects=frozenset({"expression"})), ["garbage"]),
        (Selection(devices=frozenset({"cab-8"}), severity="critical"), []),
    ],
)
def test_options_narrow_together(selection: Selection, expected: list[str]) -> None:
    assert taken(selection) == expected


def test_of_chosen_devices_nothing_else_is_asked_for() -> None:
    two = Selection(devices=frozenset({"cab-7", "cab-8"}))
    assert two.filters(ROOT, states=False) == tuple(
        f"mien/1/{device}/{rest}" for device in ("cab-7", "cab-8") for rest in ("status", "camera/+/status", "+/event")
    )
    every = Selection().filters("fleet/north", states=True)
    assert len(every) == len(CHANNELS)
    assert "fleet/north/+/camera/+/status" in every


def test_each_topic_finds_its_place_in_the_contract() -> None:
    for channel in CHANNELS:
        assert heard(channel.address.replace("{camera}", "front")).channel == channel
    for rest in ("camera/status", "camera/a/b/status", "driver", "lights/state", "driver/event/x"):
        assert heard(rest).channel is None, rest
