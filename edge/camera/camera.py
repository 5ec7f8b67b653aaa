"""What every camera is, and the one error it raises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from edge.camera.frame import Frame
from edge.errors import MienError


class CameraError(MienError):
    """A source that cannot be opened, or a live one that stopped; the message names it and the way out."""


class Camera(ABC):
    """An iterator of frames and a context manager that lets go of the source.

    id: the configured id, repeated in each frame. size: width and height in pixels. fps: the rate that the
    source claims, None where it claims none. frames_total: about how many frames a file holds (containers
    round), None for live sources and loops. dropped: frames that came too fast for the caller, so far.
    """

    def __init__(self, id: str, size: tuple[int, int], fps: float | None, frames_total: int | None) -> None:
        self.id = id
        self.size = size
        self.fps = fps
        self.frames_total = frames_total
        self.dropped = 0

    def __iter__(self) -> Self:
        return self

    @abstractmethod
    def __next__(self) -> Frame:
        """The next frame; StopIteration at a file's end and after ``close``, CameraError when a live source is lost."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the source. Closing twice is harmless."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
