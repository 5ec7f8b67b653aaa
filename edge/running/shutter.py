"""The camera behind its privacy switch and its schedule: while either says so, the device is not open."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import TracebackType
from typing import Self

from edge.camera import Camera, Condition, Frame


class Shutter:
    """One camera that can be closed and opened again while frames are taken; a context manager that lets go of it.

    All calls from one thread at a time. Where it begins closed the camera is not even opened once: its light stays off.
    reason: why it is closed, where that is not the switch alone.
    """

    def __init__(self, open_camera: Callable[[], Camera], *, closed: bool, reason: str | None = None) -> None:
        self._open_camera = open_camera
        self._listener: Callable[[Condition], None] = lambda _condition: None
        self._camera = None if closed else open_camera()
        self.closed = closed
        self.reason = reason

    @property
    def camera(self) -> Camera | None:
        """What is behind it; None while it has never been open."""
        return self._camera

    @property
    def condition(self) -> Condition:
        """How the camera fares; ``off`` while it is closed."""
        if self._camera is None or self.closed:
            return Condition("off", self.reason, 0.0)
        return self._camera.health

    @property
    def dropped(self) -> int:
        """Frames that came too fast, so far."""
        return self._camera.dropped if self._camera is not None else 0

    def at_hand(self) -> int:
        """As ``Camera.at_hand``."""
        return self._camera is not None and not self.closed and self._camera.at_hand()

    def listen(self, listener: Callable[[Condition], None]) -> None:
        """As ``Camera.listen``."""

        def tell(condition: Condition) -> None:
            listener(replace(condition, reason=self.reason) if condition.kind == "off" else condition)

        self._listener = tell
        if self._camera is not None:
            self._camera.listen(tell)
        else:
            tell(Condition("off", None, time.monotonic()))

    def frames(self, tick_s: float) -> Iterator[Frame | None]:
        """As ``Camera.frames``; None all the while it is closed."""
        while True:
            if self._camera is None or self.closed:
                time.sleep(tick_s)
                yield None
                continue
            frame = self._camera.next_frame(tick_s)
            if frame is None and self._camera.health.kind == "ended":
                return
            yield frame

    def close(self, reason: str | None = None) -> None:
        """Lets go of the device."""
        self.closed, self.reason = True, reason
        if self._camera is not None:
            self._camera.pause()

    def open(self) -> None:
        """Takes the device again; raises CameraError where it has not been open yet and cannot be opened."""
        if self._camera is None:
            self._camera = self._open_camera()
            self._camera.listen(self._listener)
        else:
            self._camera.resume()
        self.closed, self.reason = False, None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._camera is not None:
            self._camera.close()
