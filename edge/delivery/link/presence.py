"""Whether vision is there, for who can see only publish: what the device's ``status`` says."""

from __future__ import annotations

import time
from collections.abc import Callable

from edge.events import Status

#: Without a sign of life for so long vision counts as gone. Its last states are stale by then (driver/state expires
#: after 10 s), and systemd has had the time to start it again: who crashes and comes back is not told of.
GONE_AFTER_S = 10.0


class Presence:
    """Judges by signs of life. It begins by waiting for the first one. clock: monotonic seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last_sign_s = clock()
        self._said: Status | None = None

    @property
    def status(self) -> Status | None:
        """online: it looks. stopped: it ended as it should. offline: it died, or hangs. None: too soon to say."""
        gone = self._clock() - self._last_sign_s >= GONE_AFTER_S
        return "offline" if gone and self._said != "stopped" else self._said

    def sign(self) -> None:
        """It lives."""
        self._last_sign_s = self._clock()
        self._said = "online"

    def bye(self) -> None:
        """It ends as it should."""
        self._said = "stopped"
