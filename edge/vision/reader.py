"""One frame in, an observation out: the only place that sees pixels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from random import Random
from types import TracebackType

import cv2

from edge.camera.frame import Frame
from edge.vision.ahead import MOST, Ahead
from edge.vision.backend import FaceFinder, FoundEyes, FoundFace, Stopwatch, unwatched
from edge.vision.expression import ExpressionModel
from edge.vision.features import Features
from edge.vision.likeness import Seen
from edge.vision.litert import LiteRtFinder
from edge.vision.quality import QualityMeter
from edge.vision.settings import VisionSettings
from edge.vision.tracks import REMEMBER_S, Tracks
from edge.vision.types import Box, Observation, Unread


class _End(Enum):
    """There are no more frames."""

    END = auto()


_END = _End.END
#: Frames that are held ahead take up to so many bytes, if there are more than two.
_HELD_BYTES = 32 * 2**20


@dataclass(frozen=True, slots=True)
class _Found:
    """A frame, its faces, the nearest first, and those that are followed but were not looked for in it.

    eyes: of the faces, on their way; None where they are read when their turn comes.
    """

    frame: Frame
    faces: list[FoundFace]
    unread: list[tuple[int, Box]]
    eyes: Future[list[FoundEyes | None]] | None


class FaceReader:
    """Reads faces frame by frame, keeping track of who is who. Use as a context manager, from one thread."""

    def __init__(
        self,
        settings: VisionSettings,
        *,
        face_models: Path,
        expression: ExpressionModel | None = None,
        seed: int | None = None,
        stopwatch: Stopwatch = unwatched,
    ) -> None:
        """Loads the models.

        ``face_models`` is the folder of MediaPipe's models (not used by the mediapipe backend), ``expression`` the
        expression model, None to go without. With a ``seed`` the track ids are the same on every run.
        ``stopwatch`` times the stages of each reading.
        Raises VisionError naming the file that is missing or broken.
        """
        # Else OpenCV would wake a thread on every core to cut out an eye.
        cv2.setNumThreads(settings.model_threads)
        self._settings = settings
        self._watch = stopwatch
        self._finder = _finder(settings, face_models, stopwatch)
        self._threads: dict[str, ThreadPoolExecutor] = {}
        self._spare = 0
        self._ahead: Ahead[_Found | _End | None] | None = None
        self._features = Features(settings, expression, stopwatch)
        self._quality = QualityMeter()
        #: By the finder's number: a face's track id, and when it was read last.
        self._read: dict[int, tuple[str, float]] = {}
        self._tracks = Tracks(Random(seed))  # noqa: S311 - names, not secrets
        #: The nearest face of those that were named last, and their names.
        self._named: tuple[FoundFace | None, list[str]] = None, []

    def __enter__(self) -> FaceReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the models."""
        for thread in self._threads.values():
            thread.shutdown()
        self._threads.clear()
        self._finder.close()

    @property
    def settings(self) -> VisionSettings:
        """What holds for the next frame. Set, of it counts what needs no other models.

        That is ``max_faces``, ``read_faces``, ``min_presence``, ``detect_every_s``, ``detect_tiles``, ``mesh_every_s``
        and ``expression_every_s``; ``eyes`` and ``landmarker`` can be switched off, and on again where their models
        were loaded. The mediapipe backend takes ``expression_every_s`` alone.
        """
        return self._settings

    @settings.setter
    def settings(self, settings: VisionSettings) -> None:
        self._settle()
        self._settings = self._features.settings = settings
        self._finder.adjust(settings)

    @property
    def reads_expressions(self) -> bool:
        """Whether the expression model, where there is one, runs; may be set between two frames."""
        return self._features.reads_expressions

    @reads_expressions.setter
    def reads_expressions(self, reads: bool) -> None:
        self._features.reads_expressions = reads

    @property
    def expression_sha256(self) -> str | None:
        """The expression model's hash, for the events that rest on it; None without one."""
        return self._features.expression.sha256 if self._features.expression else None

    @property
    def expression_name(self) -> str | None:
        """The expression model's name; None without one."""
        return self._features.expression.name if self._features.expression else None

    @property
    def expression_fallback(self) -> str | None:
        """Why the expression model runs in another's place; None where it is the one that was asked for."""
        return self._features.expression.fallback if self._features.expression else None

    def read(self, frame: Frame) -> Observation:
        """All that can be read from one frame. Frames come in the order of their ``t_s``."""
        return self._observe(self._find(frame))

    def read_ahead(
        self, frames: Iterable[Frame | None], at_hand: Callable[[], int] = lambda: MOST
    ) -> Generator[tuple[Frame, Observation] | None, None, None]:
        """``read`` of frame after frame, None for None; quicker where there are ``threads`` for two at once.

        While a frame is observed and the caller has its turn, the next ones are fetched and their faces are found, in a
        thread of their own: as many as are ``at_hand``, asked when a frame's faces were found, ``MOST``, and no more
        than 32 MiB of them or two. The observations are the same as those of ``read``.
        """
        coming = iter(frames)
        ahead = self._ahead = Ahead(lambda: self._fetch(coming), lambda: min(at_hand(), self._spare))
        try:
            found, wanted = ahead.next()
            while found is not _END:
                if isinstance(found, _Found) and self._settings.threads > 1:
                    ahead.begin(self._beside("find"))
                yield (found.frame, self._observe(found)) if isinstance(found, _Found) and wanted else None
                found, wanted = ahead.next()
        finally:
            self._settle()
            self._ahead = None

    def drop_ahead(self) -> None:
        """Has ``read_ahead`` drop the frames that it holds, if any: called by who closes the camera."""
        if self._ahead is not None:
            self._ahead.drop()

    def _settle(self) -> None:
        """Waits until nothing runs in other threads that could fetch a frame or look at the settings."""
        if self._ahead is not None:
            self._ahead.settle()

    def _fetch(self, frames: Iterator[Frame | None]) -> _Found | _End | None:
        frame = next(frames, _END)
        return self._find(frame) if isinstance(frame, Frame) else frame

    def _find(self, frame: Frame) -> _Found:
        self._spare = max(_HELD_BYTES // frame.image.nbytes, 2)
        with self._watch("find"):
            faces = self._finder.find(frame.image, frame.t_s)
        faces.sort(key=lambda face: -face.box.width * face.box.height)
        eyes = None
        if self._settings.threads > 1:
            eyes = self._beside("eyes").submit(self._finder.eyes, frame.image, faces)
        return _Found(frame, faces, self._finder.unread, eyes)

    def _beside(self, work: str) -> ThreadPoolExecutor:
        """A thread of its own for each kind of work, as a model runs in one at a time."""
        if work not in self._threads:
            self._threads[work] = ThreadPoolExecutor(1, work)
        return self._threads[work]

    def _observe(self, seen: _Found) -> Observation:
        frame, found, image = seen.frame, seen.faces, seen.frame.image
        with self._watch("observe"):
            unread = self._unread(seen.unread)
            size = (image.shape[1], image.shape[0])
            names = self._names(found, [face.track_id for face in unread], frame.t_s, size)
            begun = [
                self._features.begin(image, face, name, frame.t_s) for face, name in zip(found, names, strict=True)
            ]
            with self._watch("quality"):
                quality = self._quality.read(image, found[0].box if found else None, frame.t_s)
        all_eyes = self._finder.eyes(image, found) if seen.eyes is None else seen.eyes.result()
        with self._watch("observe"):
            faces = tuple(
                self._features.finish(image, face, name, first, eyes)
                for face, name, first, eyes in zip(found, names, begun, all_eyes, strict=True)
            )
        return Observation(
            t_s=frame.t_s,
            wall_time=frame.wall_time,
            seq=frame.seq,
            camera=frame.camera,
            size=(image.shape[1], image.shape[0]),
            faces=faces,
            quality=quality,
            eye_source=self._finder.eye_source,
            unread=unread,
        )

    def _names(
        self, found: Sequence[FoundFace], waiting: Collection[str], t_s: float, size: tuple[int, int]
    ) -> list[str]:
        """The track ids of the faces in a picture of ``size``; waiting: of those that were not looked for."""
        if len(found) == 1 and not waiting and found[0] is self._named[0]:
            return self._named[1]  # it is at rest
        looks = [
            Seen.of(face.landmarks, face.box, size, self._followed_as(face), self._others(face.beside))
            for face in found
        ]
        names = self._tracks.name(looks, t_s, waiting)
        for face, name in zip(found, names, strict=True):
            if face.number is not None:
                self._read[face.number] = name, t_s
        known = {*names, *waiting}
        self._read = {
            number: (name, read_s)
            for number, (name, read_s) in self._read.items()
            if name in known or 0 <= t_s - read_s <= REMEMBER_S
        }
        self._features.keep(known)
        self._named = found[0] if found else None, names
        return names

    def _followed_as(self, face: FoundFace) -> str | None:
        read = None if face.number is None else self._read.get(face.number)
        return None if read is None else read[0]

    def _others(self, numbers: Collection[int]) -> frozenset[str]:
        return frozenset(self._read[number][0] for number in numbers if number in self._read)

    def _unread(self, followed: Sequence[tuple[int, Box]]) -> tuple[Unread, ...]:
        return tuple(
            Unread(name, box, read_s)
            for number, box in followed
            if number in self._read
            for name, read_s in [self._read[number]]
        )


def _finder(settings: VisionSettings, face_models: Path, stopwatch: Stopwatch) -> FaceFinder:
    if settings.backend == "litert":
        return LiteRtFinder(face_models, settings, stopwatch)
    # Lives in an environment of its own, so it is asked for only where it is chosen.
    from edge.vision.mediapipe_backend import MediaPipeFinder

    return MediaPipeFinder(settings)
