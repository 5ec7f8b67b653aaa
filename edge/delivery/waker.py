"""Ends a wait for traffic from another thread."""

from __future__ import annotations

import select
import socket


class Waker:
    """Something that a poll can wait for, and that any thread can set off."""

    def __init__(self) -> None:
        self._receiver, self._sender = socket.socketpair()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)

    def wake(self) -> None:
        """Lets the next or present wait return at once; safe from any thread, and after close."""
        try:
            self._sender.send(b"\0")
        except OSError:
            pass  # Full: it is awake already. Closed: nobody waits any more.

    def clear(self) -> None:
        """Forgets the wake-ups so far."""
        try:
            while self._receiver.recv(4096):
                pass
        except BlockingIOError:
            pass

    def wait(self, timeout_s: float) -> None:
        """Waits for a wake-up, at most ``timeout_s`` seconds, and forgets it."""
        select.select([self._receiver], [], [], timeout_s)
        self.clear()

    def fileno(self) -> int:
        """For selectors."""
        return self._receiver.fileno()

    def close(self) -> None:
        """Frees the sockets."""
        self._receiver.close()
        self._sender.close()
