"""Frames of a live source: the newest one, timed by the monotonic clock when it was grabbed."""

from __future__ import annotations

import threading
import time

import cv2

from edge.camera.camera import Camera, CameraError
from edge.camera.capture import claimed_fps, read_image, retrieve_image
from edge.camera.frame import Frame
from edge.camera.settings import CameraSettings

#: A device that was pulled out fails at once, again and again: look no more often than this.
RETRY_S = 0.05

#: A read that hangs in the driver must not hold up the end; its thread dies with the process.
JOIN_S = 1.0


class LiveCamera(Camera):
    """A live source read by a thread of its own into a single slot, so that a slow caller gets the newest frame.

    Args:
        capture: the open source; this camera owns it.
        name: what to call the source in messages.
        settings: id and stall_s count here.

    Raises:
        CameraError: when the source gives no first picture.
    """

    def __init__(self, capture: cv2.VideoCapture, name: str, settings: CameraSettings) -> None:
        image = read_image(capture)
        if image is None:
            capture.release()
            raise CameraError(f"{name} opens but gives no picture; check that no other program uses it")
        height, width = image.shape[:2]
        super().__init__(settings.id, (width, height), claimed_fps(capture), frames_total=None)
        self._name = name
        self._stall_s = settings.stall_s
        self._slot: Frame | None = Frame(image, time.monotonic(), time.time(), 0, self.id)
        self._filled = threading.Condition()
        self._closing = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(capture,), name=f"camera-{self.id}", daemon=True)
        self._reader.start()

    def __next__(self) -> Frame:
        with self._filled:
            self._filled.wait_for(lambda: self._slot is not None or self._closing.is_set(), self._stall_s)
            frame, self._slot = self._slot, None
        if self._closing.is_set():
            raise StopIteration
        if frame is None:
            raise CameraError(f"{self._name} has given no picture for {self._stall_s:g} s; check its cable or network")
        return frame

    def close(self) -> None:
        """Stop reading and let go of the source."""
        self._closing.set()
        with self._filled:
            self._filled.notify_all()
        self._reader.join(JOIN_S)

    def _read(self, capture: cv2.VideoCapture) -> None:
        # Releasing a capture while another thread reads it crashes: whoever reads it lets it go.
        seq = 0
        while not self._closing.is_set():
            grabbed = capture.grab()
            t_s, wall_time = time.monotonic(), time.time()
            image = retrieve_image(capture) if grabbed else None
            if image is None:
                self._closing.wait(RETRY_S)
                continue
            seq += 1
            with self._filled:
                self.dropped += self._slot is not None
                self._slot = Frame(image, t_s, wall_time, seq, self.id)
                self._filled.notify_all()
        capture.release()
