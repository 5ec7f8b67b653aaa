"""Commands for cameras that only another program can open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge.camera.camera import CameraError
from edge.camera.raw import RawFormat
from edge.camera.settings import CameraSettings

#: What a preset asks for where the settings don't: enough for faces, and cheap.
WIDTH, HEIGHT, FPS = 640, 480, 30.0

ARGUS: Final = "nvarguscamerasrc"
RPICAM: Final = "rpicam-vid"
FFMPEG: Final = "ffmpeg"
PRESETS: Final = (ARGUS, RPICAM, FFMPEG)

#: The Pi's camera programs pad rows to this many pixels, and nothing in the stream says so
#: (raspberrypi/rpicam-apps issue 188: a width of 780 is written as 832).
RPICAM_ROW = 64


@dataclass(frozen=True, slots=True)
class Preset:
    """A command and what it writes; size is None where the stream tells it."""

    words: tuple[str, ...]
    pixel_format: RawFormat
    size: tuple[int, int] | None


def preset(name: str, camera: str, settings: CameraSettings) -> Preset:
    """The command of a preset. camera: which one, ``ffmpeg``'s input. Raises CameraError."""
    if name == FFMPEG:
        return _ffmpeg(camera, settings)
    if camera and not camera.isdecimal():
        raise CameraError(f"{name}:{camera}: name the camera by its number, as in {name}:0")
    size = settings.width or WIDTH, settings.height or HEIGHT
    fps = settings.fps or FPS
    return _argus(camera or "0", size, fps) if name == ARGUS else _rpicam(camera or "0", size, fps)


def _argus(camera: str, size: tuple[int, int], fps: float) -> Preset:
    # Argus itself talks on stdout, hence a descriptor of our own. Its caps want a fraction for the rate.
    width, height = size
    asked = f"video/x-raw(memory:NVMM),width={width},height={height},framerate={round(fps * 1000)}/1000"
    words = (
        *("gst-launch-1.0", "-q", "nvarguscamerasrc", f"sensor-id={camera}", "!", asked),
        *("!", "nvvidconv", "!", "video/x-raw,format=NV12", "!", "fdsink", "fd={fd}", "sync=false"),
    )
    return Preset(words, "nv12", size)


def _rpicam(camera: str, size: tuple[int, int], fps: float) -> Preset:
    width, height = size
    if width % RPICAM_ROW:
        below = width // RPICAM_ROW * RPICAM_ROW
        nearest = f"{below} or {below + RPICAM_ROW}" if below else f"{RPICAM_ROW}"
        raise CameraError(f"camera.width {width}: {RPICAM} pads its rows to {RPICAM_ROW} pixels; take {nearest}")
    words = (
        *("rpicam-vid", "--camera", camera, "--timeout", "0", "--nopreview", "--codec", "yuv420"),
        *("--width", str(width), "--height", str(height), "--framerate", f"{fps:g}", "--output", "-"),
    )
    return Preset(words, "yuv420p", size)


def _ffmpeg(source: str, settings: CameraSettings) -> Preset:
    if not source:
        raise CameraError("ffmpeg: say what it shall read, as in ffmpeg:/dev/video0 or ffmpeg:rtsp://camera/stream")
    words = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-fflags", "nobuffer"]
    if source.startswith("/dev/"):
        words += ["-f", "v4l2"]
        if settings.width and settings.height:
            words += ["-video_size", f"{settings.width}x{settings.height}"]
        if settings.fps:
            words += ["-framerate", f"{settings.fps:g}"]
    elif source.startswith(("rtsp://", "rtsps://")):
        words += ["-rtsp_transport", settings.rtsp_transport]
    words += ["-i", source, "-an"]
    if settings.width and settings.height:
        words += ["-vf", f"scale={settings.width}:{settings.height}"]
    if settings.fps:
        words += ["-r", f"{settings.fps:g}"]
    # A stream that tells its size: what the camera gives need not be known beforehand.
    return Preset((*words, "-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe", "-"), "y4m", None)
