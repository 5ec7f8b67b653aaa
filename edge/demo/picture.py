"""README's picture: what the pipeline reads from the portrait, drawn on it. ``make picture``."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from edge.camera import Frame
from edge.daemon import open_reader
from edge.demo.puppet import portrait
from edge.view.draw import draw, panel
from edge.vision import VisionSettings


def main(out: Path) -> None:
    """Write the picture as PNG."""
    # Head and shoulders three times as large, so that the mesh's points can be told apart.
    image = np.asarray(
        cv2.resize(portrait()[0:220, 110:350], None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC), np.uint8
    )
    with open_reader(VisionSettings(), seed=0) as reader:
        observation = reader.read(Frame(image, t_s=0.0, wall_time=0.0, seq=0, camera="portrait"))
    picture = np.hstack([draw(image, observation), panel(observation.faces[0], 380, image.shape[0])])
    out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(out), picture)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
