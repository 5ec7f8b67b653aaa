"""What Home Assistant is told of a device: only fields that its documentation names, and templates that hold."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import publish
from paho.mqtt.client import MQTTMessage

import edge.daemon
from edge.delivery import HomeAssistantSettings
from edge.delivery.homeassistant import Offer, discovery
from edge.events import DeviceIdentity, Topics
from edge.events.catalogue import CHANNELS, KINDS
from edge.events.examples import as_json, event, payloads
from edge.events.requests import COMMANDS, SWITCHES
from edge.running.memory import Memory

from . import sleeper
from .parts import Mosquitto, Subscriber, make_info, wait_for

TOPICS = Topics("cab-7")
CONFIG = "homeassistant/device/mien_cab-7/config"

# Home Assistant's documentation of the MQTT integration (2024.11 and later): device discovery payload, and each
# platform's configuration variables.
DEVICE = {
    *("configuration_url", "connections", "hw_version", "identifiers", "manufacturer", "model", "model_id", "name"),
    *("serial_number", "suggested_area", "sw_version", "via_device"),
    *("cu", "cns", "hw", "ids", "mf", "mdl", "mdl_id", "name", "sn", "sa", "sw"),
}
ORIGIN = {"name", "sw_version", "support_url", "sw", "url"}
AVAILABILITY = {"payload_available", "payload_not_available", "topic", "value_template"}
ENTITY = {
    *("p", "platform", "availability", "availability_mode", "availability_template", "availability_topic"),
    *("payload_available", "payload_not_available", "enabled_by_default", "encoding", "entity_category"),
    *("entity_picture", "icon", "json_attributes_template", "json_attributes_topic", "name", "object_id", "qos"),
    *("default_entity_id", "unique_id", "device_class"),
}
FIELDS = {
    "binary_sensor": ENTITY
    | {"expire_after", "force_update", "off_delay", "payload_off", "payload_on", "state_topic", "value_template"},
    "sensor": ENTITY
    | {
        *("expire_after", "force_update", "last_reset_value_template", "options", "suggested_display_precision"),
        *("state_class", "state_topic", "unit_of_measurement", "value_template"),
    },
    "event": ENTITY | {"event_types", "state_topic", "value_template"},
    "switch": ENTITY
    | {
        *("command_template", "command_topic", "optimistic", "payload_off", "payload_on", "retain", "state_off"),
        *("state_on", "state_topic", "value_template"),
    },
    "button": ENTITY | {"command_template", "command_topic", "payload_press", "retain"},
}
CLASSES = {
    "binary_sensor": {"occupancy", "problem", "running"},
    "sensor": {"temperature", "enum", "duration"},
    "button": {"identify"},
    "event": set(),
    "switch": set(),
}
REQUIRED = {
    "binary_sensor": {"state_topic"},
    "sensor": {"state_topic"},
    "event": {"state_topic", "event_types"},
    "switch": {"command_topic"},
    "button": {"command_topic"},
}


def told(**others: Any) -> dict[str, Any]:
    offer: dict[str, Any] = {"camera": "main", "driver": True, "expressions": True}
    offer |= {"audience": True, "commands": True} | others
    return discovery(TOPICS, make_info(DeviceIdentity("cab-7")), Offer(**offer))


def render(template: str, payload: str) -> str:
    """As Home Assistant does it: the payload as text, and as JSON where it is any."""
    jinja2 = pytest.importorskip("jinja2")
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    environment.filters["to_json"] = json.dumps
    try:
        value = json.loads(payload)
    except ValueError:
        value = None
    return str(environment.from_string(template).render(value=payload, value_json=value))


def shown(topic: str) -> str:
    """An example of what is said on a topic."""
    for channel in CHANNELS:
        if topic == f"mien/1/cab-7/{channel.address}".replace("{camera}", "main"):
            if channel.payload == "event":
                return event(next(kind for kind in KINDS if topic.endswith(f"{kind.subject}/event"))).to_json().decode()
            said = as_json(payloads()[channel.payload])
            return said if isinstance(said, str) else json.dumps(said)
    raise AssertionError(f"{topic} is not in the contract")


@pytest.mark.parametrize("key", told()["cmps"])
def test_each_entity_has_only_documented_fields_and_says_when_it_is_available(key: str) -> None:
    entity = told()["cmps"][key]
    platform = entity["p"]
    assert set(entity) <= FIELDS[platform]
    assert set(entity) >= REQUIRED[platform] | {"name", "unique_id", "availability", "availability_mode"}
    assert entity.get("device_class") in CLASSES[platform] | {None}
    assert entity.get("entity_category") in {None, "config", "diagnostic"}
    assert entity.get("state_class") in {None, "measurement"}
    assert entity["unique_id"] == f"mien_cab-7_{key}"
    assert entity["availability_mode"] == "all"
    assert entity["availability"][0]["topic"] == "mien/1/cab-7/status"
    for need in entity["availability"]:
        assert set(need) <= AVAILABILITY
        assert render(need["value_template"], shown(need["topic"])) == need["payload_available"]


def test_the_device_and_its_origin_have_only_documented_fields() -> None:
    description = told()
    assert set(description) == {"dev", "o", "cmps"}
    assert set(description["dev"]) <= DEVICE
    assert description["dev"]["ids"] == ["mien_cab-7"]
    assert set(description["o"]) <= ORIGIN
    assert len(json.dumps(description)) < 32_768
    ids = [entity["unique_id"] for entity in description["cmps"].values()]
    assert len(ids) == len(set(ids))


def test_a_stopped_device_is_as_absent_as_a_lost_one() -> None:
    (need,) = told()["cmps"]["fps"]["availability"]
    for word in ("stopped", "offline"):
        assert render(need["value_template"], word) == need["payload_not_available"]
    _, camera = told()["cmps"]["fatigue"]["availability"]
    assert render(camera["value_template"], '{"status": "off"}') == camera["payload_not_available"]


def test_every_state_is_read_from_what_the_device_says() -> None:
    driver = as_json(payloads()["driver-state"])
    unknown = driver | dict.fromkeys(("openness", "perclos_60s", "fatigue", "attentive"))
    cases = [
        ("driver", driver, "ON"),
        ("driver", driver | {"present": False}, "OFF"),
        ("attentive", driver, "ON"),
        ("attentive", driver | {"attentive": False}, "OFF"),
        ("fatigue", driver, "8.0"),
        ("perclos", driver, "2.0"),
        ("openness", driver, "97.0"),
        *((key, unknown, "None") for key in ("attentive", "fatigue", "perclos", "openness")),
        ("microsleep", driver, "OFF"),
        ("microsleep", driver | {"active": ["microsleep", "sleep"]}, "ON"),
        ("expression", as_json(payloads()["expression-state"]), "happiness"),
        ("expression", {"faces": []}, "None"),
        ("camera", {"status": "lost"}, "OFF"),
        ("camera", as_json(payloads()["camera-status"]), "ON"),
        ("fps", as_json(payloads()["health"]), "15.0"),
        ("temperature", as_json(payloads()["health"]) | {"temperature_c": None}, "None"),
    ]
    entities = told()["cmps"]
    for key, payload, state in cases:
        assert render(entities[key]["value_template"], json.dumps(payload)) == state, key


def test_each_alert_has_a_problem_of_its_own_and_each_event_a_type() -> None:
    entities = told()["cmps"]
    problems = {key for key, entity in entities.items() if entity.get("device_class") == "problem"}
    assert problems == {kind.name for kind in KINDS if kind.subject == "driver" and kind.severities != ("info",)}
    entity = entities["driver_event"]
    for kind in KINDS:
        if kind.subject == "driver":
            read = json.loads(render(entity["value_template"], event(kind).to_json().decode()))
            assert read["event_type"] in entity["event_types"]
            assert read["severity"] == kind.severities[0]
    late = json.loads(event(KINDS[0]).to_json())
    late["data"]["delayed"] = True
    assert render(entity["value_template"], json.dumps(late)) == "", "a record is nothing to act on"


def test_switches_and_buttons_ask_what_the_device_knows() -> None:
    entities = told()["cmps"]
    assert {e["command_topic"] for e in entities.values() if e["p"] == "switch"} == set(
        map(TOPICS.feature_set, SWITCHES)
    )
    for entity in entities.values():
        if entity["p"] == "button":
            COMMANDS[entity["command_topic"].rpartition("/")[2]].model_validate_json(entity["payload_press"])


def test_only_what_is_set_up_is_offered() -> None:
    bare = told(driver=False, expressions=False, audience=False, commands=False)["cmps"]
    assert set(bare) == {"camera", "fps", "temperature", "outbox_depth"}
    assert "expression" not in told(expressions=False)["cmps"]
    assert "recalibrate" not in told(driver=False)["cmps"]


def test_a_prefix_that_is_no_topic_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be part of a topic"):
        HomeAssistantSettings(prefix="home/#")


def drive(mosquitto: Mosquitto, folder: Path, during: Any = None, **tables: Any) -> None:
    """One short run of the daemon; meanwhile ``during`` happens."""
    done = threading.Event()
    with sleeper.sleeping(done.is_set, until_s=1.0):

        def meanwhile() -> None:
            if during is not None:
                during()
            done.set()

        thread = threading.Thread(target=meanwhile)
        thread.start()
        edge.daemon.run(sleeper.config(folder / "outbox.sqlite", mosquitto.url, **tables), drain_s=1.0)
        thread.join()


def kept(mosquitto: Mosquitto) -> list[MQTTMessage]:
    late = Subscriber(mosquitto.port, "homeassistant/#")
    time.sleep(0.2)
    late.close()
    return late.messages


def test_it_is_announced_again_at_a_birth_and_taken_back_when_switched_off(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    hearing = Subscriber(mosquitto.port, "homeassistant/#")

    def birth() -> None:
        assert wait_for(lambda: len(hearing.payloads("/config")) == 1)
        time.sleep(0.2)  # it subscribes meanwhile
        publish.single("homeassistant/status", "offline", hostname="127.0.0.1", port=mosquitto.port)
        publish.single("homeassistant/status", "online", hostname="127.0.0.1", port=mosquitto.port)
        assert wait_for(lambda: len(hearing.payloads("/config")) == 2)

    drive(mosquitto, tmp_path, birth, homeassistant={"enabled": True})
    first, again = hearing.payloads("/config")
    assert first == again
    assert set(json.loads(first)) == {"dev", "o", "cmps"}
    assert [message.topic for message in kept(mosquitto)] == [CONFIG], "there for a Home Assistant that comes later"
    assert Memory(tmp_path / "outbox.sqlite").now.announced == CONFIG
    drive(mosquitto, tmp_path)
    assert kept(mosquitto) == [], "and gone with the setting"
    hearing.close()


def test_another_prefix_takes_the_old_announcement_along(mosquitto: Mosquitto, tmp_path: Path) -> None:
    drive(mosquitto, tmp_path, homeassistant={"enabled": True})
    drive(mosquitto, tmp_path, homeassistant={"enabled": True, "prefix": "homeassistant/lab"})
    assert [message.topic for message in kept(mosquitto)] == ["homeassistant/lab/device/mien_cab-7/config"]


def test_nothing_is_said_to_home_assistant_unless_it_is_switched_on(mosquitto: Mosquitto, tmp_path: Path) -> None:
    hearing = Subscriber(mosquitto.port, "homeassistant/#")
    drive(mosquitto, tmp_path)
    assert hearing.messages == []
    hearing.close()
