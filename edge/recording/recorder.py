"""``mien record``: the daemon's loop over any source, with a file in the broker's place."""

from __future__ import annotations

import random
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from edge.analysis import content_sha256
from edge.camera import CameraError, open_camera
from edge.config import Config
from edge.daemon import TICK_S, Step, follow, open_reader
from edge.events import DeviceIdentity, system_clock_synced
from edge.recording.file import RecordingError, RecordingWriter
from edge.recording.lines import Header, Moment
from edge.state import People
from edge.version import version


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a recording came to. seconds: of capture time, from the first frame to the last."""

    frames: int
    seconds: float
    dropped: int


def record(
    config: Config,
    out: Path,
    *,
    seconds: float | None = None,
    stop: threading.Event | None = None,
    on_step: Callable[[Step, int | None], None] = lambda _step, _total: None,
) -> Recorded:
    """Records the configured source until it ends, ``seconds`` of capture time have passed, or ``stop`` is set.

    A file is read frame by frame as ``analyze`` reads it, and the recording holds the ids that ``analyze`` gives; a
    live source is recorded as it comes, with ids of its own. on_step is called with each step and the frames
    expected in all, if known. Raises MienError for what the user can mend.
    """
    if out.is_file():
        raise RecordingError(f"{out}: exists already, and a drive can't be driven again; name another --out")
    stop = stop or threading.Event()
    clip = local_file(config.camera.source)
    settings = config.camera if clip is None else config.camera.model_copy(update={"realtime": False, "loop": False})
    with open_camera(settings) as camera, open_reader(config.vision, seed=None if clip is None else 0) as reader:
        sha256 = None if clip is None else content_sha256(clip)
        if sha256 is None:
            device = DeviceIdentity(config.device, model_sha256=reader.expression_sha256)
        else:
            device = DeviceIdentity.for_file(config.device, sha256, reader.expression_sha256)
        header = Header(
            version=version(),
            source=clip.name if clip is not None else address(config.camera.source),
            source_sha256=sha256,
            device=device.device,
            boot_id=device.boot_id,
            model_sha256=device.model_sha256,
            seed=secrets.randbits(63) if clip is None else 0,
            state=config.state.model_dump(mode="json"),
        )
        people = People(config.state, rng=random.Random(header.seed))  # noqa: S311 - ids that a replay is to repeat
        synced = system_clock_synced if clip is None else lambda: False
        first_s = last_s = None
        with RecordingWriter(out, header) as writer:
            try:
                # With ticks, so that it can be stopped while a stream is silent.
                for step in follow(
                    camera.frames(TICK_S), reader, people, device, is_synced=synced, stop=stop, at_hand=camera.at_hand
                ):
                    if step.observation is not None:
                        writer.write(Moment.of(step.observation, step.clock, step.vehicle))
                        last_s = step.observation.t_s
                        first_s = last_s if first_s is None else first_s
                        if seconds is not None and last_s - first_s >= seconds:
                            stop.set()
                    on_step(step, camera.frames_total)
            except CameraError:
                writer.end("camera_lost")
                raise
            writer.end("stopped" if stop.is_set() else "source_ended")
        took_s = 0.0 if first_s is None or last_s is None else last_s - first_s
        return Recorded(writer.frames, took_s, camera.dropped)


def local_file(source: str) -> Path | None:
    """The path of a source that is a file on this machine, None for a camera or a stream."""
    if source.isdecimal():
        return None
    parts = urlsplit(source)
    path = Path(url2pathname(parts.path)) if parts.scheme == "file" else Path(source).expanduser()
    return path if path.is_file() else None


def address(source: str) -> str:
    """A source's name without what a stream's URL may hold of secrets: user, password and query."""
    if source.startswith("ffmpeg:"):
        return f"ffmpeg:{address(source.removeprefix('ffmpeg:'))}"
    if "://" not in source:
        return source
    parts = urlsplit(source)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
