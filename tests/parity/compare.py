"""Our face models against what was recorded from the mediapipe package; prints a table, exits 1 beyond the bounds.

python -m tests.parity.compare [EXPECTED.json]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from edge.models import require_face_models
from edge.vision.geometry import landmarks_box
from edge.vision.litert import LiteRtFinder
from edge.vision.settings import VisionSettings
from edge.vision.types import Array, Box
from tests.parity.pictures import PHOTOS, Image, photos, portraits

EXPECTED = Path(__file__).with_name("expected.json")
#: Least overlap (IoU) of the detector's box with mediapipe's.
MIN_IOU = 0.9
#: Most mean distance of the mesh's points from mediapipe's, in % of the face's width.
MAX_DISTANCE = 2.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """One picture: how many faces either side found, and for each of mediapipe's how near ours comes.

    ious: of the detector's boxes; 0 where we have none. distances: of the meshes' points, their mean in % of the
    face's width; infinite where we have none.
    """

    name: str
    theirs: int
    ours: int
    ious: list[float]
    distances: list[float]

    @property
    def within_bounds(self) -> bool:
        """Whether both found the same faces, and ours lie where mediapipe's do."""
        return (
            self.ours == self.theirs == len(self.distances)
            and all(iou >= MIN_IOU for iou in self.ious)
            and all(distance <= MAX_DISTANCE for distance in self.distances)
        )


def load(expected: Path = EXPECTED) -> dict[str, Any]:
    """By picture, what ``record.py`` recorded."""
    recorded: dict[str, Any] = json.loads(expected.read_text(encoding="utf-8"))["pictures"]
    return recorded


def comparisons(
    expected: dict[str, Any], pictures: Iterable[tuple[str, Image]], face_models: Path
) -> Iterator[Comparison]:
    """Reads every picture anew, without tracking, and compares it with what is ``expected`` of it."""
    for name, image in pictures:
        # A new finder for each: it would look first where the last picture's faces were.
        finder = LiteRtFinder(face_models, VisionSettings(max_faces=20, eyes=False))
        boxes = [found.box for found in finder.detector.detect(image)]
        meshes = [found.landmarks for found in finder.find(image, t_s=0.0)]
        yield _compare(name, expected[name], boxes, meshes)


def _compare(name: str, theirs: dict[str, Any], boxes: list[Box], meshes: list[Array]) -> Comparison:
    ious = [max((box.iou(Box(*wanted)) for box in boxes), default=0.0) for wanted in theirs["boxes"]]
    distances = []
    for flat in theirs["meshes"]:
        wanted = np.array(flat, dtype=np.float32).reshape(-1, 2)
        gaps = [np.linalg.norm(mesh[:, :2] - wanted, axis=1).mean() for mesh in meshes]
        distances.append(float(100 * min(gaps, default=np.inf) / landmarks_box(wanted).width))
    return Comparison(name, len(ious), len(meshes), ious, distances)


def main(expected: Path = EXPECTED) -> int:
    """Prints the table; returns 1 where a picture is beyond the bounds."""
    rows = list(comparisons(load(expected), chain(portraits(), photos()), require_face_models()))
    print(f"{'':<28}{'faces found by':^18}{'detector box':>14}{'mesh, mean distance':>26}")
    print(f"{'picture':<28}{'mediapipe':>11}{'mien':>7}{'least IoU':>14}{'% of width':>14}{'worst face':>12}")
    for row in rows:
        iou = f"{min(row.ious):.3f}" if row.ious else "–"
        mean, worst = (f"{of(row.distances):.2f}" if row.distances else "–" for of in (np.mean, np.max))
        beyond = "" if row.within_bounds else "  beyond the bounds"
        print(f"{row.name:<28}{row.theirs:>11}{row.ours:>7}{iou:>14}{mean:>14}{worst:>12}{beyond}")
    print(f"Bounds: the same faces, IoU at least {MIN_IOU}, mesh within {MAX_DISTANCE} % of the face's width.")
    if not PHOTOS.is_dir():
        print(f"The portrait only: no {PHOTOS}.")
    return 0 if all(row.within_bounds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:2])))
