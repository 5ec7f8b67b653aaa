"""From what the user calls a source to an open camera."""

from __future__ import annotations

import os
import stat
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import cv2

from edge.camera.camera import Camera, CameraError
from edge.camera.capture import claimed_frames, open_capture
from edge.camera.file import FileCamera
from edge.camera.live import LiveCamera
from edge.camera.settings import CameraSettings

STREAM_SCHEMES = ("http", "https", "rtmp", "rtsp", "rtsps", "srt", "tcp", "udp")


def open_camera(source: str | CameraSettings, settings: CameraSettings | None = None) -> Camera:
    """Open a camera, a file or a stream.

    Args:
        source: a camera's number ("0"), a device ("/dev/video0"), a video file or GIF (a path or a file:// URL),
            a stream's URL; or settings, which name their own source.
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
        return _open_device(int(source), f"camera {source}", settings)
    if "://" in source:
        return _open_url(source, settings)
    path = Path(source).expanduser()
    if path.is_char_device() or path.parts[:2] == ("/", "dev"):
        return _open_device(str(path), str(path), settings)
    return _open_file(path, settings)


def _open_device(device: int | str, name: str, settings: CameraSettings) -> Camera:
    capture = open_capture(device, cv2.CAP_V4L2)
    if capture is None:
        raise CameraError(f"{name} cannot be opened: {_why_not(device)}")
    wishes = {
        cv2.CAP_PROP_FRAME_WIDTH: settings.width,
        cv2.CAP_PROP_FRAME_HEIGHT: settings.height,
        cv2.CAP_PROP_FPS: settings.fps,
    }
    for prop, wish in wishes.items():
        if wish is not None:
            capture.set(prop, wish)
    return LiveCamera(capture, name, settings)


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
    capture = _open_stream(url, name, settings.stall_s)
    if claimed_frames(capture) is None:
        return LiveCamera(capture, name, settings)
    # It knows its length: a file on a server, with time stamps worth keeping.
    capture.release()
    return FileCamera(partial(_open_stream, url, name, settings.stall_s), name, settings)


def _open_stream(url: str, name: str, timeout_s: float) -> cv2.VideoCapture:
    timeout_ms = round(timeout_s * 1000)
    options = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, timeout_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, timeout_ms)
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
