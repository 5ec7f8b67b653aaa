"""Clips with exactly known truth: a portrait that blinks, sleeps, yawns, turns and leaves as scripted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2

from edge.camera.capture import quieten
from edge.demo.puppet_face import Image, Puppet, portrait
from edge.demo.puppet_script import BLINK_S, CLOSED_BELOW, DEMO, Pose, Script, Truth
from edge.errors import MienError

__all__ = ["BLINK_S", "CLOSED_BELOW", "DEMO", "Pose", "Puppet", "Script", "Truth", "frames", "portrait", "write_clip"]


def frames(script: Script, fps: float = 30.0, size: tuple[int, int] = (512, 512)) -> Iterator[tuple[float, Image]]:
    """The script's pictures in order: (seconds from the start, BGR uint8 [H, W, 3]).

    Raises:
        MienError: when scikit-image, which brings the portrait, is not installed.
    """
    puppet = Puppet(size)
    for number in range(round(script.duration_s * fps)):
        t_s = number / fps
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
