from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest

from edge.camera import CameraError, CameraSettings, open_camera
from edge.camera.file import FileCamera
from tests.camera.clips import SIZE, number, write

EVERY_FRAME = CameraSettings(realtime=False)


@pytest.mark.parametrize(
    ("name", "frames", "fps", "size"),
    [("eyes-close.mp4", 203, 20.0, (540, 960)), ("sad-to-happy.mp4", 472, 24000 / 1001, (640, 360))],
)
def test_a_real_clip_is_timed_by_its_own_clock(
    shared: Path, name: str, frames: int, fps: float, size: tuple[int, int]
) -> None:
    with open_camera(str(shared / "data" / "clips" / name), EVERY_FRAME) as camera:
        read = [(frame.seq, frame.t_s, frame.wall_time) for frame in camera]
        assert camera.size == size
        assert camera.fps == pytest.approx(fps)
        assert camera.frames_total == frames
        assert camera.dropped == 0
    assert [seq for seq, _, _ in read] == list(range(frames))
    np.testing.assert_allclose([t_s for _, t_s, _ in read], np.arange(frames) / fps, atol=1e-3)
    assert all(t_s == wall for _, t_s, wall in read), "a replay must not depend on the hour"


def test_a_gif_keeps_its_uneven_delays(tmp_path: Path) -> None:
    pictures = pytest.importorskip("PIL.Image", reason="Pillow comes with the demo extra")
    delays_ms = [100, 300, 50, 200]
    first, *others = (pictures.new("L", SIZE, number * 40) for number in range(4))
    path = tmp_path / "uneven.gif"
    first.save(path, save_all=True, append_images=others, duration=delays_ms)
    with open_camera(str(path), EVERY_FRAME) as camera:
        assert [frame.t_s for frame in camera] == pytest.approx([0.0, 0.1, 0.4, 0.45])


def test_a_real_gif_is_read_to_its_end(shared: Path) -> None:
    with open_camera(str(shared / "data" / "clips" / "classroom.gif"), EVERY_FRAME) as camera:
        times = [frame.t_s for frame in camera]
    assert len(times) == 45
    assert times[0] == 0.0
    assert times[-1] == pytest.approx(2.93)
    # 16 2/3 frames a second in hundredths of a second.
    assert {round(step, 3) for step in np.diff(times)} == {0.06, 0.07}


def test_pictures_without_time_stamps_are_timed_by_the_rate(tmp_path: Path) -> None:
    # A camera's raw MJPEG dump: JPEGs one after the other; FFmpeg takes 25 a second for it.
    path = tmp_path / "dump.mjpeg"
    path.write_bytes(b"".join(_jpeg(number) for number in range(10)))
    with open_camera(str(path), EVERY_FRAME) as camera:
        assert [frame.t_s for frame in camera] == pytest.approx([number / 25 for number in range(10)])
        assert camera.frames_total is None


@pytest.mark.parametrize("stamp_ms", [0.0, -1.0, float("nan")])
def test_nonsense_time_stamps_give_way_to_the_rate(tmp_path: Path, stamp_ms: float) -> None:
    liar = cast(cv2.VideoCapture, _Liar(write(tmp_path / "clip.mp4"), stamp_ms))
    with FileCamera(lambda: liar, "a liar", EVERY_FRAME) as camera:
        assert [frame.t_s for frame in camera] == pytest.approx([number / 20 for number in range(20)])


class _Liar:
    """A real capture of a container that knows no time. OpenCV's own class cannot be inherited from."""

    def __init__(self, path: Path, stamp_ms: float) -> None:
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        self._stamp_ms = stamp_ms
        self.grab = self._capture.grab
        self.retrieve = self._capture.retrieve
        self.release = self._capture.release

    def get(self, prop: int) -> float:
        return self._stamp_ms if prop == cv2.CAP_PROP_POS_MSEC else self._capture.get(prop)


def test_a_file_url_with_a_space_names_a_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a drive home.mp4")
    with open_camera(path.as_uri(), EVERY_FRAME) as camera:
        assert [number(frame) for frame in camera] == list(range(20))


def test_a_name_with_a_colon_is_no_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "12:30.mp4")
    monkeypatch.chdir(tmp_path)
    with open_camera("12:30.mp4", EVERY_FRAME) as camera:
        assert len(list(camera)) == 20


def test_in_real_time_a_quick_reader_gets_every_frame_no_sooner_than_due(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.mp4", frames=10)
    with open_camera(str(path)) as camera:
        began = time.monotonic()
        wall_began = time.time()
        for frame in camera:
            assert time.monotonic() - began >= frame.t_s
            assert number(frame) == frame.seq
            assert frame.t_s == pytest.approx(frame.seq / 20)
            # Minutes of slack: the wall clock may be set while the test runs.
            assert frame.wall_time == pytest.approx(wall_began + frame.t_s, abs=120)


def test_in_real_time_a_slow_reader_gets_the_newest_frame_and_the_rest_is_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.mp4")
    seen = []
    with open_camera(str(path)) as camera:
        for frame in camera:
            assert number(frame) == frame.seq
            assert frame.t_s == pytest.approx(frame.seq / 20), "a late frame keeps its own time"
            seen.append(frame.seq)
            time.sleep(0.2)
    assert seen[0] == 0
    assert len(seen) <= 10
    assert len(seen) + camera.dropped == 20


def test_a_loop_goes_on_in_time_and_number(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.mp4")
    with open_camera(str(path), CameraSettings(realtime=False, loop=True)) as camera:
        assert camera.frames_total is None
        frames = [next(camera) for _ in range(50)]
    assert [frame.seq for frame in frames] == list(range(50))
    assert [number(frame) for frame in frames] == [seq % 20 for seq in range(50)]
    assert [frame.t_s for frame in frames] == pytest.approx([seq / 20 for seq in range(50)])


def test_after_its_end_and_after_closing_a_file_gives_nothing(tmp_path: Path) -> None:
    camera = open_camera(str(write(tmp_path / "clip.mp4")), EVERY_FRAME)
    assert len(list(camera)) == 20
    assert list(camera) == []
    again = open_camera(str(tmp_path / "clip.mp4"), EVERY_FRAME)
    next(again)
    again.close()
    again.close()
    assert list(again) == []


def test_a_file_that_ends_says_so_and_so_does_its_stream_of_frames(tmp_path: Path) -> None:
    told: list[str] = []
    with open_camera(str(write(tmp_path / "clip.mp4")), EVERY_FRAME) as camera:
        camera.listen(lambda condition: told.append(condition.kind))
        assert [frame.seq for frame in camera.frames() if frame is not None] == list(range(20))
        assert camera.next_frame(0.01) is None
    assert told == ["running", "ended"]


def test_a_file_that_is_paused_goes_on_where_it_stood(tmp_path: Path) -> None:
    told: list[str] = []
    with open_camera(str(write(tmp_path / "clip.mp4", frames=10))) as camera:
        camera.listen(lambda condition: told.append(condition.kind))
        before = camera.next_frame(1.0)
        camera.pause()
        assert camera.next_frame(0.5) is None
        camera.resume()
        after = camera.next_frame(1.0)
        assert before is not None
        assert after is not None
        assert (before.seq, after.seq) == (0, 1), "no frame became late meanwhile"
        assert after.wall_time - before.wall_time > 0.5
    assert told == ["running", "off", "running"]


def test_closing_a_paused_file_wakes_who_waits_for_it(tmp_path: Path) -> None:
    camera = open_camera(str(write(tmp_path / "clip.mp4")))
    camera.pause()
    threading.Timer(0.1, camera.close).start()
    assert list(camera) == []


def test_a_file_can_be_turned_and_cut(tmp_path: Path) -> None:
    settings = EVERY_FRAME.model_copy(update={"rotate": 90, "region": (0.0, 0.5, 1.0, 0.5)})
    with open_camera(str(write(tmp_path / "clip.mp4")), settings) as camera:
        width, height = SIZE
        assert camera.size == (height, width // 2)
        assert next(camera).image.shape == (width // 2, height, 3)


def test_a_video_that_was_cut_off_gives_what_it_has_and_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = write(tmp_path / "whole.mkv")
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with caplog.at_level(logging.WARNING), open_camera(str(cut), EVERY_FRAME) as camera:
        numbers = [number(frame) for frame in camera]
    assert 0 < len(numbers) < 20
    assert numbers == list(range(len(numbers)))
    assert f"cut.mkv breaks off after {len(numbers)} of 20 frames" in caplog.text


def test_a_whole_video_that_holds_fewer_frames_than_it_claims_is_no_cause_for_alarm(
    shared: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with open_camera(str(shared / "data" / "clips" / "no-face.mp4"), EVERY_FRAME) as camera:
        assert len(list(camera)) == 95
        assert camera.frames_total == 98
    assert not caplog.records


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.mp4", None, "no such file"),
        ("notes.mp4", b"Buy milk.\n" * 40, "no video"),
        ("empty.mp4", b"", "is empty"),
        ("", None, "is a folder"),
    ],
)
def test_what_is_no_video_is_named_in_one_line(tmp_path: Path, name: str, content: bytes | None, says: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CameraError, match=says) as caught:
        open_camera(str(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_mp4_without_its_index_is_said_to_be_cut_off(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.mp4")
    path.write_bytes(path.read_bytes()[:-600])
    with pytest.raises(CameraError, match="cut off"):
        open_camera(str(path))


def test_neither_ffmpeg_nor_opencv_adds_a_word(tmp_path: Path) -> None:
    # A process of its own: FFmpeg takes its level once, from whoever comes first.
    (tmp_path / "notes.mp4").write_text("Buy milk.\n" * 40)
    program = (
        "from edge.camera import *\n"
        f"for source in ({str(tmp_path / 'notes.mp4')!r}, '63', '/dev/video63', 'http://127.0.0.1:9/stream'):\n"
        "    try: open_camera(source)\n"
        "    except CameraError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 4


def _jpeg(number: int) -> bytes:
    good, data = cv2.imencode(".jpg", np.full((*SIZE[::-1], 3), number * 10, np.uint8))
    assert good
    return data.tobytes()
