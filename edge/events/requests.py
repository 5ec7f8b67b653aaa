"""What may be asked of a device: the commands' payloads, the switches, and the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from edge.events.models import Message

#: The whole payload of a switch's ``set`` and ``state``.
SwitchWord = Literal["ON", "OFF"]

#: Every switch by the first level of its topics, and what ON means. None is called after a subject: ``driver/state``
#: is the driver's.
SWITCHES: Mapping[str, str] = {
    "privacy": "the camera is closed, the device let go of.",
    "driver-watch": "the driver is watched. Never where the configuration rules it out.",
    "expression-watch": "faces' expressions are read. Never where the configuration rules it out.",
}


class Request(BaseModel):
    """What all commands share: a JSON object, in which unknown fields are refused. No payload counts as ``{}``."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Recalibrate(Request):
    """Learn the driver's own normal anew: somebody else has sat down, or the camera was moved."""


class Snooze(Request):
    """Silence notices and warnings for a while; critical alarms never."""

    seconds: FiniteFloat = Field(ge=0, description="0 ends a snooze; at most alarm.snooze_limit_s")


class Identify(Request):
    """Beep once, and answer with what ``info`` says."""


class ConfigRequest(Request):
    """Answer with the configuration in effect, as ``config``; secrets are masked."""

    do: Literal["get"] = Field(default="get", description="the only thing that can be done with it")


#: Every command by the last level of its topic.
COMMANDS: Mapping[str, type[Request]] = {
    "recalibrate": Recalibrate,
    "snooze": Snooze,
    "identify": Identify,
    "config": ConfigRequest,
}


class Result(Message):
    """How a request ended. Beside these fields a command's answer holds what it tells."""

    model_config = ConfigDict(frozen=True, extra="allow")

    ok: bool
    error: str | None = Field(default=None, description="why not, in one line; only where ok is false")
