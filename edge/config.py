"""The device's whole configuration: the rooms' own settings, put together.

From a TOML file (``mien run --config FILE``) whose tables are the fields below, with defaults for all that is left
out; command-line options win over the file.
"""

from __future__ import annotations

import socket
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from edge.camera.settings import CameraSettings
from edge.delivery.settings import BrokerSettings, OutboxSettings
from edge.errors import MienError
from edge.events import TopicError
from edge.events.topics import check_level
from edge.state.settings import StateSettings
from edge.vision.settings import VisionSettings


class ConfigError(MienError):
    """A configuration that can't be used as it is; the message names file and key."""


def _level(name: str) -> str:
    try:
        return check_level(name, "device")
    except TopicError as error:
        raise ValueError(str(error)) from None


DeviceId = Annotated[str, AfterValidator(_level)]


def default_device_id() -> str:
    """This host's name, reduced to what a topic level may hold."""
    name = "".join(c if c.isalnum() and c.isascii() else "-" for c in socket.gethostname().split(".")[0])
    return name.strip("-")[:64] or "mien"


class Config(BaseModel):
    """What ``mien run`` needs to know."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: DeviceId = Field(
        default_factory=default_device_id,
        title="Device id",
        description="The level of the topics that is this device's own; by default the host's name.",
    )
    camera: CameraSettings = Field(default_factory=CameraSettings, title="Camera")
    vision: VisionSettings = Field(default_factory=VisionSettings, title="Vision")
    state: StateSettings = Field(default_factory=StateSettings, title="State rules")
    outbox: OutboxSettings = Field(default_factory=OutboxSettings, title="Outbox")
    broker: BrokerSettings = Field(default_factory=BrokerSettings, title="MQTT broker")


def load(path: Path | None, overrides: Mapping[str, Mapping[str, Any] | str] | None = None) -> Config:
    """The configuration from a TOML file (or none) with single fields replaced; raises ConfigError."""
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror or error}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: not TOML: {error}") from None
    for key, value in (overrides or {}).items():
        if isinstance(value, Mapping):
            table = values.get(key, {})
            values[key] = {**table, **value} if isinstance(table, dict) else table
        else:
            values[key] = value
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{path or 'configuration'}: {_first(error)}") from None


def _first(error: ValidationError) -> str:
    """One line about the first of pydantic's complaints, and how many more there are."""
    first, more = error.errors(include_url=False, include_input=False)[0], error.error_count() - 1
    key = ".".join(str(part) for part in first["loc"]) or "(top)"
    what = "unknown key" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
    return f"{key}: {what}" + (f" (and {more} more)" if more else "")
