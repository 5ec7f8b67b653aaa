"""Telling systemd how the daemon fares (sd_notify(3)), so that it restarts one that no longer sees anything."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, MutableMapping
from typing import Self

from edge.closing import Closing

log = logging.getLogger(__name__)

#: How often the line that ``systemctl status`` shows is renewed.
STATUS_EVERY_S = 5.0
#: Signs of life in the time after which systemd gives the daemon up.
SIGNS_A_LIMIT = 4


class Notifier(Closing):
    """systemd's ear: ready, a status line, and a sign of life with fresh frames. Call it with each frame and when idle.

    address: of its datagram socket, a path, or a name in the abstract namespace after ``@``; None is nobody, and every
    call does nothing. watchdog_s: the unit's WatchdogSec, None where it has none. A context manager that says goodbye.
    """

    def __init__(
        self,
        address: str | None,
        watchdog_s: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._address = f"\0{address[1:]}" if address and address.startswith("@") else address
        self._socket: socket.socket | None = None
        if address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.setblocking(False)
        self._sign_every_s = None if watchdog_s is None else watchdog_s / SIGNS_A_LIMIT
        self._signed_s = -float("inf")
        self._said_s: float | None = None
        self._frames = 0
        self._seeing: bool | None = None
        self._ready = False
        self._deaf = False

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str] = os.environ) -> Self:
        """What systemd asks for; the variables are taken out, so that no child speaks in the daemon's name."""
        address = environment.pop("NOTIFY_SOCKET", None)
        limit_us = environment.pop("WATCHDOG_USEC", "")
        mine = environment.pop("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        watchdog_s = int(limit_us) / 1e6 if limit_us.isdecimal() and mine else None
        return cls(address, watchdog_s or None)

    def frame(self, say: Callable[[], str]) -> None:
        """A fresh frame went through the whole pipeline. say: asked, when it is time, for the words behind the rate."""
        self._frames += 1
        self._turn(seeing=True)
        self._live(lambda fps: f"{fps:.1f} frames a second, {say()}" if fps is not None else say())

    def idle(self, say: Callable[[], str], *, camera_off: bool) -> None:
        """No frame has come. camera_off: it is meant to be so; only then is that a sign of life."""
        self._turn(seeing=False)
        if camera_off:
            self._live(lambda _fps: say())
        elif self._socket is not None:
            self._send(self._status(lambda _fps: say()))

    def turn(self, say: Callable[[], str]) -> None:
        """A program without a camera has turned once more."""
        self._live(lambda _fps: say())

    def reloading(self) -> None:
        """The configuration is being read anew; ``reloaded`` must follow."""
        self._send([f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}"])

    def reloaded(self) -> None:
        """It was, for better or worse."""
        if self._ready:
            self._send(["READY=1"])

    def stopping(self, why: str = "") -> None:
        """The end has begun."""
        self._send(["STOPPING=1", f"STATUS={_line(why)}"] if why else ["STOPPING=1"])

    def close(self) -> None:
        """Says that the end has begun, and no more after that."""
        if self._socket is not None:
            self.stopping()
            self._socket.close()
            self._socket = None

    def _turn(self, *, seeing: bool) -> None:
        """Frames that begin or cease to come are told at once."""
        if seeing != self._seeing:
            self._seeing, self._said_s = seeing, None

    def _live(self, say: Callable[[float | None], str]) -> None:
        if self._socket is None:
            return
        now_s = self._clock()
        words = [] if self._ready else ["READY=1"]
        due = self._sign_every_s is not None and now_s - self._signed_s >= self._sign_every_s
        if due:
            words.append("WATCHDOG=1")
        words += self._status(say)
        # What could not be sent is due again with the next frame.
        if words and self._send(words):
            self._ready = True
            self._signed_s = now_s if due else self._signed_s

    def _status(self, say: Callable[[float | None], str]) -> list[str]:
        now_s = self._clock()
        if self._said_s is not None and now_s - self._said_s < STATUS_EVERY_S:
            return []
        fps = None if self._said_s is None else self._frames / (now_s - self._said_s)
        self._said_s, self._frames = now_s, 0
        return [f"STATUS={_line(say(fps))}"]

    def _send(self, words: list[str]) -> bool:
        if self._socket is None or self._address is None or not words:
            return False
        try:
            self._socket.sendto("\n".join(words).encode(), self._address)
        except OSError as error:
            if not self._deaf:
                log.warning("systemd cannot be told how mien fares: %s", error.strerror or error)
            self._deaf = True
            return False
        self._deaf = False
        return True


def _line(text: str) -> str:
    return " ".join(text.split())
