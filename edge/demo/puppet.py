"""Clips with exactly known truth: a portrait that blinks, sleeps, yawns, turns, nods and leaves as scripted."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2

from edge.camera.capture import quieten
from edge.demo.puppet_face import Puppet, portrait
from edge.demo.puppet_patch import Image
from edge.demo.puppet_script import (
    BLINK_S,
    CLOSED_BELOW,
    DEMO,
    STRANGER,
    Glasses,
    Person,
    Pose,
    Script,
    Trouble,
    Truth,
)
from edge.errors import MienError

__all__ = [
    "BLINK_S",
    "CLOSED_BELOW",
    "DEMO",
    "STRANGER",
    "Glasses",
    "Image",
    "Person",
    "Pose",
    "Puppet",
    "Script",
    "Trouble",
    "Truth",
    "frame_times",
    "frames",
    "frames_at",
    "portrait",
    "write_clip",
]


def frame_times(
    duration_s: float, fps: float, *, jitter_s: float = 0.0, dropped: float = 0.0, seed: int = 0
) -> list[float]:
    """When a camera takes its frames, in seconds from the first on, at 0 s.

    jitter_s: how far a frame comes early or late at most, less than half a frame. dropped: the share of the frames
    that are lost, each with the same chance. The same ``seed`` gives the same times.
    """
    rng = random.Random(seed)  # noqa: S311 - a clip, no secret
    times = [0.0]
    for number in range(1, round(duration_s * fps)):
        late_s, lost = rng.uniform(-jitter_s, jitter_s), rng.random() < dropped
        if not lost:
            times.append(number / fps + late_s)
    return times


def frames(script: Script, fps: float = 30.0, size: tuple[int, int] = (512, 512)) -> Iterator[tuple[float, Image]]:
    """The script's pictures in order, evenly spaced: (seconds from the start, BGR uint8 [H, W, 3]).

    Raises:
        MienError: when scikit-image, which brings the portrait, is not installed.
    """
    return frames_at(script, frame_times(script.duration_s, fps), size)


def frames_at(
    script: Script, times: Iterable[float], size: tuple[int, int] = (512, 512)
) -> Iterator[tuple[float, Image]]:
    """The script's pictures at these ``times``, in seconds from the start; otherwise as ``frames``."""
    puppet = Puppet(size)
    for t_s in times:
        yield t_s, puppet.render(script.pose(t_s))


def write_clip(path: str | Path, script: Script, fps: float = 30.0, size: tuple[int, int] = (512, 512)) -> Truth:
    """Write the script as an MP4 video (MPEG-4 Part 2, which OpenCV's wheels can write) and return its truth.

    Raises:
        MienError: when ``path`` cannot be written, or scikit-image is not installed.
    """
    quieten()
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, size)
    try:
        if not writer.isOpened():
            raise MienError(f"{path} cannot be written; name an .mp4 file in a folder that exists and is yours")
        for _, image in frames(script, fps, size):
            writer.write(image)
    finally:
        writer.release()
    return script.truth()
