"""Pictures that a child process writes to a pipe: the way in for cameras that OpenCV cannot open by itself."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Sequence

import numpy as np

from edge.camera.camera import CameraError, without_login
from edge.camera.capture import Image
from edge.camera.feed import Feed, Mode, Picture
from edge.camera.raw import Y4M_FRAME, Y4M_MAGIC, Layout, RawFormat, y4m_layout

#: Stands in a command for the number of the descriptor that the pictures are to be written to; stdout where it
#: does not occur. For programs that talk on stdout, as Jetson's camera daemon does.
DESCRIPTOR = "{fd}"

#: What a pipe holds, where the kernel allows: a whole small picture, so that its writer seldom waits.
PIPE_BYTES = 1 << 20

#: How often a read that waits looks up to see whether anybody still wants it.
LOOK_UP_S = 0.1

#: How long a child may take to end by itself before it is killed.
END_S = 0.4

_MAX_LINE = 256


class CommandFeed(Feed):
    """A child process in a group of its own, which is killed with all that it started.

    Args:
        words: the program and its arguments.
        name: what to call it in messages.
        pixel_format: how pictures lie in the pipe.
        size: width and height; needed for all formats but y4m, which tells its own.
        stall_s: after so many seconds without a picture it is given up.

    Raises:
        CameraError: when the program cannot be started.
    """

    def __init__(
        self, words: Sequence[str], name: str, pixel_format: RawFormat, size: tuple[int, int] | None, stall_s: float
    ) -> None:
        self.name = name
        self._stall_s = stall_s
        self._tells_its_size = pixel_format == "y4m"
        self._layout: Layout | None = None
        if not self._tells_its_size:
            assert size is not None  # noqa: S101 - held by the settings
            self._layout = _layout(name, pixel_format, size)
        width, height = size or (None, None)
        self.mode = Mode(width, height, pixel_format=pixel_format)
        self._raw: Image | None = None
        self._last_words = b""
        self._child, self._pictures, self._says = _start(words, name)
        self._poll = select.poll()
        for descriptor in (self._pictures, self._says):
            self._poll.register(descriptor, select.POLLIN)

    def read(self, retired: threading.Event) -> Picture | None:
        """See Feed."""
        began_s = time.monotonic()
        if self._tells_its_size:
            self._read_y4m_header(retired, began_s)
        layout = self._layout
        assert layout is not None  # noqa: S101 - for the type checker: the header has been read
        raw = self._raw
        # BGR needs no conversion: so each picture gets memory of its own, and the others share theirs.
        if raw is None or raw.shape != layout.shape or layout.format == "bgr24":
            raw = self._raw = np.empty(layout.shape, np.uint8)
        self._fill(raw.data.cast("B"), retired, began_s)
        return Picture(layout.to_bgr(raw), time.monotonic(), time.time())

    def interrupt(self) -> None:
        """Ask the child to end: the pipe then ends too."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGTERM)

    def release(self) -> None:
        """Kill the child's whole group and leave no zombie."""
        self.interrupt()
        # Not reaped before its group is killed: until then nobody else can get its number.
        ends_s = time.monotonic() + END_S
        while not _has_ended(self._child.pid) and time.monotonic() < ends_s:
            time.sleep(0.005)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        os.close(self._pictures)
        os.close(self._says)

    def _read_y4m_header(self, retired: threading.Event, began_s: float) -> None:
        line = self._line(retired, began_s)
        if line.startswith(Y4M_MAGIC):
            try:
                self._layout, fps = y4m_layout(line)
            except ValueError as error:
                raise CameraError(f"{self.name}: {error}") from None
            self.mode = Mode(self._layout.width, self._layout.height, fps, "y4m")
            line = self._line(retired, began_s)
        if self._layout is None or not line.startswith(Y4M_FRAME):
            raise CameraError(f"{self.name} writes something else than y4m; look at its arguments")

    def _line(self, retired: threading.Event, began_s: float) -> bytes:
        line = bytearray()
        byte = memoryview(bytearray(1))
        while len(line) < _MAX_LINE:
            self._fill(byte, retired, began_s)
            if byte[0] == ord("\n"):
                break
            line += byte
        return bytes(line)

    def _fill(self, view: memoryview, retired: threading.Event, began_s: float) -> None:
        """Read until ``view`` is full."""
        filled = 0
        while filled < len(view):
            ready = dict(self._poll.poll(LOOK_UP_S * 1000))
            if self._says in ready:
                self._listen()
            if self._pictures in ready:
                got = os.readv(self._pictures, [view[filled:]])
                if not got:
                    raise CameraError(self._how_it_ended(filled, len(view)))
                filled += got
            elif retired.is_set():
                raise CameraError(f"{self.name} is wanted no more")
            elif time.monotonic() - began_s > self._stall_s:
                raise CameraError(f"{self.name} has written no picture for {self._stall_s:g} s{self._saying()}")

    def _listen(self) -> None:
        said = os.read(self._says, 4096)
        if not said:
            self._poll.unregister(self._says)
        self._last_words = (self._last_words + said)[-4096:]

    def _saying(self) -> str:
        lines = self._last_words.decode("utf-8", "replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        # A program may repeat its input's address, with the password in it.
        return f": {without_login(last)[:_MAX_LINE]}" if last else ""

    def _how_it_ended(self, filled: int, whole: int) -> str:
        # Its last words may lie in the pipe still; the child itself closes it a moment before it ends.
        ends_s = time.monotonic() + END_S
        while not _has_ended(self._child.pid) and time.monotonic() < ends_s:
            time.sleep(0.005)
        while self._says in dict(self._poll.poll(0)):
            self._listen()
        status = os.waitid(os.P_PID, self._child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if status is None:
            how = "has closed its output"
        elif status.si_code == os.CLD_EXITED:
            how = f"has ended with exit code {status.si_status}"
        else:
            how = f"was ended by signal {status.si_status}"
        if filled and self._layout is not None:
            # Where no picture ends, the size or the format is probably another than the settings say.
            size = f"{self._layout.width} × {self._layout.height} {self._layout.format}"
            how += f" in the middle of a picture ({filled} of {whole} bytes; is it {size}?)"
        return f"{self.name} {how}{self._saying()}"


def _layout(name: str, pixel_format: RawFormat, size: tuple[int, int]) -> Layout:
    try:
        return Layout(pixel_format, *size)
    except ValueError as error:
        raise CameraError(f"{name}: {error}") from None


def _start(words: Sequence[str], name: str) -> tuple[subprocess.Popen[bytes], int, int]:
    """The child, the descriptor that its pictures come from, and the one that its words come from."""
    pictures, pictures_in = os.pipe()
    says, says_in = os.pipe()
    apart = any(DESCRIPTOR in word for word in words)
    try:
        with contextlib.suppress(OSError):  # more than the system allows: so the pipe stays as it is
            fcntl.fcntl(pictures, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        child = subprocess.Popen(
            [word.replace(DESCRIPTOR, str(pictures_in)) for word in words],
            stdin=subprocess.DEVNULL,
            stdout=says_in if apart else pictures_in,
            stderr=says_in,
            pass_fds=(pictures_in,) if apart else (),
            start_new_session=True,
        )
    except OSError as error:
        os.close(pictures)
        os.close(says)
        why = "is not installed" if isinstance(error, FileNotFoundError) else f"cannot be started ({error.strerror})"
        raise CameraError(f"{name}: {words[0]} {why}; install it, or name it with its whole path") from None
    finally:
        os.close(pictures_in)
        os.close(says_in)
    return child, pictures, says


def _has_ended(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
