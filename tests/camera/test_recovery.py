from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge.camera import CameraError, Condition, live, open_camera
from edge.camera.feed import Feed, Mode, Picture
from edge.camera.frame import Frame
from tests.camera.streams import (
    IMPATIENT,
    LARGE,
    SMALL,
    Program,
    Stream,
    frame_of,
    mjpeg,
    mpegts,
    rtsp,
    running,
    until,
    watch_until,
)

STREAMS: dict[str, Callable[[Path], Stream]] = {
    "http-mjpeg": lambda _folder: mjpeg(),
    "tcp-mpegts": lambda _folder: mpegts("tcp"),
    "rtsp": lambda _folder: rtsp(),
    "command": Program,
}


@pytest.mark.parametrize("kind", STREAMS)
def test_a_stream_that_was_killed_is_followed_when_it_is_back_in_another_size(kind: str, tmp_path: Path) -> None:
    told: list[Condition] = []
    with running(STREAMS[kind](tmp_path)) as stream, open_camera(stream.settings) as camera:
        camera.listen(told.append)
        assert camera.size == SMALL
        before = frame_of(camera, SMALL)
        stream.kill()
        if kind != "command":  # which is started again at once
            watch_until(camera, "lost")
            assert camera.next_frame(0.1) is None
        stream.start(LARGE)
        after = frame_of(camera, LARGE)
        assert camera.size == LARGE
        assert camera.reopened >= 1
        assert camera.health.kind == "running"
    assert after.t_s > before.t_s
    assert after.seq > before.seq
    assert any("320 × 240 now, no more 160 × 120" in (condition.reason or "") for condition in told)
    kinds = [condition.kind for condition in told]
    assert kinds[0] == "running"
    assert kind == "command" or "lost" in kinds


@pytest.mark.parametrize("kind", ["http-mjpeg", "command"])
def test_a_stream_that_hangs_is_lost_and_found_again(kind: str, tmp_path: Path) -> None:
    with running(STREAMS[kind](tmp_path)) as stream, open_camera(stream.settings) as camera:
        last = frame_of(camera)
        stream.signal(signal.SIGSTOP)
        last = (watch_until(camera, "lost") or [last])[-1]
        assert camera.health.reason is not None
        assert "no picture for 1.2 s" in camera.health.reason
        assert camera.health.since_s == pytest.approx(last.t_s, abs=0.2), "it is lost since its last picture"
        if kind != "command":  # the camera kills and restarts its own child
            stream.signal(signal.SIGCONT)
        assert frame_of(camera).t_s > last.t_s
        assert camera.health.kind == "running"


@pytest.mark.parametrize("kind", ["http-mjpeg", "command"])
def test_a_picture_that_stands_still_is_withheld_until_it_moves(kind: str, tmp_path: Path) -> None:
    with running(STREAMS[kind](tmp_path), kind="frozen") as stream:
        settings = stream.settings.model_copy(update={"frozen_s": 0.6})
        with open_camera(settings) as camera:
            frames = watch_until(camera, "frozen")
            assert 0.4 < frames[-1].t_s - frames[0].t_s < 0.8
            assert camera.next_frame(0.3) is None, "a still picture of a man awake says nothing about him"
            stream.start(SMALL, "live")
            assert frame_of(camera).t_s > frames[-1].t_s
            assert camera.health.kind == "running"


def test_time_can_be_noticed_while_there_is_no_picture() -> None:
    with running(mjpeg()) as stream, open_camera(stream.settings) as camera:
        stream.signal(signal.SIGSTOP)
        came: list[tuple[float, Frame | None]] = []
        for frame in camera.frames(tick_s=0.1):
            came.append((time.monotonic(), frame))
            if len(came) >= 5 and all(frame is None for _, frame in came[-5:]):
                break
        ticks = [at for at, _ in came[-5:]]
        assert ticks[-1] - ticks[0] < 1.5
        stream.signal(signal.SIGCONT)


def test_the_privacy_switch_closes_the_source_and_opens_it_again(tmp_path: Path) -> None:
    told: list[Condition] = []
    with running(Program(tmp_path)) as stream, open_camera(stream.settings) as camera:
        assert isinstance(stream, Program)
        camera.listen(told.append)
        before = frame_of(camera)
        child = stream.pid
        camera.pause()
        assert not Path(f"/proc/{child}").exists(), "the camera's program has ended, and its light is off"
        assert camera.health.kind == "off"
        assert camera.next_frame(0.1) is None
        assert next(camera.frames(0.05)) is None
        camera.pause()  # twice is harmless
        camera.resume()
        camera.resume()
        after = frame_of(camera)
        assert after.t_s > before.t_s
        assert after.seq > before.seq
    assert [condition.kind for condition in told] == ["running", "off", "starting", "running"]


def test_closing_takes_less_than_a_second_even_while_a_stream_hangs() -> None:
    with running(mjpeg()) as stream:
        camera = open_camera(stream.settings)
        frame_of(camera)
        stream.signal(signal.SIGSTOP)
        began = time.monotonic()
        camera.close()
        camera.close()
        assert time.monotonic() - began < 1.0
        assert list(camera) == []
        assert list(camera.frames()) == []
        until(lambda: not any(thread.name == "camera-main" for thread in threading.enumerate()))


class _Driver(Feed):
    """A driver that gives one picture and then ``then``."""

    name = "a bad driver"
    mode = Mode()

    def __init__(self, then: Callable[[], None]) -> None:
        self._then = then
        self._given = False
        self.released = False

    def read(self, retired: threading.Event) -> Picture | None:
        if self._given:
            self._then()
            return None
        self._given = True
        return Picture(np.random.default_rng().integers(0, 255, (48, 64, 3), np.uint8), time.monotonic(), time.time())

    def interrupt(self) -> None:
        pass

    def release(self) -> None:
        self.released = True


def test_pictures_that_cannot_be_decoded_are_told_from_none() -> None:
    # FFmpeg keeps broken pictures to itself; a device's driver hands them on.
    opened: list[_Driver] = []

    def reopen() -> Feed:
        opened.append(_Driver(lambda: time.sleep(0.01)))
        return opened[-1]

    settings = IMPATIENT.model_copy(update={"stall_s": 0.3})
    with live.LiveCamera(reopen(), reopen, settings) as camera:
        frame_of(camera)
        watch_until(camera, "lost")
        assert camera.health.reason == "a bad driver gives pictures that cannot be decoded; check its cable"
        assert camera.garbage > 5
        frame_of(camera)
        assert camera.reopened == 1
    assert opened[0].released


def test_a_driver_that_hangs_costs_a_few_threads_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HANG_S", 0.05)
    over = threading.Event()
    opened: list[_Driver] = []

    def hang() -> None:
        over.wait(20)
        raise CameraError("the driver is back")

    def reopen() -> Feed:
        opened.append(_Driver(hang))
        return opened[-1]

    settings = IMPATIENT.model_copy(update={"stall_s": 0.2})
    with live.LiveCamera(reopen(), reopen, settings) as camera:
        frame_of(camera)
        until(lambda: camera.next_frame(0.05) is None and len(opened) >= live.MAX_HUNG)
        for _ in range(12):
            camera.next_frame(0.1)
        assert len(opened) == live.MAX_HUNG, "no more threads, however long it hangs"
        assert camera.health.kind == "lost"
        over.set()
        until(lambda: camera.next_frame(0.05) is not None)
    until(lambda: all(feed.released for feed in opened))


def test_a_listener_that_fails_does_not_blind_the_camera(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def fail(condition: Condition) -> None:
        if condition.kind == "starting":
            raise RuntimeError("no paper")

    with running(Program(tmp_path)) as stream, open_camera(stream.settings) as camera:
        camera.listen(fail)
        camera.pause()
        camera.resume()
        frame_of(camera)
    assert "no paper" in caplog.text
