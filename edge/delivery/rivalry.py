"""Connections that end soon after they began: most often two daemons with the same client id.

A broker keeps one connection for a client id and ends the older one; so two devices that were given the same id throw
each other out for ever. A broker of MQTT 5 may name the cause ("Session taken over"; mosquitto 2.0.11 does not); one of
3.1.1 can only end the connection.
"""

from __future__ import annotations

import logging

from edge.delivery.connection import Backoff, Session
from edge.delivery.settings import BrokerSettings

log = logging.getLogger(__name__)

# A connection that ends sooner ended quickly, and so does one shorter than twice the wait before it: of two rivals
# that both wait longer and longer, each one's connection lasts as long as the other's wait.
_QUICK_S = 5.0

# So many quick ends in a row are no accident.
_NO_ACCIDENT = 3


class Rivalry:
    """Judges how connections end; says once what is wrong, and how long to wait before the next.

    trouble: what is wrong, None while connections last.
    """

    def __init__(self, settings: BrokerSettings, client_id: str, writes: str) -> None:
        self.trouble: str | None = None
        self._broker = f"broker {settings.address}"
        self._client_id = client_id
        self._writes = writes
        self._backoff = Backoff(settings.reconnect_min_s, settings.reconnect_max_s)
        self._quick_s = _QUICK_S
        self._quick_ends = 0

    def lasts(self, lived_s: float) -> None:
        """The connection stands since ``lived_s`` seconds."""
        if self._quick_ends and lived_s >= self._quick_s:
            self._quick_ends = 0
            self._quick_s = _QUICK_S
            self._backoff.reset()
            if self.trouble is not None:
                log.info("the connection to %s lasts again", self._broker)
                self.trouble = None

    def ended(self, session: Session, lived_s: float) -> float:
        """The connection has ended after ``lived_s`` seconds; returns how many to wait before the next."""
        self.lasts(lived_s)
        trouble = None
        if session.taken_over or lived_s < self._quick_s:
            self._quick_ends += 1
        if session.taken_over:
            trouble = (
                f"another client with the id {self._client_id} took the connection to {self._broker} over: give each "
                "device a name (device) or a client_id of its own"
            )
        elif self._quick_ends >= _NO_ACCIDENT:
            trouble = (
                f"{self._broker} ends each connection soon after it began: is another client connected with the id "
                f"{self._client_id} (give each device a name of its own), or may this one not write {self._writes}?"
            )
        if trouble is not None and self.trouble is None:
            log.error("%s", trouble)
            self.trouble = trouble
        elif self.trouble is None:
            log.warning("connection to %s lost: %s", self._broker, session.lost_because)
        wait_s = self._backoff.next_s()
        if self._quick_ends:
            self._quick_s = max(_QUICK_S, 2 * wait_s)
        else:
            self._backoff.reset()
        return wait_s
