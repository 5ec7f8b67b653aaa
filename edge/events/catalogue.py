"""What the device says where: each topic with its payload and its guarantees, and each kind of event.

The publisher takes quality of service, retention and expiry from here, and the contract's documents are made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edge.events.models import Severity
from edge.events.requests import SWITCHES
from edge.events.topics import Subject


@dataclass(frozen=True, slots=True)
class Channel:
    """One topic that the device publishes.

    address: below ``<root>/<device>/``; ``{camera}`` stands for a camera's id. payload: the name of its schema.
    expiry_s: after which a broker of MQTT 5 drops the message; None: never. summary: one line; when: what makes
    the device say it.
    """

    name: str
    address: str
    payload: str
    qos: Literal[0, 1]
    retain: bool
    expiry_s: float | None
    summary: str
    when: str


STATUS = Channel(
    *("status", "status", "status", 1, True, None),
    summary="Whether the device runs: the bare word online, stopped or offline.",
    when="On connecting, on an orderly end, and as the last will when the connection breaks; offline "
    "also 10 s after the last sign of life of a process that sees and leaves publishing to another.",
)
INFO = Channel(
    *("info", "info", "info", 1, True, None),
    summary="Versions and models.",
    when="On connecting.",
)
HEALTH = Channel(
    *("health", "health", "health", 0, True, 90.0),
    summary="How the device fares: frame rate, latency, temperature, events that wait.",
    when="Every 30 s.",
)
CAMERA_STATUS = Channel(
    *("camera-status", "camera/{camera}/status", "camera-status", 1, True, None),
    summary="Whether a camera delivers frames, and why not.",
    when="When that changes.",
)
DRIVER_STATE = Channel(
    *("driver-state", "driver/state", "driver-state", 0, True, 10.0),
    summary="The driver now: eyes, PERCLOS, attention, and how well they can be read.",
    when="At most twice a second.",
)
DRIVER_EVENT = Channel(
    *("driver-event", "driver/event", "event", 1, False, None),
    summary="What happened to the driver: microsleep, sleep, distraction and the like.",
    when="At the start, at updates and at the end of an episode.",
)
EXPRESSION_STATE = Channel(
    *("expression-state", "expression/state", "expression-state", 0, False, None),
    summary="What each face apparently expresses now.",
    when="At most twice a second, while faces are in view.",
)
EXPRESSION_EVENT = Channel(
    *("expression-event", "expression/event", "event", 1, False, None),
    summary="An apparent expression that began or ended.",
    when="At the start and at the end of an episode.",
)
AUDIENCE_STATE = Channel(
    *("audience-state", "audience/state", "audience-state", 0, True, 150.0),
    summary="The audience now and in the last windows: counts and means, no faces.",
    when="On change, at most once a second, and each minute.",
)
AUDIENCE_EVENT = Channel(
    *("audience-event", "audience/event", "event", 1, False, None),
    summary="A single visit: it began or ended, looked at the screen, smiled.",
    when="Where `state.visitors.events` allows it; by default never.",
)
#: Where each switch stands, by its name.
SWITCH_STATES = {
    name: Channel(
        *(f"{name}-state", f"{name}/state", "switch", 1, True, None),
        summary=f"ON or OFF. ON: {meaning}",
        when="On connecting, and after each set.",
    )
    for name, meaning in SWITCHES.items()
}

CHANNELS = (
    *(STATUS, INFO, HEALTH, CAMERA_STATUS, *SWITCH_STATES.values()),
    *(DRIVER_STATE, DRIVER_EVENT, EXPRESSION_STATE, EXPRESSION_EVENT, AUDIENCE_STATE, AUDIENCE_EVENT),
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of event. severities: those that its episodes can have; more than one: it may rise by an update."""

    name: str
    subject: Subject
    severities: tuple[Severity, ...]
    meaning: str


KINDS = (
    Kind("microsleep", "driver", ("warning",), "Eyes closed for 1.5 s or longer."),
    Kind("sleep", "driver", ("critical",), "Eyes closed for 3 s or longer."),
    Kind(
        "unresponsive",
        "driver",
        ("critical",),
        "Eyes closed or away for 6 s or longer, or no return within 3 s of a warning.",
    ),
    Kind("drowsiness", "driver", ("notice", "warning"), "Eyes closed for too large a share of the last minutes."),
    Kind("yawn", "driver", ("info",), "A yawn; corroborates, never alarms."),
    Kind("nod", "driver", ("info",), "The head fell and came back; corroborates, never alarms."),
    Kind("distraction", "driver", ("warning",), "Head or eyes off the road for long at a stretch."),
    Kind("distraction_cumulative", "driver", ("warning",), "Head or eyes off the road again and again."),
    Kind(
        "sensing_degraded",
        "driver",
        ("notice",),
        "The driver cannot be read, so silence means nothing: measures.reason says why.",
    ),
    *(
        Kind(name, "expression", ("info",), f"A face apparently shows {name}.")
        for name in ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
    ),
    Kind("arrived", "audience", ("info",), "A visit began; its end is `left`, of the same episode."),
    Kind("left", "audience", ("info",), "A visit ended, with how long it lasted and paid attention."),
    Kind("attention", "audience", ("info",), "A visitor looked at the screen."),
    Kind("smile", "audience", ("info",), "A visitor apparently showed happiness."),
)
