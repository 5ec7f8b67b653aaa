"""How a camera fares, and who hears of it."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["starting", "running", "dark", "frozen", "lost", "off", "ended"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Condition:
    """How a camera fares.

    kind: ``starting`` until the first picture; ``running``; ``dark`` for a black or covered lens, whose frames still
    come; ``frozen`` for a picture that stands still, ``lost`` for none at all, both without frames until it is mended;
    ``off`` for the privacy switch; ``ended`` for a file's end. reason: one line on what is wrong, or on what changed;
    None where there is nothing to say. since_s: when it began, on the monotonic clock.
    """

    kind: Kind
    reason: str | None
    since_s: float


class Health:
    """The present condition, and each change told in order to whoever listens.

    A listener is called by whichever thread notices a change, without any lock of the camera's held; it must be
    quick, and what it raises is logged.
    """

    def __init__(self, camera: str, kind: Kind) -> None:
        self._camera = camera
        self._listeners: list[Callable[[Condition], None]] = []
        self._untold: deque[Condition] = deque()
        self._telling = threading.Lock()
        self.condition = Condition(kind, None, time.monotonic())

    def listen(self, listener: Callable[[Condition], None]) -> None:
        """From now on ``listener`` hears each change; the present condition at once."""
        self._listeners.append(listener)
        listener(self.condition)

    def silence(self) -> None:
        """From now on nobody hears anything."""
        self._listeners.clear()

    def become(self, kind: Kind, reason: str | None = None, since_s: float | None = None) -> None:
        """Note a condition. It is told with the next ``tell``: the caller may hold locks that a listener wants."""
        before = self.condition
        if (kind, reason) == (before.kind, before.reason):
            return
        if kind == before.kind:
            since_s = before.since_s
        self.condition = Condition(kind, reason, time.monotonic() if since_s is None else since_s)
        self._untold.append(self.condition)

    def tell(self) -> None:
        """Tell the listeners what is new."""
        while self._untold:
            # Whoever is telling tells this too: so each change is told once and in order.
            if not self._telling.acquire(blocking=False):
                return
            try:
                while self._untold:
                    self._tell(self._untold.popleft())
            finally:
                self._telling.release()

    def _tell(self, condition: Condition) -> None:
        level = logging.WARNING if condition.kind in ("dark", "frozen", "lost") else logging.INFO
        said = f"{condition.kind}: {condition.reason}" if condition.reason else condition.kind
        logger.log(level, "camera %s is %s", self._camera, said)
        for listener in self._listeners:
            try:
                listener(condition)
            except Exception:
                # A listener's mistake must not end the thread that reads the camera.
                logger.exception("camera %s: a listener failed", self._camera)
