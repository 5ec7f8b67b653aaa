"""From what the user calls a source to an open camera."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import cv2

from edge.camera.camera import Camera, CameraError, without_login
from edge.camera.capture import claimed_frames, open_capture
from edge.camera.command import CommandFeed
from edge.camera.feed import CaptureFeed, Feed
from edge.camera.file import FileCamera
from edge.camera.live import LiveCamera
from edge.camera.presets import PRESETS, preset
from edge.camera.settings import COMMAND, CameraSettings

STREAM_SCHEMES = ("http", "https", "rtmp", "rtsp", "rtsps", "srt", "tcp", "udp")

#: The one way to hand FFmpeg's options through OpenCV, which reads it at each opening.
_FFMPEG_OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"


def open_camera(source: str | CameraSettings, settings: CameraSettings | None = None) -> Camera:
    """Open a camera, a file, a stream or a command.

    Args:
        source: a camera's number ("0"), a device ("/dev/video0"), a video file or GIF (a path or a file:// URL),
            a stream's URL, a preset ("rpicam-vid", "nvarguscamerasrc:1", "ffmpeg:INPUT"), or "command" for the
            command of the settings; or settings, which name their own source.
        settings: everything but the source; the defaults where None.

    Returns:
        An iterator of frames, open: use it in a ``with`` statement.

    Raises:
        CameraError: one line on what cannot be opened and what to do.
    """
    if isinstance(source, CameraSettings):
        settings, source = source, source.source
    settings = settings or CameraSettings()
    if source.isdecimal():
        return _live(partial(_open_device, int(source), f"camera {source}", settings), settings)
    program, _, camera = source.partition(":")
    if program in PRESETS or source == COMMAND:
        return _live(partial(_open_command, program, camera, settings), settings)
    if "://" in source:
        return _open_url(source, settings)
    path = Path(source).expanduser()
    if path.is_char_device() or path.parts[:2] == ("/", "dev"):
        return _live(partial(_open_device, str(path), str(path), settings), settings)
    return _open_file(path, settings)


def _live(open_feed: Callable[[], Feed], settings: CameraSettings) -> Camera:
    return LiveCamera(open_feed(), open_feed, settings)


def _open_device(device: int | str, name: str, settings: CameraSettings) -> Feed:
    capture = open_capture(device, cv2.CAP_V4L2)
    if capture is None:
        raise CameraError(f"{name} cannot be opened: {_why_not(device)}")
    fourcc = (settings.pixel_format or "").upper()
    if fourcc:
        # Grey with 8 bits has two names; V4L2 knows the first. Y16's fourth letter is a space.
        fourcc = "GREY" if fourcc in ("Y800", "Y8") else fourcc.ljust(4)
        if len(fourcc) != 4:
            capture.release()
            raise CameraError(
                f"{name}: '{fourcc}' is no device's pixel_format; they have four letters, as MJPG or YUYV"
            )
        # Before the size: which sizes and rates there are depends on it.
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*fourcc))
        if fourcc == "Y16 ":
            # OpenCV would keep the upper 8 bits, which are black where a sensor fills 10 or 12.
            capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
    wishes = {
        cv2.CAP_PROP_FRAME_WIDTH: settings.width,
        cv2.CAP_PROP_FRAME_HEIGHT: settings.height,
        cv2.CAP_PROP_FPS: settings.fps,
    }
    for prop, wish in wishes.items():
        if wish is not None:
            capture.set(prop, wish)
    return CaptureFeed(capture, name, settings.grey_bits)


def _open_command(program: str, camera: str, settings: CameraSettings) -> Feed:
    if program == COMMAND:
        if settings.command is None:
            raise CameraError("source 'command': set camera.command, the program and its arguments")
        words, pixel_format = settings.command, settings.raw_format
        size = None if settings.width is None or settings.height is None else (settings.width, settings.height)
        return CommandFeed(words, Path(words[0]).name, pixel_format, size, settings.stall_s)
    known = preset(program, camera, settings)
    name = f"{program}:{without_login(camera)}" if camera else program
    return CommandFeed(known.words, name, known.pixel_format, known.size, settings.stall_s)


def _why_not(device: int | str) -> str:
    path = Path(f"/dev/video{device}" if isinstance(device, int) else device)
    if not path.exists():
        there = ", ".join(sorted(str(video) for video in Path("/dev").glob("video*")))
        return f"there is {there}; name one of these" if there else "no /dev/video* is there; plug a camera in"
    if not os.access(path, os.R_OK | os.W_OK):
        return f"no permission for {path}; add this user to the group 'video'"
    return f"{path} is busy or is no capture device; close what uses it or name another"


def _open_url(url: str, settings: CameraSettings) -> Camera:
    parts = urlsplit(url)
    if parts.scheme == "file":
        return _open_file(Path(url2pathname(parts.path)), settings)
    # A user name and password in the URL are nobody's business in a log.
    name = url.replace(parts.netloc, parts.netloc.rpartition("@")[2], 1)
    if parts.scheme not in STREAM_SCHEMES:
        raise CameraError(f"{name}: '{parts.scheme}' is no kind of stream known here; use {', '.join(STREAM_SCHEMES)}")
    open_stream = partial(_open_stream, url, name, settings)
    capture = open_stream()
    if claimed_frames(capture) is None:
        reopen = partial(_open_feed, open_stream, name, settings.grey_bits)
        return LiveCamera(CaptureFeed(capture, name, settings.grey_bits), reopen, settings)
    # It knows its length: a file on a server, with time stamps worth keeping.
    capture.release()
    return FileCamera(open_stream, name, settings)


def _open_feed(open_stream: Callable[[], cv2.VideoCapture], name: str, grey_bits: int) -> Feed:
    return CaptureFeed(open_stream(), name, grey_bits)


def _open_stream(url: str, name: str, settings: CameraSettings) -> cv2.VideoCapture:
    timeout_ms = round(settings.stall_s * 1000)
    options = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, timeout_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, timeout_ms)
    # Where the user sets FFmpeg's options himself, they stand.
    if url.startswith("rtsp") and _FFMPEG_OPTIONS not in os.environ:
        os.environ[_FFMPEG_OPTIONS] = f"rtsp_transport;{settings.rtsp_transport}"
        try:
            capture = open_capture(url, cv2.CAP_FFMPEG, options)
        finally:
            del os.environ[_FFMPEG_OPTIONS]
    else:
        capture = open_capture(url, cv2.CAP_FFMPEG, options)
    if capture is None:
        raise CameraError(f"{name} cannot be opened; check the address, the network, and the user and password if any")
    return capture


def _open_file(path: Path, settings: CameraSettings) -> Camera:
    try:
        status = path.stat()
    except FileNotFoundError:
        raise CameraError(f"{path}: no such file; check the path") from None
    except OSError as error:
        raise CameraError(f"{path} cannot be read: {error.strerror}") from None
    if stat.S_ISDIR(status.st_mode):
        raise CameraError(f"{path} is a folder; name a video file in it")
    if status.st_size == 0:
        raise CameraError(f"{path} is empty; record it again")
    if not os.access(path, os.R_OK):
        raise CameraError(f"{path} cannot be read: permission denied; check the file's owner and mode")
    return FileCamera(partial(_open_video, path), str(path), settings)


def _open_video(path: Path) -> cv2.VideoCapture:
    # Absolute, because FFmpeg takes what stands before a colon for a protocol.
    capture = open_capture(str(path.absolute()), cv2.CAP_FFMPEG)
    if capture is None:
        raise CameraError(
            f"{path} is no video that can be read here, or is cut off; give a whole MP4, MKV, AVI, WebM or GIF"
        )
    return capture
