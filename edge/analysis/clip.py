"""One clip: the daemon's loop over a whole file, as fast as the machine can, the same every time."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from edge.analysis.photo import PhotoCamera, is_photo, last_look, without_time
from edge.aside import put_in_place
from edge.camera import Camera, CameraError, open_camera
from edge.config import Config
from edge.daemon import Step, follow, open_reader
from edge.events import DeviceIdentity, Event
from edge.state import People
from edge.vision.types import Observation


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a clip or a recording came to.

    duration_s: from its first frame to its last. face_share: share of the frames with at least one face.
    began_at_s: Unix time of the first frame, 0 for a clip. flips_per_minute: changes of the expression label before
    and after smoothing, None where no expression was known.
    """

    frames: int
    duration_s: float
    face_share: float
    began_at_s: float
    events: tuple[Event, ...]
    flips_per_minute: tuple[float, float] | None
    model: str | None = None
    model_sha256: str | None = None


def analyze(
    clip: Path,
    config: Config,
    *,
    on_frame: Callable[[int | None], None] = lambda _total: None,
    witness: Callable[[Step, People], None] = lambda _step, _people: None,
) -> Analysis:
    """Read every frame of a clip.

    Event times count from the clip's start (1970-01-01T00:00:00Z), and ids come from its content: the same
    clip gives the same events, byte for byte. on_frame is called after each frame with the frames expected in
    all, if known; witness with each step and the people as they are after it. A photo is one frame without events:
    what was read at the last of several looks. Raises MienError for what the user can mend.
    """
    photo = is_photo(clip)
    if photo:
        config = without_time(config)
    with (
        open_clip(clip, config) as camera,
        open_reader(config.vision, seed=0) as reader,
    ):
        device = DeviceIdentity.for_file(config.device, content_sha256(clip), reader.expression_sha256)
        people = People(config.state, rng=random.Random(0))  # noqa: S311 - ids that are to repeat, not secrets

        def see(step: Step) -> None:
            witness(step, people)
            if step.observation is not None:
                on_frame(camera.frames_total)

        steps = follow(camera, reader, people, device, is_synced=lambda: False, at_hand=camera.at_hand)
        analysis = sum_up(last_look(steps) if photo else steps, people, on_step=see)
        return replace(analysis, model=reader.expression_name, model_sha256=reader.expression_sha256)


def open_clip(clip: Path, config: Config) -> Camera:
    """Every frame of a clip, once, as fast as it is taken; the same frames each time."""
    if is_photo(clip):
        return PhotoCamera(clip, config.camera)
    return open_camera(str(clip), config.camera.model_copy(update={"realtime": False, "loop": False}))


def sum_up(steps: Iterable[Step], people: People, *, on_step: Callable[[Step], None]) -> Analysis:
    """Take the steps that ``people`` judged, to their end, and sum them up; on_step is called with each."""
    events: list[Event] = []
    frames = with_face = 0
    first: Observation | None = None
    last_s = 0.0
    for step in steps:
        events += step.events
        if step.observation is not None:
            first = first or step.observation
            last_s = step.observation.t_s
            frames += 1
            with_face += bool(step.observation.faces)
        on_step(step)
    flips = people.flips
    per_minute = None
    if flips.raw_per_minute is not None and flips.shown_per_minute is not None:
        per_minute = (flips.raw_per_minute, flips.shown_per_minute)
    return Analysis(
        frames=frames,
        duration_s=last_s - first.t_s if first else 0.0,
        face_share=with_face / frames if frames else 0.0,
        began_at_s=first.wall_time if first else 0.0,
        events=tuple(events),
        flips_per_minute=per_minute,
    )


def write_events(events: Iterable[Event], path: Path) -> None:
    """Events as JSON lines, put in place whole. Raises MienError where the folder can't be written."""
    with put_in_place(path, "--out") as aside, aside.open("wb") as file:
        file.writelines(event.to_json() + b"\n" for event in events)


def content_sha256(path: Path) -> str:
    """The hash of a file's content; raises CameraError where it can't be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CameraError(f"{path}: {error.strerror or error}; name a file that can be read") from None
