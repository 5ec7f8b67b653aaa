"""Who is who from frame to frame: faces' boxes matched by overlap, under random names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from edge.vision.types import Box

#: Overlap (IoU) from which a box is the same face as one of a moment ago. Between frames at 10 fps even a quick
#: turn of the head keeps more; two people side by side overlap less.
SAME_FACE = 0.2
#: Overlap (IoU) from which two boxes in one frame are one face found twice, as when two regions slide together.
SAME_BOX = 0.5
#: How long a face may be out of sight, behind a hand or a missed frame, and keep its name.
REMEMBER_S = 1.0


@dataclass(slots=True)
class _Track:
    name: str
    box: Box
    seen_s: float


class Tracks:
    """Gives each face a name that stays while the face stays.

    Names come from ``random``, so that they say nothing and a seeded generator gives them again.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._tracks: list[_Track] = []

    def name(self, boxes: Sequence[Box], t_s: float) -> list[str]:
        """The track ids of ``boxes``, in their order, all from one frame taken at ``t_s``."""
        # A time that runs backwards is another recording: nothing of the old one holds.
        self._tracks = [track for track in self._tracks if 0 <= t_s - track.seen_s <= REMEMBER_S]
        pairs = sorted(
            (
                (track.box.iou(box), at, track)
                for at, box in enumerate(boxes)
                for track in self._tracks
                if track.box.iou(box) >= SAME_FACE
            ),
            key=lambda pair: -pair[0],
        )
        found: dict[int, _Track] = {}
        taken: set[str] = set()
        for _, at, track in pairs:
            if at not in found and track.name not in taken:
                found[at] = track
                taken.add(track.name)
        for at, box in enumerate(boxes):
            if at not in found:
                found[at] = _Track(f"{self._random.getrandbits(32):08x}", box, t_s)
                self._tracks.append(found[at])
            found[at].box, found[at].seen_s = box, t_s
        return [found[at].name for at in range(len(boxes))]


def distinct(boxes: Sequence[Box]) -> list[int]:
    """Which of ``boxes`` to keep so that no face counts twice; of two that lie on each other the first stays."""
    kept: list[int] = []
    for at, box in enumerate(boxes):
        if all(box.iou(boxes[other]) < SAME_BOX for other in kept):
            kept.append(at)
    return kept
