"""Frames of a live source: the newest one, timed by the monotonic clock; in trouble the source is opened anew."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from edge.camera.camera import Camera, CameraError
from edge.camera.capture import Image
from edge.camera.feed import Feed, Mode, Picture
from edge.camera.frame import Frame
from edge.camera.framing import Framing
from edge.camera.look import Look
from edge.camera.settings import CameraSettings

logger = logging.getLogger(__name__)

#: How long the end waits for a read that hangs in its driver; its thread lets go of the source when it returns.
JOIN_S = 0.8

#: A driver that has not answered for so long after ``stall_s`` hangs. OpenCV lets V4L2 wait 10 s.
HANG_S = 11.0

#: So many threads may hang in a driver at a time; beyond it a source is opened anew only when one returns.
MAX_HUNG = 3

#: How often a caller who waits looks whether the source stalls.
LOOK_S = 0.25

#: Retries are varied by this share, so that many devices do not come back to one server at once.
JITTER = 0.25


@dataclass(eq=False)
class _Reader:
    """One thread, and the feed that only it may touch."""

    thread: threading.Thread | None = None
    feed: Feed | None = None
    retired: threading.Event = field(default_factory=threading.Event)
    #: When it called into the source; None while it does not wait for it.
    called_s: float | None = None

    @property
    def alive(self) -> bool:
        return self.thread is not None and self.thread.is_alive()

    @contextmanager
    def calling(self) -> Iterator[None]:
        """While it waits for the source, and may hang."""
        self.called_s = time.monotonic()
        try:
            yield
        finally:
            self.called_s = None


class LiveCamera(Camera):
    """A live source read by a thread of its own into a single slot, so that a slow caller gets the newest frame.

    A source that breaks off, falls silent, freezes or gives garbage is opened anew, again and again, while the caller
    waits; only where it cannot be opened the first time is that an error.

    asked: the mode asked of the source. got: what it gives.

    Args:
        feed: the open source; this camera owns it.
        reopen: opens it anew; raises CameraError while that can't be done.
        settings: all but source, realtime and loop count here.

    Raises:
        CameraError: when the source gives no first picture.
    """

    def __init__(self, feed: Feed, reopen: Callable[[], Feed], settings: CameraSettings) -> None:
        self._open_feed = reopen
        self._settings = settings
        self._framing = Framing(settings)
        try:
            first = self._first_picture(feed)
        except BaseException:
            feed.release()
            raise
        image = self._framing.apply(first.image)
        height, width = image.shape[:2]
        super().__init__(settings.id, (width, height), feed.mode.fps, frames_total=None, condition="running")
        self.asked = Mode(settings.width, settings.height, settings.fps, settings.pixel_format)
        self.got = _mode(feed, first.image)
        self._name = feed.name
        logger.info("camera %s: %s gives %s; asked for %s", self.id, self._name, self.got, self.asked)
        self._look = Look(settings)
        self._changed = threading.Condition()
        self._closed = False
        self._seq = 0
        self._last_picture_s = first.t_s
        self._source_size = first.image.shape[:2]
        self._slot: Frame | None = Frame(image, first.t_s, first.wall_time, 0, self.id)
        self._trouble = ""
        self._retry_s = 0.0
        self._hung: list[_Reader] = []
        self._reader: _Reader | None = None
        with self._changed:
            self._start(feed)

    def __next__(self) -> Frame:
        while True:
            frame = self.next_frame(LOOK_S)
            if frame is not None:
                return frame
            if self._closed:
                raise StopIteration

    def at_hand(self) -> int:
        """See Camera."""
        return self._slot is not None

    def next_frame(self, timeout_s: float) -> Frame | None:
        """See Camera."""
        ends_s = time.monotonic() + timeout_s
        while True:
            with self._changed:
                left_s = ends_s - time.monotonic()
                self._changed.wait_for(lambda: self._slot is not None or self._closed, max(0.0, min(left_s, LOOK_S)))
                frame, self._slot = self._slot, None
                if self._closed:
                    return None
                if frame is None:
                    self._watch(time.monotonic())
            self._health.tell()
            if frame is not None or time.monotonic() >= ends_s:
                return frame

    def pause(self) -> None:
        """See Camera. The device is closed when this returns, unless its driver hangs."""
        with self._changed:
            if self._closed or not self._resumed.is_set():
                return
            self._resumed.clear()
            self._slot = None
            self._health.become("off")
            reader = self._retire()
        _join(reader)
        self._health.tell()

    def resume(self) -> None:
        """See Camera. The device is opened anew by the reading thread."""
        with self._changed:
            if self._closed or self._resumed.is_set():
                return
            self._resumed.set()
            self._look = Look(self._settings)
            self._last_picture_s = time.monotonic()
            self._retry_s = 0.0
            self._health.become("starting")
            self._start(None)
        self._health.tell()

    def close(self) -> None:
        """Stop reading and let go of the source, within a second; what hangs in a driver lets go when it returns."""
        with self._changed:
            self._closed = True
            self._slot = None
            self._health.silence()  # who closes it knows
            self._health.become("ended")
            reader = self._retire()
            self._changed.notify_all()
        _join(reader)

    def _first_picture(self, feed: Feed) -> Picture:
        ends_s = time.monotonic() + self._settings.stall_s
        while time.monotonic() < ends_s:
            # The first pictures of a camera that sends JPEGs are often cut off.
            picture = feed.read(threading.Event())
            if picture is not None:
                return picture
        raise CameraError(f"{feed.name} gives no picture that can be decoded; ask for another camera.pixel_format")

    # From here to the next such line: called with the lock held.

    def _start(self, feed: Feed | None) -> None:
        """Begin a new reader, for an open feed or for one that it opens itself; not while too many hang."""
        self._hung = [reader for reader in self._hung if reader.alive]
        if len(self._hung) >= MAX_HUNG:
            return
        # Known before it runs: it asks whether it is still the one.
        self._reader = reader = _Reader(feed=feed)
        reader.thread = threading.Thread(target=self._run, args=(reader,), name=f"camera-{self.id}", daemon=True)
        reader.thread.start()

    def _retire(self) -> _Reader | None:
        """Let the reader end, and count it among those that hang until it has."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.retired.set()
            if reader.feed is not None:
                reader.feed.interrupt()
            self._hung.append(reader)
        return reader

    def _watch(self, now_s: float) -> None:
        """What only one who waits for a frame can notice: that there is none."""
        if not self._resumed.is_set():
            return
        silent_s = now_s - self._last_picture_s
        if silent_s >= self._settings.stall_s and self._health.condition.kind not in ("lost", "frozen"):
            silent = f"{self._name} has given no picture for {self._settings.stall_s:g} s; check its cable or network"
            self._health.become("lost", self._trouble or silent, self._last_picture_s)
        reader = self._reader
        if reader is not None:
            called_s = reader.called_s
            hangs = called_s is not None and now_s - called_s >= self._settings.stall_s + HANG_S
            if reader.alive and not hangs:
                return
            self._retire()
        self._start(None)

    # From here on: run by the reader's thread, without the lock.

    def _run(self, reader: _Reader) -> None:
        try:
            while not reader.retired.is_set():
                if reader.feed is not None:
                    self._read_out(reader, reader.feed)
                    self._let_go(reader)
                else:
                    varied = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret
                    if not reader.retired.wait(self._retry_s * varied):
                        self._reopen(reader)
        finally:
            self._let_go(reader)

    def _reopen(self, reader: _Reader) -> None:
        try:
            with reader.calling():
                reader.feed = self._open_feed()
            self.reopened += 1
        except CameraError as error:
            self._put_off(reader, ran_s=0.0)
            self._note_loss(reader, str(error))

    def _let_go(self, reader: _Reader) -> None:
        with self._changed:
            feed, reader.feed = reader.feed, None
        if feed is not None:
            feed.release()

    def _put_off(self, reader: _Reader, ran_s: float) -> None:
        """The next retry later than the last, unless the source ran for longer than the wait before it."""
        if reader.retired.is_set():
            return
        shortest_s, longest_s = self._settings.retry_min_s, self._settings.retry_max_s
        self._retry_s = shortest_s if ran_s > self._retry_s else min(max(2 * self._retry_s, shortest_s), longest_s)

    def _note_loss(self, reader: _Reader, why: str) -> None:
        with self._changed:
            if reader is self._reader:
                self._health.become("lost", why, self._last_picture_s)
        self._health.tell()

    def _read_out(self, reader: _Reader, feed: Feed) -> None:
        """Read until nobody waits any more or the source is in trouble."""
        began_s = good_s = time.monotonic()
        why = ""
        while not reader.retired.is_set() and not why:
            try:
                with reader.calling():
                    picture = feed.read(reader.retired)
            except CameraError as error:
                why = str(error)
                if self._health.condition.kind in ("starting", "frozen", "lost"):
                    self._note_loss(reader, why)
            else:
                if picture is not None:
                    good_s = picture.t_s
                    why = "" if self._take(reader, feed, picture) else "its picture is frozen"
                elif reader is self._reader:
                    self.garbage += 1
                    self._trouble = f"{self._name} gives pictures that cannot be decoded; check its cable"
                    why = self._trouble if time.monotonic() - good_s > self._settings.stall_s else ""
        self._put_off(reader, time.monotonic() - began_s)
        if reader is self._reader:
            self._trouble = why
            logger.info("camera %s: %s; to be opened anew in about %.1f s", self.id, why, self._retry_s)

    def _take(self, reader: _Reader, feed: Feed, picture: Picture) -> bool:
        """Judge a picture and put it where the caller finds it; False for one that stands still."""
        if reader is not self._reader:
            return True  # it hung, and another took its place
        verdict = self._look.judge(picture.image, picture.t_s)
        image = self._framing.apply(picture.image)
        with self._changed:
            if reader is not self._reader:
                return True
            self._trouble = ""
            self._last_picture_s = picture.t_s
            self._note_size(feed, picture.image, image)
            if verdict.kind != self._health.condition.kind:
                self._health.become(verdict.kind, verdict.reason, verdict.since_s)
            self._seq += 1
            if verdict.kind != "frozen":
                self.dropped += self._slot is not None
                self._slot = Frame(image, picture.t_s, picture.wall_time, self._seq, self.id)
                self._changed.notify_all()
            else:
                self._slot = None
        self._health.tell()
        return verdict.kind != "frozen"

    def _note_size(self, feed: Feed, given: Image, framed: Image) -> None:
        if given.shape[:2] == self._source_size:
            return
        was, self._source_size = self._source_size, given.shape[:2]
        self.size = framed.shape[1], framed.shape[0]
        self.got = _mode(feed, given)
        sizes = f"{given.shape[1]} × {given.shape[0]} now, no more {was[1]} × {was[0]}"
        self._health.become("running", f"{self._name}: pictures are {sizes}")


def _mode(feed: Feed, image: Image) -> Mode:
    """What a feed says of itself, but the size as it is."""
    return Mode(image.shape[1], image.shape[0], feed.mode.fps, feed.mode.pixel_format)


def _join(reader: _Reader | None) -> None:
    # A listener that pauses or closes the camera may be called by the very thread that is to end.
    if reader is not None and reader.thread is not None and reader.thread is not threading.current_thread():
        reader.thread.join(JOIN_S)
