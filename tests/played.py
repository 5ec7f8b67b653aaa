"""A reader of faces that only says what a test has it see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from edge.camera import Frame
from edge.closing import Closing
from edge.vision import Observation, VisionSettings


class PlayedReader(Closing):
    """Instead of a FaceReader: ``seen`` tells what is in a frame."""

    expression_name = expression_sha256 = expression_fallback = None
    reads_expressions = True

    def __init__(self, settings: VisionSettings, seen: Callable[[Frame], Observation]) -> None:
        self.settings = settings
        self._seen = seen

    def read(self, frame: Frame) -> Observation:
        return self._seen(frame)

    def read_ahead(
        self, frames: Iterable[Frame | None], _at_hand: Callable[[], int]
    ) -> Iterator[tuple[Frame, Observation] | None]:
        for frame in frames:
            yield None if frame is None else (frame, self.read(frame))

    def drop_ahead(self) -> None:
        pass

    def close(self) -> None:
        pass
