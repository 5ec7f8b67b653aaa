"""README's pictures, from the pipeline's own output: the portrait as read, and a tired drive. ``make picture``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from edge.camera import CameraSettings, Frame
from edge.config import Config
from edge.daemon import open_reader
from edge.demo.puppet import Script, portrait, write_clip
from edge.recording import Recording, limits_of, recorded_settings, replay
from edge.recording.recorder import record
from edge.view.draw import draw, panel
from edge.view.drive import Drive
from edge.view.plot import draw_drive
from edge.vision import VisionSettings

#: Somebody who yawns, looks elsewhere for 4 s, blinks ever longer, nods, and falls asleep for 4 s.
TIRED = Script(
    duration_s=75.0,
    blinks=(
        *(1.5, 4.0, 6.5, 9.0, 17.0, 19.5, 31.0, 34.0),
        *((37.0, 37.4), (41.0, 41.5), (45.0, 45.7), (48.5, 49.4)),
        *(60.5, 63.0, 66.0, 70.0, 73.0),
    ),
    yawns=((11.5, 14.5),),
    turns=((22.0, 26.0, 34.0),),
    nods=((51.0, 51.6, -16.0),),
    closures=((54.0, 58.0),),
)


def draw_portrait(out: Path) -> None:
    """What is read of one picture, drawn on it, as PNG."""
    # Head and shoulders three times as large, so that the mesh's points can be told apart.
    image = np.asarray(
        cv2.resize(portrait()[0:220, 110:350], None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC), np.uint8
    )
    with open_reader(VisionSettings(), seed=0) as reader:
        observation = reader.read(Frame(image, t_s=0.0, wall_time=0.0, seq=0, camera="portrait"))
    picture = np.hstack([draw(image, observation), panel(observation.faces[0], 380, image.shape[0])])
    cv2.imwrite(str(out), picture)


def draw_tired(out: Path) -> None:
    """A puppet's drive on one page, as PNG."""
    with tempfile.TemporaryDirectory(prefix="mien-") as folder:
        clip, numbers = Path(folder) / "tired.mp4", Path(folder) / "tired.jsonl"
        write_clip(clip, TIRED, fps=15)
        record(Config(camera=CameraSettings(source=str(clip), realtime=False)), numbers)
        recording, drive = Recording(numbers), Drive()
        settings = recorded_settings(recording)
        replay(recording, settings, drive=drive)
        draw_drive(drive, out, title="a puppet's tired drive", limits=limits_of(settings))


def main(folder: Path) -> None:
    """Write both pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    draw_portrait(folder / "portrait.png")
    draw_tired(folder / "drive.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
