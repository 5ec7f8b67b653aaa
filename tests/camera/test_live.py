from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from edge.camera import CameraError, CameraSettings, open_camera
from tests.camera.clips import SIZE, number, write

FPS = 50
FRAMES = 25


class _NetworkCamera(BaseHTTPRequestHandler):
    """Sends numbered pictures as MJPEG over HTTP at FPS, then hangs; a file where one is asked for."""

    def do_GET(self) -> None:
        if self.path.endswith(".mp4"):
            assert isinstance(self.server, _Server)
            clip = self.server.folder / self.path.lstrip("/")
            self._answer("video/mp4", clip.stat().st_size)
            self._send(clip.read_bytes())
            return
        self._answer("multipart/x-mixed-replace; boundary=frame", None)
        for at in range(FRAMES):
            image = np.full((*SIZE[::-1], 3), at * 10, np.uint8)
            jpeg = cv2.imencode(".jpg", image)[1].tobytes()
            header = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            if not self._send(header.encode() + jpeg + b"\r\n"):
                return
            time.sleep(1 / FPS)
        assert isinstance(self.server, _Server)
        self.server.over.wait(10)

    def _answer(self, kind: str, length: int | None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _send(self, data: bytes) -> bool:
        try:
            self.wfile.write(data)
        except OSError:  # the reader has gone
            return False
        return True

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


class _Server(ThreadingHTTPServer):
    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _NetworkCamera)
        self.folder = folder
        self.over = threading.Event()


@pytest.fixture
def network_camera(tmp_path: Path) -> Iterator[str]:
    with _serving(tmp_path) as url:
        yield url


@contextmanager
def _serving(folder: Path) -> Iterator[str]:
    with _Server(folder) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.over.set()
            server.shutdown()
            thread.join()


def test_a_slow_reader_gets_the_newest_picture_and_the_rest_is_counted(network_camera: str) -> None:
    seen = []
    with open_camera(f"{network_camera}/live", CameraSettings(id="door", stall_s=1.0)) as camera:
        assert camera.size == SIZE
        assert camera.frames_total is None
        before = time.monotonic()
        for frame in camera:
            assert number(frame) == frame.seq
            assert frame.camera == "door"
            seen.append(frame)
            if frame.seq == FRAMES - 1:
                break
            time.sleep(0.1)
        assert len(seen) + camera.dropped == FRAMES
    assert len(seen) < FRAMES
    times = [frame.t_s for frame in seen]
    assert times == sorted(times)
    assert before - 10 < times[0] <= times[-1] <= time.monotonic()
    assert abs(seen[-1].wall_time - time.time()) < 60


def test_closing_wakes_a_reader_that_waits(network_camera: str) -> None:
    camera = open_camera(f"{network_camera}/live", CameraSettings(stall_s=30.0))
    threading.Timer(0.8, camera.close).start()
    began = time.monotonic()
    assert list(camera)
    assert time.monotonic() - began < 20, "it would have waited 30 s for the next picture"


def test_a_file_on_a_server_keeps_its_own_time(network_camera: str, tmp_path: Path) -> None:
    write(tmp_path / "clip.mp4")
    with open_camera(f"{network_camera}/clip.mp4", CameraSettings(realtime=False)) as camera:
        assert [frame.t_s for frame in camera] == pytest.approx([number / 20 for number in range(20)])


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("http://127.0.0.1:9/stream", r"http://127\.0\.0\.1:9/stream cannot be opened"),
        ("ftp://127.0.0.1/clip.mp4", "'ftp' is no kind of stream"),
        ("63", "camera 63 cannot be opened: "),
        ("/dev/video63", "/dev/video63 cannot be opened: "),
    ],
)
def test_what_cannot_be_opened_is_named_in_one_line(source: str, says: str) -> None:
    with pytest.raises(CameraError, match=says) as caught:
        open_camera(source)
    assert "\n" not in str(caught.value)


def test_a_camera_that_is_not_there_is_answered_with_those_that_are() -> None:
    there = sorted(str(path) for path in Path("/dev").glob("video*"))
    with pytest.raises(CameraError) as caught:
        open_camera("63")
    assert all(path in str(caught.value) for path in there)
    assert there or "no /dev/video* is there" in str(caught.value)


def test_a_password_in_a_url_stays_out_of_the_message() -> None:
    with pytest.raises(CameraError) as caught:
        open_camera("http://anna:secret@127.0.0.1:9/stream", CameraSettings(stall_s=1.0))
    assert "secret" not in str(caught.value)
    assert "127.0.0.1:9/stream" in str(caught.value)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_rtsp_comes_by_the_transport_that_was_asked_for(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", raising=False)
    seen = []

    def note(*_: object) -> None:
        seen.append(os.environ.get("OPENCV_FFMPEG_CAPTURE_OPTIONS"))

    monkeypatch.setattr("edge.camera.source.open_capture", note)
    settings = CameraSettings.model_validate({"source": "rtsp://127.0.0.1:9/live", "rtsp_transport": transport})
    with pytest.raises(CameraError, match="cannot be opened"):
        open_camera(settings)
    assert seen == [f"rtsp_transport;{transport}"]
    assert "OPENCV_FFMPEG_CAPTURE_OPTIONS" not in os.environ


def test_settings_name_their_source_and_take_a_bare_number() -> None:
    settings = CameraSettings.model_validate({"source": 63})
    assert settings.source == "63"
    with pytest.raises(CameraError, match="camera 63"):
        open_camera(settings)


def test_a_camera_id_that_would_break_a_topic_is_refused() -> None:
    with pytest.raises(ValidationError, match="id"):
        CameraSettings(id="door/left")


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="sauce"):
        CameraSettings.model_validate({"sauce": "0"})
