"""Home Assistant finds the device by itself: one retained message describes all its entities.

Device discovery as of Home Assistant 2024.11 (MQTT integration, "Device discovery payload"): topic
``<prefix>/device/<object id>/config``; ``dev`` describes the device, ``o`` who announces it, ``cmps`` each entity under
a key of its own. An empty retained message takes the device away. Templates are Jinja; one that gives ``None`` means
unknown.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from edge.delivery.delivery import Delivery
from edge.delivery.incoming import Incoming
from edge.events import Info, Topics
from edge.events.catalogue import HEALTH, KINDS
from edge.events.topics import check_root
from edge.settings import rule

#: A state sent twice a second that has not come for so long is no longer known.
_STATE_EXPIRES_S = 10

Component = dict[str, Any]


class HomeAssistantSettings(BaseModel):
    """Whether Home Assistant is told of this device."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = rule(
        False, "Home Assistant", "Announce the device to Home Assistant; switched off again, it is taken away there."
    )
    prefix: Annotated[str, AfterValidator(check_root)] = Field(
        default="homeassistant",
        title="Prefix",
        description="The discovery prefix that Home Assistant's MQTT integration is set to.",
    )


@dataclass(frozen=True, slots=True)
class Offer:
    """What a device has to offer. camera: its id. driver, expressions, audience, commands: whether these are set up."""

    camera: str
    driver: bool
    expressions: bool
    audience: bool
    commands: bool


class HomeAssistant:
    """Announces a device, and again whenever Home Assistant has started anew.

    inputs: which topics to listen to, and what is to be done with their messages, for the ``Publisher``.
    """

    def __init__(self, settings: HomeAssistantSettings, topics: Topics) -> None:
        self.topic = f"{settings.prefix}/device/mien_{topics.device}/config"
        self._announce: Callable[[], None] = lambda: None
        self.inputs: dict[str, Callable[[Incoming], None]] = (
            {f"{settings.prefix}/status": self._take} if settings.enabled else {}
        )

    def announce(self, publisher: Delivery, payload: dict[str, Any]) -> None:
        """Publishes the device's description; it stays with the broker. payload: of ``discovery``."""
        self._announce = lambda: publisher.state(self.topic, json.dumps(payload), qos=1, retain=True)
        self._announce()

    def _take(self, message: Incoming) -> None:
        if message.payload == b"online":
            self._announce()


def take_back(publisher: Delivery, topic: str) -> None:
    """Removes the device that was announced on ``topic``, with all its entities."""
    publisher.state(topic, b"", qos=1, retain=True)


def discovery(topics: Topics, info: Info, offer: Offer) -> dict[str, Any]:
    """The device's description."""
    here = f"mien_{topics.device}"
    components = _device(topics, offer)
    if offer.driver:
        components |= _driver(topics, offer)
    if offer.expressions:
        components["expression"] = _expression(topics, offer)
    if offer.audience:
        components |= _audience(topics, offer)
    if offer.commands:
        components |= _controls(topics, offer)
    for key, component in components.items():
        component["unique_id"] = f"{here}_{key}"
    return {
        "dev": {"ids": [here], "name": topics.device, "mf": "mien", "mdl": info.model or "mien", "sw": info.version},
        "o": {"name": "mien", "sw": info.version},
        "cmps": components,
    }


def _availability(topics: Topics, camera: str | None = None) -> Component:
    """When an entity counts as there: the device is online, and with ``camera`` that camera delivers."""
    # The status has two words for absence, where payload_not_available takes one.
    needs = [
        {
            "topic": topics.status,
            "value_template": "{{ 'online' if value == 'online' else 'offline' }}",
            "payload_available": "online",
            "payload_not_available": "offline",
        }
    ]
    if camera is not None:
        needs.append(
            {
                "topic": topics.camera_status(camera),
                "value_template": "{{ 'online' if value_json.status == 'running' else 'offline' }}",
                "payload_available": "online",
                "payload_not_available": "offline",
            }
        )
    return {"availability": needs, "availability_mode": "all"}


def _device(topics: Topics, offer: Offer) -> dict[str, Component]:
    def health(name: str, field: str, **others: object) -> Component:
        return {
            "p": "sensor",
            "name": name,
            "state_topic": topics.health,
            "value_template": f"{{{{ value_json.{field} }}}}",
            "state_class": "measurement",
            "entity_category": "diagnostic",
            "expire_after": int(HEALTH.expiry_s or 0),
            **others,
            **_availability(topics),
        }

    return {
        "camera": {
            "p": "binary_sensor",
            "name": "Camera",
            "device_class": "running",
            "state_topic": topics.camera_status(offer.camera),
            "value_template": "{{ 'ON' if value_json.status == 'running' else 'OFF' }}",
            "entity_category": "diagnostic",
            **_availability(topics),
        },
        "fps": health("Frames a second", "fps", suggested_display_precision=1, icon="mdi:filmstrip"),
        "temperature": health("Temperature", "temperature_c", device_class="temperature", unit_of_measurement="°C"),
        "outbox_depth": health("Waiting events", "outbox_depth", icon="mdi:tray-full"),
    }


def _driver(topics: Topics, offer: Offer) -> dict[str, Component]:
    def state(platform: str, name: str, template: str, **others: object) -> Component:
        return {
            "p": platform,
            "name": name,
            "state_topic": topics.state("driver"),
            "value_template": f"{{{{ {template} }}}}",
            "expire_after": _STATE_EXPIRES_S,
            **others,
            **_availability(topics, offer.camera),
        }

    def percent(name: str, field: str, icon: str) -> Component:
        value = f"value_json.{field}"
        template = f"({value} * 100) | round(1) if {value} is not none else none"
        return state("sensor", name, template, unit_of_measurement="%", state_class="measurement", icon=icon)

    present = "'ON' if value_json.present else 'OFF'"
    attentive = "{true: 'ON', false: 'OFF'}.get(value_json.attentive)"
    components = {
        "driver": state("binary_sensor", "Driver", present, device_class="occupancy"),
        "attentive": state("binary_sensor", "Attentive", attentive, icon="mdi:road-variant"),
        "fatigue": state("sensor", "Fatigue", "value_json.fatigue", state_class="measurement", icon="mdi:sleep"),
        "perclos": percent("PERCLOS", "perclos_60s", "mdi:eye-minus"),
        "openness": percent("Eye openness", "openness", "mdi:eye"),
    }
    kinds = [kind for kind in KINDS if kind.subject == "driver"]
    for kind in kinds:
        if kind.severities != ("info",):
            runs = f"'ON' if '{kind.name}' in value_json.active else 'OFF'"
            components[kind.name] = state("binary_sensor", _words(kind.name), runs, device_class="problem")
    components["driver_event"] = {
        "p": "event",
        "name": "Driver event",
        "state_topic": topics.event("driver"),
        "event_types": [f"{kind.name}_{phase}" for kind in kinds for phase in ("start", "update", "end")],
        # A delayed event is a record, and nothing that an automation should act on: an empty text is passed over.
        "value_template": "{% if not value_json.data.delayed %}"
        "{{ {'event_type': value_json.data.kind ~ '_' ~ value_json.data.phase, "
        "'severity': value_json.data.severity, 'duration_s': value_json.data.duration_s, "
        "'confidence': value_json.data.confidence, 'episode_id': value_json.data.episode_id} | to_json }}"
        "{% endif %}",
        "icon": "mdi:account-alert",
        # Not the camera's: what it saw last is told even when it has gone.
        **_availability(topics),
    }
    return components


def _expression(topics: Topics, offer: Offer) -> Component:
    return {
        "p": "sensor",
        "name": "Apparent expression",
        "state_topic": topics.state("expression"),
        "value_template": "{{ value_json.faces[0].label if value_json.faces else none }}",
        "device_class": "enum",
        "options": [kind.name for kind in KINDS if kind.subject == "expression"],
        "expire_after": _STATE_EXPIRES_S,
        "icon": "mdi:emoticon-outline",
        **_availability(topics, offer.camera),
    }


def _audience(topics: Topics, offer: Offer) -> dict[str, Component]:
    def state(name: str, template: str, icon: str, **others: object) -> Component:
        return {
            "p": "sensor",
            "name": name,
            "state_topic": topics.state("audience"),
            "value_template": f"{{{{ {template} }}}}",
            "state_class": "measurement",
            "icon": icon,
            **others,
            **_availability(topics, offer.camera),
        }

    hour = "value_json.windows['1h']"
    return {
        "audience_present": state("Visitors present", "value_json.present", "mdi:account-group"),
        "audience_attentive": state("Visitors attentive", "value_json.attentive", "mdi:eye"),
        "audience_arrivals": state(
            "Arrivals in the last hour", f"{hour}.arrivals if '1h' in value_json.windows else none", "mdi:walk"
        ),
        "audience_dwell": state(
            "Mean stay in the last hour",
            f"{hour}.mean_dwell_s if '1h' in value_json.windows else none",
            "mdi:timer-outline",
            device_class="duration",
            unit_of_measurement="s",
        ),
    }


def _controls(topics: Topics, offer: Offer) -> dict[str, Component]:
    def switch(name: str, feature: str, icon: str) -> Component:
        return {
            "p": "switch",
            "name": name,
            "state_topic": topics.feature_state(feature),
            "command_topic": topics.feature_set(feature),
            "entity_category": "config",
            "icon": icon,
            "qos": 1,
            **_availability(topics),
        }

    def button(name: str, command: str, **others: object) -> Component:
        return {
            "p": "button",
            "name": name,
            "command_topic": topics.command(command),
            "payload_press": "{}",
            "qos": 1,
            **others,
            **_availability(topics),
        }

    components = {
        "privacy": switch("Privacy (camera closed)", "privacy", "mdi:camera-off"),
        "identify": button("Identify", "identify", device_class="identify", entity_category="diagnostic"),
    }
    if offer.driver:
        components["driver_watch"] = switch("Watch the driver", "driver-watch", "mdi:account-eye")
        components["recalibrate"] = button(
            "Recalibrate", "recalibrate", entity_category="config", icon="mdi:account-sync"
        )
    if offer.expressions:
        components["expression_watch"] = switch("Read expressions", "expression-watch", "mdi:emoticon-outline")
    return components


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
