"""The device's whole configuration: the rooms' own settings, put together, and the presets."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from edge.camera.settings import CameraSettings
from edge.delivery.commands import CommandSettings
from edge.delivery.history import AudienceSettings
from edge.delivery.homeassistant import HomeAssistantSettings
from edge.delivery.playback import PlaybackRules
from edge.delivery.settings import AlarmSettings, BrokerSettings, OutboxSettings, VehicleSettings
from edge.delivery.vss import VssSettings
from edge.events.topics import check_level
from edge.running.schedule import ScheduleSettings
from edge.running.settings import MetricsSettings, SheddingSettings
from edge.state.settings import StateSettings
from edge.view.live.settings import ViewSettings
from edge.vision.settings import VisionSettings

#: What each preset sets otherwise than the defaults. A cab is a workplace, where reading emotions is forbidden (EU AI
#: Act, Article 5(1)(f)), while fatigue is no emotion (recital 18); before a kiosk nobody drives, and nobody who only
#: walks by has agreed to be told of one by one: of faces a kiosk says totals alone. Its people are many, stand further
#: off than a driver sits, come and go within a second, and where their eyelids are does not matter.
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "driver": {"vision": {"expression": False}, "state": {"expressions": False, "audience": False}},
    "kiosk": {
        "vision": {"eyes": False, "max_faces": 12, "detect_every_s": 0.05, "detect_tiles": 2},
        "state": {"driver": False, "expressions": False},
        "shedding": {"enough_fps": 10.0},
    },
    "full": {},
}


DeviceId = Annotated[str, AfterValidator(partial(check_level, what="device"))]


def default_device_id() -> str:
    """This host's name, reduced to what a topic level may hold."""
    name = "".join(c if c.isalnum() and c.isascii() else "-" for c in socket.gethostname().split(".")[0])
    return name.strip("-")[:64] or "mien"


class Config(BaseModel):
    """What ``mien run`` needs to know. The preset's values stand beneath the given ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preset: Literal["driver", "kiosk", "full"] = Field(
        default="full",
        title="Preset",
        description="driver: fatigue and attention, no expressions (a cab is a workplace), no audience. kiosk: the "
        "audience in totals, nothing about single faces, no driver's rules. full: everything. Keys given here or "
        "elsewhere win over the preset.",
    )
    device: DeviceId = Field(
        default_factory=default_device_id,
        title="Device id",
        description="The level of the topics that is this device's own: 1 to 64 of A-Z a-z 0-9 _ . -",
        json_schema_extra={"default_words": "the host's name"},
    )
    camera: CameraSettings = Field(
        default_factory=CameraSettings, title="Camera", description="Where frames come from and how they are read."
    )
    vision: VisionSettings = Field(
        default_factory=VisionSettings, title="Vision", description="What is read from each frame."
    )
    state: StateSettings = Field(
        default_factory=StateSettings, title="State rules", description="Which rules run, and their numbers."
    )
    outbox: OutboxSettings = Field(
        default_factory=OutboxSettings,
        title="Outbox",
        description="The file that keeps events until the broker has them.",
    )
    broker: BrokerSettings = Field(
        default_factory=BrokerSettings, title="MQTT broker", description="Where the broker is and how to log in."
    )
    alarm: AlarmSettings = Field(
        default_factory=AlarmSettings, title="Alarm on the spot", description="What wakes the driver, network or not."
    )
    shedding: SheddingSettings = Field(
        default_factory=SheddingSettings,
        title="Load shedding",
        description="What is left out, and when, while there is too much to do.",
    )
    metrics: MetricsSettings = Field(
        default_factory=MetricsSettings, title="Metrics", description="Figures for Prometheus, over HTTP."
    )
    view: ViewSettings = Field(
        default_factory=ViewSettings, title="Live page", description="What the device sees, in a browser."
    )
    audience: AudienceSettings = Field(
        default_factory=AudienceSettings, title="Audience", description="What is told and kept of the audience."
    )
    schedule: ScheduleSettings = Field(
        default_factory=ScheduleSettings, title="Schedule", description="The hours at which the camera is closed."
    )
    playback: PlaybackRules = Field(
        default=(),
        title="Playback",
        description="Rules that turn the audience into commands for a player, each a table of its own: [[playback]] "
        "with when (nobody, somebody, attention, smile, or a figure and a number, as attentive >= 2), for_s (0), "
        "topic, payload (ON), otherwise (not set), otherwise_for_s (0), retain (false). See docs/kiosk.md.",
    )
    vehicle: VehicleSettings = Field(
        default_factory=VehicleSettings,
        title="Vehicle inputs",
        description="Where on the broker the vehicle says how fast it goes.",
    )
    commands: CommandSettings = Field(
        default_factory=CommandSettings, title="Commands", description="Whether orders over MQTT are obeyed."
    )
    homeassistant: HomeAssistantSettings = Field(
        default_factory=HomeAssistantSettings,
        title="Home Assistant",
        description="Whether Home Assistant is told of this device.",
    )
    vss: VssSettings = Field(
        default_factory=VssSettings, title="VSS", description="The driver's state in the words of a vehicle's signals."
    )

    @property
    def reads_expressions(self) -> bool:
        """Whether faces' expressions are read, be it to tell them by face or in an audience's totals."""
        return self.vision.expression and (self.state.expressions or self.state.audience)

    @model_validator(mode="after")
    def _playback_speaks_for_itself(self) -> Config:
        for number, rule in enumerate(self.playback, 1):
            if f"{rule.topic}/".startswith(f"{self.broker.root}/"):
                raise ValueError(
                    f"playback: rule {number}: topic {rule.topic} lies below {self.broker.root}, where devices speak "
                    "of themselves; name another"
                )
        return self

    @model_validator(mode="before")
    @classmethod
    def _with_preset(cls, data: Any) -> Any:  # noqa: ANN401 - pydantic hands over what the user gave
        preset = PRESETS.get(str(data.get("preset"))) if isinstance(data, dict) else None
        return data if preset is None else beneath(preset, data)


def beneath(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Tables of tables put together; the upper ones' values win."""
    together = {**lower, **upper}
    for name in lower.keys() & upper.keys():
        if isinstance(lower[name], Mapping) and isinstance(upper[name], Mapping):
            together[name] = beneath(lower[name], upper[name])
    return together
