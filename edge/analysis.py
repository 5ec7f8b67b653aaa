"""``mien analyze``: the daemon's loop over a whole file, as fast as the machine can, the same every time."""

from __future__ import annotations

import hashlib
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge.camera import CameraError, open_camera
from edge.config import Config
from edge.daemon import follow, open_reader
from edge.errors import MienError
from edge.events import DeviceIdentity, Event
from edge.state import People


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a clip came to.

    face_share: share of the frames with at least one face. flips_per_minute: changes of the expression label
    before and after smoothing, None where no expression was known.
    """

    frames: int
    duration_s: float
    face_share: float
    events: tuple[Event, ...]
    flips_per_minute: tuple[float, float] | None


def analyze(clip: Path, config: Config, *, on_frame: Callable[[int | None], None] = lambda _total: None) -> Analysis:
    """Read every frame of a clip.

    Event times count from the clip's start (1970-01-01T00:00:00Z), and ids come from its content: the same
    clip gives the same events, byte for byte. on_frame is called after each frame with the frames expected in
    all, if known. Raises MienError for what the user can mend.
    """
    with (
        open_camera(str(clip), config.camera.model_copy(update={"realtime": False, "loop": False})) as camera,
        open_reader(config.vision, seed=0) as reader,
    ):
        device = DeviceIdentity.for_file(config.device, _sha256(clip), reader.expression_sha256)
        people = People(config.state, rng=random.Random(0))  # noqa: S311 - ids that are to repeat, not secrets
        events: list[Event] = []
        frames = with_face = 0
        duration_s = 0.0
        for step in follow(camera, reader, people, device, is_synced=lambda: False):
            events += step.events
            if step.observation is not None:
                frames += 1
                with_face += bool(step.observation.faces)
                duration_s = step.observation.t_s
                on_frame(camera.frames_total)
    flips = people.flips
    per_minute = None
    if flips.raw_per_minute is not None and flips.shown_per_minute is not None:
        per_minute = (flips.raw_per_minute, flips.shown_per_minute)
    return Analysis(frames, duration_s, with_face / frames if frames else 0.0, tuple(events), per_minute)


def write_events(events: tuple[Event, ...], path: Path) -> None:
    """Events as JSON lines, put in place whole. Raises MienError where the folder can't be written."""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
            aside = Path(file.name)
            file.writelines(event.to_json() + b"\n" for event in events)
        aside.chmod(0o644)
        aside.replace(path)
    except OSError as error:
        raise MienError(f"{path}: cannot be written: {error.strerror or error}; name another --out") from None


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CameraError(f"{path}: {error.strerror or error}; mien analyze takes a file") from None
