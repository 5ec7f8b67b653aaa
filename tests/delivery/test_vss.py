"""The driver's state as VSS signals: what is measured, and silence about the rest."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import edge.daemon
from edge.delivery import Mirror, VssSettings
from edge.events import DriverSnapshot
from edge.events.examples import payloads

from . import sleeper
from .parts import Mosquitto, Subscriber, wait_for

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

# VSS 6.0, Vehicle.Driver and Vehicle.ADAS.DMS: each leaf's datatype, and the bounds of those in percent.
LEAVES = {
    "Vehicle.Driver.FatigueLevel": float,
    "Vehicle.Driver.DistractionLevel": float,
    "Vehicle.Driver.AttentiveProbability": float,
    "Vehicle.Driver.IsEyesOnRoad": bool,
    "Vehicle.ADAS.DMS.IsWarning": bool,
}


def state(at_s: float = 0.0, **others: Any) -> DriverSnapshot:
    example = payloads()["driver-state"]
    assert isinstance(example, DriverSnapshot)
    return example.model_copy(update={"time": NOON + timedelta(seconds=at_s), **others})


class Bus:
    """What the mirror says, newest last."""

    def __init__(self, root: str = "vss") -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.mirror = Mirror(VssSettings(root=root), lambda topic, text: self.said.append((topic, json.loads(text))))

    def after(self, snapshot: DriverSnapshot) -> dict[str, str]:
        """The values by path after a state."""
        self.said.clear()
        self.mirror.tell(snapshot)
        return {message["path"]: message["dp"]["value"] for _, message in self.said}

    def drive(self, seconds: float, from_s: float = 0.0, **others: Any) -> dict[str, str]:
        """Half a second after half a second of the same; the last values."""
        values = {}
        for half in range(int(seconds * 2) + 1):
            values = self.after(state(from_s + half / 2, **others))
        return values


def test_a_signal_has_its_path_as_topic_and_a_data_point_as_payload() -> None:
    bus = Bus()
    bus.after(state(1.25))
    assert bus.said[0] == (
        "vss/Vehicle/Driver/FatigueLevel",
        {"path": "Vehicle.Driver.FatigueLevel", "dp": {"value": "8.0", "ts": "2026-01-01T12:00:01.250Z"}},
    )
    for topic, message in bus.said:
        assert topic == f"vss/{message['path'].replace('.', '/')}"
        assert message["path"] in LEAVES
        assert set(message) == {"path", "dp"}
        assert set(message["dp"]) == {"value", "ts"}
        value = message["dp"]["value"]
        if LEAVES[message["path"]] is bool:
            assert value in ("true", "false")
        else:
            assert 0 <= float(value) <= 100
    bare = Bus(root="")
    bare.after(state())
    assert bare.said[0][0] == "Vehicle/Driver/FatigueLevel"


def test_what_is_not_known_is_not_sent() -> None:
    assert set(Bus().after(state())) == {*LEAVES} - {
        "Vehicle.Driver.DistractionLevel",
        "Vehicle.Driver.AttentiveProbability",
    }, "shares need time"
    unknown: dict[str, Any] = {"fatigue": None, "attentive": None, "eyes": "unknown"}
    assert Bus().after(state(**unknown)) == {"Vehicle.ADAS.DMS.IsWarning": "false"}
    assert Bus().after(state(**unknown, sensing="lost")) == {}, "no driver read, so no warning is no news"


@pytest.mark.parametrize(
    ("others", "on_road"),
    [
        ({}, "true"),
        ({"attentive": False}, "false"),
        ({"eyes": "closed"}, "false"),
        ({"eyes": "closed", "attentive": None}, "false"),
        ({"eyes": "unknown"}, None),
        ({"attentive": None}, None),
    ],
)
def test_eyes_are_on_the_road_when_they_are_open_and_the_head_points_there(
    others: dict[str, Any], on_road: str | None
) -> None:
    assert Bus().after(state(**others)).get("Vehicle.Driver.IsEyesOnRoad") == on_road


def test_a_warning_is_an_alert_and_not_a_yawn_or_a_notice() -> None:
    for active, warns in (
        (("microsleep",), "true"),
        (("sleep", "yawn"), "true"),
        (("yawn", "nod"), "false"),
        (("sensing_degraded",), "false"),
    ):
        assert Bus().after(state(active=active))["Vehicle.ADAS.DMS.IsWarning"] == warns
    lost = Bus().after(state(active=("unresponsive",), sensing="lost"))
    assert lost["Vehicle.ADAS.DMS.IsWarning"] == "true"


def test_shares_are_of_the_last_half_minute_and_minute() -> None:
    bus = Bus()
    assert "Vehicle.Driver.DistractionLevel" not in bus.drive(17), "less than 60 % of 30 s is known"
    assert bus.drive(1, 17.5)["Vehicle.Driver.DistractionLevel"] == "0.0"
    assert bus.drive(41, 19)["Vehicle.Driver.AttentiveProbability"] == "100.0"
    values = bus.drive(15, 60.5, attentive=False)
    assert float(values["Vehicle.Driver.DistractionLevel"]) == pytest.approx(50, abs=3)
    assert float(values["Vehicle.Driver.AttentiveProbability"]) == pytest.approx(75, abs=2)
    values = bus.drive(40, 76)
    assert values["Vehicle.Driver.DistractionLevel"] == "0.0"


def test_time_of_which_nothing_is_known_counts_as_neither() -> None:
    bus = Bus()
    bus.drive(60)
    values = bus.drive(10, 60.5, attentive=None, eyes="unknown")
    assert values["Vehicle.Driver.DistractionLevel"] == "0.0"
    values = bus.drive(10, 71, attentive=None, eyes="unknown")
    assert "Vehicle.Driver.DistractionLevel" not in values
    assert "Vehicle.Driver.AttentiveProbability" in values
    later = bus.after(state(1000.0))
    assert "Vehicle.Driver.AttentiveProbability" not in later, "the camera was away"


def test_a_clock_that_is_set_back_begins_anew() -> None:
    bus = Bus()
    bus.drive(60)
    assert "Vehicle.Driver.AttentiveProbability" not in bus.after(state(-3600.0))
    assert bus.drive(60, -3600.0)["Vehicle.Driver.AttentiveProbability"] == "100.0"


def test_a_root_that_is_no_topic_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be part of a topic"):
        VssSettings(root="vss/+")


@pytest.mark.parametrize("enabled", [True, False])
def test_the_daemon_mirrors_only_when_it_is_switched_on(mosquitto: Mosquitto, tmp_path: Path, enabled: bool) -> None:
    hearing = Subscriber(mosquitto.port, "#")
    with sleeper.sleeping(lambda: True, until_s=3.0):
        config = sleeper.config(tmp_path / "outbox.sqlite", mosquitto.url, vss={"enabled": enabled, "root": "vss/cab"})
        edge.daemon.run(config, drain_s=1.0)
    assert wait_for(lambda: bool(hearing.payloads("/driver/state")))
    time.sleep(0.2)
    said = [json.loads(message.payload)["path"] for message in hearing.messages if message.topic.startswith("vss/cab/")]
    late = Subscriber(mosquitto.port, "vss/#")
    time.sleep(0.2)
    assert late.messages == [], "nothing is retained"
    late.close()
    hearing.close()
    assert set(said) <= set(LEAVES)
    assert bool(said) is enabled
