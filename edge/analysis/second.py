"""The second pass over a clip: once all of it is known, its frames are drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import cv2

from edge.analysis.clip import open_clip
from edge.aside import put_in_place
from edge.camera.file import FALLBACK_FPS
from edge.config import Config
from edge.daemon import Step
from edge.state import People
from edge.view.annotate import Annotator
from edge.view.drive import Drive
from edge.view.plot import Limits
from edge.view.sketch import Shot, take
from edge.view.text import Image
from edge.view.video import VideoWriter

#: Of the pictures in a report, at most.
PICTURE_PX = 360


class Shots:
    """Gathers what is to be drawn in the second pass."""

    def __init__(self) -> None:
        self.kept: list[Shot] = []
        self.size = (0, 0)

    def __call__(self, step: Step, people: People) -> None:
        """A frame, and what the rules made of it."""
        if step.observation is not None:
            self.size = step.observation.size
            self.kept.append(take(step.observation, people.driver(), people.expressions()))


def draw_clip(
    clip: Path,
    config: Config,
    shots: Shots,
    drive: Drive,
    limits: Limits,
    *,
    out: Path | None,
    moments_s: Sequence[float] = (),
    on_frame: Callable[[], None] = lambda: None,
) -> dict[float, bytes]:
    """Reads a clip again and writes it, annotated, to ``out``; returns JPEGs of the frames at the given moments.

    out: an .mp4, put in place whole; None writes none. moments_s: in capture time. Raises MienError where the clip
    can't be read any more or the file can't be written.
    """
    pictures: dict[float, bytes] = {}
    if not shots.kept:
        return pictures
    wanted = {_nearest(shots.kept, moment_s): moment_s for moment_s in moments_s}
    annotator = Annotator(shots.size, shots.kept, drive, limits)
    began_s = shots.kept[0].t_s
    with ExitStack() as stack:
        camera = stack.enter_context(open_clip(clip, config))
        writer = None
        if out is not None:
            aside = stack.enter_context(put_in_place(out, "--annotate"))
            writer = stack.enter_context(VideoWriter(aside, annotator.size, camera.fps or FALLBACK_FPS))
        for place, (frame, shot) in enumerate(zip(camera, shots.kept, strict=False)):
            if writer is not None:
                writer.write(annotator.draw(frame.image, shot), shot.t_s - began_s)
            if place in wanted:
                pictures[wanted[place]] = _jpeg(annotator.draw_faces(frame.image, shot, labels=False))
            on_frame()
    return pictures


def draw_photo(photo: Path, config: Config, shots: Shots, drive: Drive, limits: Limits, out: Path) -> None:
    """Writes a photo with its faces drawn on to ``out``, in the format of its suffix; raises as ``draw_clip`` does."""
    with open_clip(photo, config) as camera, put_in_place(out, "--annotate") as aside:
        annotator = Annotator(shots.size, shots.kept, drive, limits)
        picture = annotator.draw_faces(next(camera).image, shots.kept[0])
        aside.write_bytes(bytes(cv2.imencode(out.suffix, picture)[1]))


def _nearest(shots: Sequence[Shot], t_s: float) -> int:
    return min(range(len(shots)), key=lambda place: abs(shots[place].t_s - t_s))


def _jpeg(picture: Image) -> bytes:
    shrink = min(1.0, PICTURE_PX / max(picture.shape[:2]))
    small = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 85])[1])
