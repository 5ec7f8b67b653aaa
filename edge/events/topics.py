"""Where on the broker each message goes: ``<root>/<device>/…``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from edge.errors import MienError

ROOT = "mien/1"

Subject = Literal["driver", "expression", "audience"]

# One level of a topic: no "/", "+", "#" and nothing that needs quoting in a shell or in a client id.
_LEVEL = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class TopicError(MienError, ValueError):
    """A name that cannot be part of a topic; a ValueError too, so that a setting's validator may raise it."""


def check_level(name: str, what: str) -> str:
    """Returns the name if it can be one level of a topic.

    Raises:
        TopicError: it is empty, longer than 64 characters, or holds more than letters, digits, ``_``, ``.``, ``-``.
    """
    if not _LEVEL.fullmatch(name):
        raise TopicError(f"{what} {name!r} cannot be part of a topic: use 1 to 64 of A-Z a-z 0-9 _ . -")
    return name


def check_root(root: str) -> str:
    """Returns the root if each of its levels can be part of a topic; raises TopicError otherwise."""
    for level in root.split("/"):
        check_level(level, f"in the topic root {root!r}, the level")
    return root


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one device.

    Raises:
        TopicError: the device or the root cannot be part of a topic.
    """

    device: str
    root: str = ROOT

    def __post_init__(self) -> None:
        check_root(self.root)
        check_level(self.device, "device")

    def _at(self, *levels: str) -> str:
        return "/".join((self.root, self.device, *levels))

    @property
    def status(self) -> str:
        """``online``, ``stopped`` or, as the last will, ``offline``: retained, QoS 1."""
        return self._at("status")

    @property
    def info(self) -> str:
        """Versions and the model's hash: retained, QoS 1."""
        return self._at("info")

    @property
    def health(self) -> str:
        """Frame rate, latency, outbox depth: retained, QoS 0, expires after 90 s."""
        return self._at("health")

    def camera_status(self, camera: str) -> str:
        """Whether a camera delivers: retained."""
        return self._at("camera", check_level(camera, "camera"), "status")

    def state(self, subject: Subject) -> str:
        """The present state of a subject, at most 2 Hz: QoS 0."""
        return self._at(subject, "state")

    def event(self, subject: Subject) -> str:
        """The events about a subject: QoS 1."""
        return self._at(subject, "event")

    def feature_set(self, feature: str) -> str:
        """Where ``ON`` or ``OFF`` switches a feature."""
        return self._at(check_level(feature, "feature"), "set")

    def feature_state(self, feature: str) -> str:
        """Whether a feature is ``ON`` or ``OFF``: retained."""
        return self._at(check_level(feature, "feature"), "state")

    def command(self, name: str) -> str:
        """Where a command is sent to the device."""
        return self._at("command", check_level(name, "command"))

    @property
    def any_feature_set(self) -> str:
        """The filter that all of ``feature_set``'s topics match."""
        return self._at("+", "set")

    @property
    def any_command(self) -> str:
        """The filter that all of ``command``'s topics match."""
        return self._at("command", "+")


def watch_filters(root: str = ROOT) -> tuple[str, ...]:
    """Topic filters for what is worth reading as it happens: every device's events and statuses."""
    check_root(root)
    return (f"{root}/+/status", f"{root}/+/camera/+/status", f"{root}/+/+/event")


def split_topic(topic: str, root: str = ROOT) -> tuple[str, str] | None:
    """Returns a topic's device and what follows it (``driver/event``), or None where it is not under the root."""
    if not topic.startswith(f"{root}/"):
        return None
    device, _, rest = topic[len(root) + 1 :].partition("/")
    return (device, rest) if device and rest else None
