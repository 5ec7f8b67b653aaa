"""What every camera is, and the one error it raises."""

from __future__ import annotations

import re
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Self

from edge.camera.frame import Frame
from edge.camera.health import Condition, Health, Kind
from edge.closing import Closing
from edge.errors import MienError

_LOGIN = re.compile(r"//[^/\s]*@")


def without_login(text: str) -> str:
    """Text whose addresses have lost user and password, which are nobody's business in a message."""
    return _LOGIN.sub("//", text)


class CameraError(MienError):
    """A source that cannot be opened or a file that cannot be read on; the message names it and the way out."""


class Camera(Closing):
    """An iterator of frames and a context manager that lets go of the source.

    id: the configured id, repeated in each frame. size: width and height of the frames in pixels. fps: the rate that
    the source claims, None where it claims none. frames_total: about how many frames a file holds (containers
    round), None for live sources and loops. dropped: frames that came too fast for the caller, so far. garbage:
    pictures that could not be decoded, so far. reopened: how often the source was opened anew, so far.
    """

    def __init__(
        self,
        id: str,
        size: tuple[int, int],
        fps: float | None,
        frames_total: int | None,
        condition: Kind = "running",
    ) -> None:
        self.id = id
        self.size = size
        self.fps = fps
        self.frames_total = frames_total
        self.dropped = 0
        self.garbage = 0
        self.reopened = 0
        self._health = Health(id, condition)
        self._resumed = threading.Event()
        self._resumed.set()

    @property
    def health(self) -> Condition:
        """How the camera fares, as far as it is noticed: waiting for frames notices their absence."""
        return self._health.condition

    def listen(self, listener: Callable[[Condition], None]) -> None:
        """Call ``listener`` with the present condition, and from now on with each change of it.

        It may be called by any thread, but never by two at once; it must be quick.
        """
        self._health.listen(listener)

    def __iter__(self) -> Self:
        return self

    @abstractmethod
    def __next__(self) -> Frame:
        """The next frame, however long it takes; StopIteration at a file's end and after ``close``.

        Raises CameraError where a file cannot be read on. A live source never ends by itself: it comes back.
        """

    def at_hand(self) -> int:
        """How many of the next frames are there already, as far as is known."""
        return 0

    def next_frame(self, timeout_s: float) -> Frame | None:
        """The next frame, or None where none came in time, at the end and while the camera is off."""
        if not self._resumed.wait(timeout_s):
            return None
        try:
            return next(self)
        except StopIteration:
            self._become("ended")
            return None

    def frames(self, tick_s: float = 0.5) -> Iterator[Frame | None]:
        """Each frame, and None wherever none has come for ``tick_s``: so that the caller notices time passing."""
        while True:
            frame = self.next_frame(tick_s)
            if frame is None and self.health.kind == "ended":
                return
            yield frame

    def pause(self) -> None:
        """Let go of the device and give no frames until ``resume``: the privacy switch. Any thread may call it."""
        self._resumed.clear()
        self._become("off")

    def resume(self) -> None:
        """Give frames again after ``pause``; harmless without one."""
        if self.health.kind == "off":
            self._become("running")
        self._resumed.set()

    @abstractmethod
    def close(self) -> None:
        """Let go of the source. Closing twice is harmless."""

    def _become(self, kind: Kind, reason: str | None = None) -> None:
        self._health.become(kind, reason)
        self._health.tell()
