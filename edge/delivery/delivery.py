"""What the daemon asks of whoever takes its words to the broker, be it in this process or in another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class ConnectionOutcome:
    """How an attempt to connect ended.

    refused: the broker answered and said no. unreachable: nothing there, or nothing that speaks MQTT.
    reason: one line for the user, empty when connected.
    """

    kind: Literal["connected", "refused", "unreachable"]
    reason: str = ""


CONNECTED = ConnectionOutcome("connected")


class Delivery(Protocol):
    """The ``Publisher``, or the ``Courier`` that takes all to another process's.

    All calls return at once and raise nothing, but ``start``, ``wait_connected`` and ``close``.
    """

    @property
    def apart(self) -> bool:
        """Whether another process publishes."""

    @property
    def outcome(self) -> ConnectionOutcome | None:
        """How the last attempt to connect to the broker ended, None before the first."""

    @property
    def connections(self) -> int:
        """How often a connection came to stand."""

    @property
    def connected(self) -> bool:
        """Whether it stands."""

    @property
    def trouble(self) -> str | None:
        """Why messages don't get through although the broker answers, None while they do."""

    def start(self, *, unattended: bool = False) -> object:
        """Starts connecting. unattended: nobody will ``wait_connected``, so log how that goes."""

    def wait_connected(self, timeout_s: float) -> ConnectionOutcome:
        """Waits until the first attempt to connect has ended, at most so long, and says how."""

    def state(
        self,
        topic: str,
        payload: BaseModel | str | bytes,
        *,
        retain: bool = False,
        qos: Literal[0, 1] = 0,
        expiry_s: float | None = None,
    ) -> None:
        """Publishes a topic's present state."""

    def answer(self, topic: str, payload: bytes, correlation: bytes | None = None) -> None:
        """Publishes an answer to somebody's request."""

    def beat(self) -> None:
        """The frame loop has turned: a sign of life for who watches over another process."""

    def close(self, drain_s: float = 5.0) -> int:
        """Sends what still waits, for at most so long, and ends; returns how many events stay in the outbox."""
