"""What the vehicle says of itself over MQTT: its speed, and whether it goes backwards."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from edge.delivery.incoming import Incoming
from edge.delivery.settings import VehicleSettings

log = logging.getLogger(__name__)

_KMH = {"km/h": 1.0, "m/s": 3.6, "mph": 1.609344}
_YES = {"true", "1", "on", "yes"}
_NO = {"false", "0", "off", "no"}

T = TypeVar("T")


class PayloadError(ValueError):
    """A payload that does not say what it should; one line."""


def read_speed(payload: bytes, settings: VehicleSettings) -> float | None:
    """The speed in km/h that a payload tells; None where it says itself that it knows none (JSON null).

    A negative number is a speed backwards: its amount counts. Raises PayloadError.
    """
    value = _value_at(payload, settings.speed_path)
    if value is None:
        return None
    # Many gateways send numbers as strings, VISS always; true and false are no numbers.
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise PayloadError("no number")
    try:
        speed_kmh = abs(float(value)) * _KMH[settings.speed_unit]
    except (ValueError, OverflowError):
        raise PayloadError("no number") from None
    # The comparison is false for NaN as well.
    if not speed_kmh <= settings.speed_max_kmh:
        raise PayloadError(f"not a speed up to {settings.speed_max_kmh:g} km/h")
    return speed_kmh


def read_reverse(payload: bytes, settings: VehicleSettings) -> bool | None:
    """Whether a payload says that reverse gear is in; None where it says itself that it does not know (JSON null).

    Raises PayloadError.
    """
    value = _value_at(payload, settings.reverse_path)
    if value is None:
        return None
    if isinstance(value, dict | list):
        raise PayloadError("no single value")
    word = str(value).strip().casefold()
    if settings.reverse_value is not None:
        return word == settings.reverse_value.strip().casefold()
    if word not in _YES | _NO:
        raise PayloadError("neither true, 1, ON nor false, 0, OFF")
    return word in _YES


def _value_at(payload: bytes, path: str | None) -> object:
    """A payload's value, or the one at a dotted path in it; a payload that is not JSON is text."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        raise PayloadError("not UTF-8") from None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        if path is not None:
            raise PayloadError("not JSON") from None
        return text
    for key in path.split(".") if path is not None else ():
        try:
            value = value[int(key)] if isinstance(value, list) else value[key]
        except (KeyError, IndexError, TypeError, ValueError):
            raise PayloadError(f"nothing at {path}") from None
    return value


@dataclass(frozen=True, slots=True)
class _Heard(Generic[T]):
    value: T | None
    at_s: float


class _Signal(Generic[T]):
    """The newest value of one topic."""

    def __init__(
        self, name: str, read: Callable[[bytes, VehicleSettings], T | None], settings: VehicleSettings
    ) -> None:
        self.name = name
        self._read = read
        self._settings = settings
        self._heard: _Heard[T] = _Heard(None, -math.inf)

    def take(self, payload: bytes, at_s: float) -> None:
        """Raises PayloadError for a payload that says nothing; the value heard before it stands until it is stale."""
        self._heard = _Heard(self._read(payload, self._settings), at_s)

    def at(self, now_s: float) -> T | None:
        heard = self._heard  # once: the network's thread may replace it
        return heard.value if now_s - heard.at_s <= self._settings.stale_s else None


class VehicleInput:
    """Listens to the vehicle's topics; what it heard last may be asked from any thread.

    inputs: what is to be done with a message on which topic, for the ``Publisher``. ignored: messages that could
    not be read. clock: monotonic seconds.
    """

    def __init__(self, settings: VehicleSettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.ignored = 0
        self._settings = settings
        self._clock = clock
        self._speed = _Signal("speed", read_speed, settings)
        self._reverse = _Signal("reverse", read_reverse, settings)
        self._complained: set[str] = set()
        topics = (settings.speed_topic, settings.reverse_topic)
        self.inputs: dict[str, Callable[[Incoming], None]] = dict.fromkeys(filter(None, topics), self._take)

    def speed_kmh(self) -> float | None:
        """The speed now; None where nothing has said it lately."""
        return self._speed.at(self._clock())

    def reverse(self) -> bool | None:
        """Whether reverse gear is in; None where nothing has said so lately."""
        return self._reverse.at(self._clock())

    def _take(self, message: Incoming) -> None:
        if message.retain:
            return  # the broker's memory, of nobody knows when; live messages come without the flag
        # On its way from another process it has aged.
        at_s = self._clock() if message.at_s is None else message.at_s
        if message.topic == self._settings.speed_topic:
            self._try(self._speed, message, at_s)
        if message.topic == self._settings.reverse_topic:
            self._try(self._reverse, message, at_s)

    def _try(self, signal: _Signal[float] | _Signal[bool], message: Incoming, at_s: float) -> None:
        try:
            signal.take(message.payload, at_s)
        except PayloadError as error:
            self.ignored += 1
            if signal.name not in self._complained:
                self._complained.add(signal.name)
                log.warning(
                    "vehicle %s: %s says %r: %s; such messages are ignored",
                    *(signal.name, message.topic, message.payload[:60], error),
                )
