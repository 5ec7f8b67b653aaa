"""Frames of a file, timed by its presentation time stamps."""

from __future__ import annotations

import logging
import math
import sys
import time
from collections.abc import Callable

import cv2

from edge.camera.camera import Camera, CameraError
from edge.camera.capture import Image, claimed_fps, claimed_frames, read_image, retrieve_image
from edge.camera.frame import Frame
from edge.camera.framing import Framing
from edge.camera.settings import CameraSettings

logger = logging.getLogger(__name__)

#: Where neither time stamps nor a frame rate can be believed.
FALLBACK_FPS = 25.0

#: Containers round: whole clips give up to 3 % fewer frames than they claim. Fewer still, and it was cut off.
WHOLE_SHARE = 0.95


class FileCamera(Camera):
    """A file's frames: each one as fast as the caller takes them, or in real time with late ones dropped.

    Args:
        reopen: gives a capture at the file's start; asked again at each turn of a loop.
        name: what to call the file in messages.
        settings: id, realtime, loop, rotate, mirror and region count here.

    Raises:
        CameraError: when the file cannot be opened or holds no frame.
    """

    def __init__(self, reopen: Callable[[], cv2.VideoCapture], name: str, settings: CameraSettings) -> None:
        self._reopen = reopen
        self._name = name
        self._realtime = settings.realtime
        self._loop = settings.loop
        self._capture = reopen()
        self._framing = Framing(settings)
        height, width = self._framing.apply(self._grab_first()).shape[:2]
        self._claimed_frames = claimed_frames(self._capture)
        frames_total = None if self._loop else self._claimed_frames
        super().__init__(settings.id, (width, height), claimed_fps(self._capture), frames_total)
        self._period_s = 1.0 / (self.fps or FALLBACK_FPS)
        self._stamps = _Stamps(self._capture, start_s=0.0, period_s=self._period_s)
        self._seq = -1
        self._turn_began_seq = 0
        self._began: tuple[float, float] | None = None
        self._paused_s: float | None = None
        self._closed = False

    def __next__(self) -> Frame:
        self._resumed.wait()
        if self._closed:
            raise StopIteration
        return self._next_in_real_time() if self._realtime else self._next_frame()

    def at_hand(self) -> int:
        """See Camera. Of a file in real time: whether the next frame is due; else all the rest of it is there."""
        if self._paused_s is not None or self._closed:
            return 0
        if not self._realtime:
            return sys.maxsize
        due_s = self._stamps.t_s + self._period_s
        return self._began is not None and time.monotonic() - self._began[0] >= due_s

    def pause(self) -> None:
        """Stand still. There is no device to close; the file's time stands still as well."""
        if self._paused_s is None:
            self._paused_s = time.monotonic()
        super().pause()

    def resume(self) -> None:
        """Go on where it stood."""
        if self._paused_s is not None and self._began is not None:
            stood_s = time.monotonic() - self._paused_s
            self._began = self._began[0] + stood_s, self._began[1] + stood_s
        self._paused_s = None
        super().resume()

    def close(self) -> None:
        """Let go of the file."""
        self._closed = True
        self._resumed.set()
        self._capture.release()

    def _next_frame(self) -> Frame:
        self._advance()
        return Frame(self._image(), self._stamps.t_s, self._stamps.t_s, self._seq, self.id)

    def _next_in_real_time(self) -> Frame:
        if self._began is None:
            # The clock starts when frames are first wanted: loading models may have taken seconds.
            self._began = (time.monotonic(), time.time())
        began_s, began_wall = self._began
        # Late is measured against the moment of asking: against a running clock, a machine that decodes
        # slower than real time would drop frames for ever.
        asked_s = time.monotonic() - began_s
        self._advance()
        while self._stamps.t_s + self._period_s < asked_s:
            self.dropped += 1
            self._advance()
        image = self._image()
        time.sleep(max(0.0, began_s + self._stamps.t_s - time.monotonic()))
        return Frame(image, self._stamps.t_s, began_wall + self._stamps.t_s, self._seq, self.id)

    def _advance(self) -> None:
        """Grab the next frame; its time is then in ``_stamps``, its number in ``_seq``."""
        self._seq += 1
        if self._seq == 0:
            return
        if self._capture.grab():
            self._stamps.advance()
        else:
            self._next_turn()

    def _image(self) -> Image:
        image = retrieve_image(self._capture)
        if image is None:
            raise CameraError(f"{self._name}: frame {self._seq} cannot be decoded; record the video again")
        return self._framing.apply(image)

    def _next_turn(self) -> None:
        """Go to the file's start again where it loops; otherwise end."""
        self._warn_if_cut_off()
        self._capture.release()
        if not self._loop:
            self._closed = True
            self._become("ended")
            raise StopIteration
        self._turn_began_seq = self._seq
        self._capture = self._reopen()
        self._grab_first()
        self._stamps = _Stamps(self._capture, self._stamps.t_s + self._period_s, self._period_s)

    def _grab_first(self) -> Image:
        image = read_image(self._capture)
        if image is None:
            self._capture.release()
            raise CameraError(f"{self._name}: no frame in it can be read; it is damaged or no video: record it again")
        return image

    def _warn_if_cut_off(self) -> None:
        frames = self._seq - self._turn_began_seq
        if self._claimed_frames is not None and frames < WHOLE_SHARE * self._claimed_frames:
            logger.warning("%s breaks off after %d of %d frames", self._name, frames, self._claimed_frames)


class _Stamps:
    """Presentation time stamps that always increase, from ``start_s`` on."""

    def __init__(self, capture: cv2.VideoCapture, start_s: float, period_s: float) -> None:
        self._capture = capture
        self._offset_s = start_s - self._stamp_s()
        self._period_s = period_s
        self.t_s = start_s

    def advance(self) -> None:
        """Take the time of the frame just grabbed: its stamp, or one period on where the stamp is nonsense."""
        stamp_s = self._stamp_s() + self._offset_s
        self.t_s = stamp_s if stamp_s > self.t_s else self.t_s + self._period_s

    def _stamp_s(self) -> float:
        # After a grab OpenCV answers with the grabbed frame's own stamp, before it with its forerunner's.
        milliseconds = float(self._capture.get(cv2.CAP_PROP_POS_MSEC))
        return round(milliseconds / 1000.0, 6) if math.isfinite(milliseconds) else 0.0
