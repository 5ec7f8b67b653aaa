"""One face as the mesh saw it in one image, and how far to believe that.

The mesh's own score is no guide: of half a face, or of parts of two, it is as sure as of a whole one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot

from edge.vision.following import Followed
from edge.vision.geometry import landmarks_box
from edge.vision.region import Region
from edge.vision.types import Array, Box

#: Of a face that another covers by the first share, the mesh may read parts of both: it is believed only where it is
#: no further from where it should be than this, in its heights, and its height differs by no more. Covered by the
#: second share it is not believed at all.
PARTLY, MOSTLY = 0.3, 0.5
ASTRAY, GROWN = 0.3, 0.2


@dataclass(frozen=True, slots=True)
class Reading:
    """A face that the mesh saw in one image.

    astray: how far from where it should be, in its heights. grown: by which share it is higher or lower than it was.
    """

    face: Followed
    landmarks: Array
    score: float
    box: Box
    astray: float
    grown: float

    @classmethod
    def of(cls, face: Followed, landmarks: Array, score: float, where: Box) -> Reading:
        """What the mesh saw of a face that should be at ``where``."""
        box = landmarks_box(landmarks)
        off_x, off_y = (
            where.x - box.x + (where.width - box.width) / 2,
            where.y - box.y + (where.height - box.height) / 2,
        )
        height = max(where.height, 1e-6)
        return cls(face, landmarks, score, box, hypot(off_x, off_y) / height, abs(box.height / height - 1))

    def mistaken(self, likelier: Sequence[Reading]) -> bool:
        """Whether it is made of parts of one of those that are more likely what they should be."""
        hidden = max((self.box.covered(other.box) for other in likelier), default=0.0)
        fits = self.astray <= ASTRAY and self.grown <= GROWN
        return hidden >= (MOSTLY if fits or not self.face.known else PARTLY)


def off_centre(box: Box, region: Region) -> float:
    """How far a box's centre is from a region's, in heights of the box."""
    off_x, off_y = box.x + box.width / 2 - region.x, box.y + box.height / 2 - region.y
    return hypot(off_x, off_y) / max(box.height, 1e-6)
