"""Live sources that the tests can kill, stop and change: real programs on the loopback."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.camera import Camera, CameraSettings, Frame
from tests.delivery.parts import free_port

SERVERS = Path(__file__).parent / "servers"
SYSTEM_PYTHON = "/usr/bin/python3"

SMALL, LARGE = (160, 120), (320, 240)

#: Impatient, so that the tests are quick. The TS streams need most of a second to be recognized.
IMPATIENT = CameraSettings(stall_s=1.2, retry_min_s=0.05, retry_max_s=0.2)


def until(wanted: Callable[[], bool], timeout_s: float = 15.0) -> None:
    """Wait until something holds."""
    ends_s = time.monotonic() + timeout_s
    while not wanted():
        assert time.monotonic() < ends_s, "it did not come to pass in time"
        time.sleep(0.01)


def frame_of(camera: Camera, size: tuple[int, int] | None = None, timeout_s: float = 15.0) -> Frame:
    """The next frame; of that size, where one is given."""
    ends_s = time.monotonic() + timeout_s
    while time.monotonic() < ends_s:
        frame = camera.next_frame(0.2)
        if frame is not None and size in (None, frame.image.shape[1::-1]):
            return frame
    raise AssertionError(f"no frame of {size} in {timeout_s:g} s; {camera.health}")


def watch_until(camera: Camera, kind: str, timeout_s: float = 15.0) -> list[Frame]:
    """Take frames until the camera is in that condition; the frames."""
    frames = []
    ends_s = time.monotonic() + timeout_s
    while camera.health.kind != kind:
        assert time.monotonic() < ends_s, f"not {kind} but {camera.health}"
        if (frame := camera.next_frame(0.05)) is not None:
            frames.append(frame)
    return frames


class Stream(ABC):
    """A source and the program behind it."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def settings(self) -> CameraSettings:
        """What opens it."""

    @abstractmethod
    def start(self, size: tuple[int, int], kind: str = "live") -> None:
        """Begin to send pictures of that size."""

    def signal(self, number: int) -> None:
        """Send the program a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """End the program at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def _run(self, *words: str) -> None:
        self.kill()
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL)


class Server(Stream):
    """A server of one kind on a port of its own."""

    def __init__(self, name: str, words: Callable[[int, tuple[int, int], str], list[str]], url: str, listens: bool):
        super().__init__()
        self.name = name
        self._words = words
        self._port = free_port()
        self._url = url.format(port=self._port)
        self._listens = listens

    @property
    def settings(self) -> CameraSettings:
        return IMPATIENT.model_copy(update={"source": self._url})

    def start(self, size: tuple[int, int], kind: str = "live") -> None:
        self._run(*self._words(self._port, size, kind))
        if self._listens:
            # By looking, not by knocking: some of these servers take but one caller.
            until(lambda: _is_taken(self._port))


class Program(Stream):
    """A raw-frame command; the camera itself starts it."""

    name = "command"

    def __init__(self, folder: Path, pixel_format: str = "y4m") -> None:
        super().__init__()
        self._folder = folder
        self._format = pixel_format
        self._size = SMALL

    @property
    def settings(self) -> CameraSettings:
        width, height = self._size
        command = (sys.executable, "-S", str(SERVERS / "raw.py"), str(self._folder))
        return IMPATIENT.model_copy(
            update={
                "source": "command",
                "command": command,
                "pixel_format": self._format,
                **({} if self._format == "y4m" else {"width": width, "height": height}),
            }
        )

    def start(self, size: tuple[int, int], kind: str = "live") -> None:
        self._size = size
        aside = self._folder / "size.new"
        aside.write_text(f"{size[0]} {size[1]} {self._format} {kind}")
        aside.replace(self._folder / "size")
        self.kill()

    @property
    def pid(self) -> int:
        """Of the program that runs, or ran last."""
        return int((self._folder / "pid").read_text())

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        with contextlib.suppress(OSError):
            # Not another one that got its number.
            if str(self._folder) in Path(f"/proc/{self.pid}/cmdline").read_text():
                os.kill(self.pid, signal.SIGKILL)


def mjpeg() -> Server:
    """MJPEG over HTTP."""

    def words(port: int, size: tuple[int, int], kind: str) -> list[str]:
        return [sys.executable, str(SERVERS / "mjpeg.py"), str(port), *map(str, size), kind]

    return Server("http mjpeg", words, "http://127.0.0.1:{port}/live", listens=True)


def mpegts(protocol: str) -> Server:
    """MPEG-TS over TCP or UDP by ffmpeg."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg: apt-get install ffmpeg")
    end = {"tcp": "tcp://127.0.0.1:{port}?listen=1", "udp": "udp://127.0.0.1:{port}?pkt_size=1316"}[protocol]

    def words(port: int, size: tuple[int, int], kind: str) -> list[str]:
        picture = f"testsrc2=size={size[0]}x{size[1]}:rate=25,noise=alls=20:allf=t"
        encoder = ("-c:v", "mpeg2video", "-g", "8", "-f", "mpegts", end.format(port=port))
        return ["ffmpeg", "-v", "quiet", "-nostdin", "-re", "-f", "lavfi", "-i", picture, *encoder]

    return Server(f"{protocol} mpegts", words, f"{protocol}://127.0.0.1:{{port}}", listens=protocol == "tcp")


def rtsp() -> Server:
    """MJPEG over RTSP by GStreamer."""
    check = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    if (
        not Path(SYSTEM_PYTHON).exists()
        or subprocess.run([SYSTEM_PYTHON, "-c", check], capture_output=True, check=False).returncode
    ):
        pytest.skip("no GStreamer RTSP server: apt-get install gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good")

    def words(port: int, size: tuple[int, int], kind: str) -> list[str]:
        return [SYSTEM_PYTHON, str(SERVERS / "rtsp.py"), str(port), *map(str, size)]

    return Server("rtsp", words, "rtsp://127.0.0.1:{port}/live", listens=True)


@contextmanager
def running(stream: Stream, size: tuple[int, int] = SMALL, kind: str = "live") -> Iterator[Stream]:
    """Meanwhile the stream sends; at the end its program is gone."""
    try:
        stream.start(size, kind)
        yield stream
    finally:
        stream.kill()


def _is_taken(port: int) -> bool:
    """Whether somebody listens there, or has been called already."""
    ends = [line.split() for table in ("tcp", "tcp6") for line in _lines(Path("/proc/net") / table)]
    return any(end[3] in ("0A", "01") and int(end[1].rpartition(":")[2], 16) == port for end in ends)


def _lines(table: Path) -> list[str]:
    return table.read_text().splitlines()[1:] if table.exists() else []
