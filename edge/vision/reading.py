"""One face as the mesh saw it in one image, and how far to believe that.

The mesh's own score is no guide: of half a face, or of parts of two, it is as sure as of a whole one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot

import numpy as np

from edge.vision.detector import Detection
from edge.vision.following import Followed
from edge.vision.region import Region
from edge.vision.types import Array, Box

#: Of a face that another covers by the first share, the mesh may read parts of both: it is believed only where it is
#: no further from where it should be than this, in its heights, and its height differs by no more. Covered by the
#: second share it is not believed at all.
PARTLY, MOSTLY = 0.3, 0.5
ASTRAY, GROWN = 0.3, 0.2

#: Eyes that the detector sees so many of its box's widths from where the mesh has them are where the detector says. As
#: mesh points, the right eye and the left one are a point of each upper lid.
MISPLACED, EYES = 0.3, (159, 386)
#: Squares of standard deviations beyond which a reading is not of the face that was looked for: of one that stands
#: alone and that the detector did not see, of one beside others that it saw, and of one that it did not. Of puppets'
#: readings that were right, beside others and not seen, 95 % lay within 2; of those that were wrong, half beyond 4.
PLAIN_OFF, SIGHTED_OFF, CROWDED_OFF = 10.0, 6.0, 3.0
#: A reading may be of another face that was read so lately, is not clearly farther away, and would be so little further
#: off, and no further than this.
LATELY_S, NEARER, AS_WELL, ANYHOW = 0.5, 1.15, 6.0, 12.0


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
    def of(cls, face: Followed, landmarks: Array, score: float, box: Box, where: Box) -> Reading:
        """What the mesh saw, in a ``box``, of a face that should be at ``where``."""
        off_x, off_y = (
            where.x - box.x + (where.width - box.width) / 2,
            where.y - box.y + (where.height - box.height) / 2,
        )
        height = max(where.height, 1e-6)
        return cls(face, landmarks, score, box, hypot(off_x, off_y) / height, abs(box.height / height - 1))

    def mistaken(self, likelier: Sequence[Reading]) -> bool:
        """Whether it is made of parts of one of those that are more likely what they should be."""
        hidden = max((self.box.covered(other.box) for other in likelier), default=0.0)
        if not self.face.known:
            # One that was just found may also be drawn out from another's face to what is about it.
            hidden = max([hidden, *(other.box.covered(self.box) for other in likelier)])
        fits = self.astray <= ASTRAY and self.grown <= GROWN
        return hidden >= (MOSTLY if fits or not self.face.known else PARTLY)

    def likely(self, t_s: float, *, sighted: bool, crowded: bool) -> bool:
        """Whether it may be of the face that was looked for."""
        if self.face.motion is None or (sighted and not crowded):
            return True
        most = PLAIN_OFF if not crowded else SIGHTED_OFF if sighted else CROWDED_OFF
        return self.face.motion.off(self.box, t_s) <= most

    def contested(self, followed: Sequence[Followed], t_s: float) -> bool:
        """Whether it may as well be another face that was not read in this image, but lately."""
        if self.face.motion is None:
            return False
        own = self.face.motion.off(self.box, t_s) + self.face.motion.spread(t_s)
        others = [one.motion for one in followed if one is not self.face and one.motion is not None]
        return any(
            0 < t_s - other.t_s < LATELY_S
            and self.box.height < NEARER * other.box(t_s).height
            and (off := other.off(self.box, t_s)) < ANYHOW
            and off + other.spread(t_s) < own + AS_WELL
            for other in others
        )


def off_centre(box: Box, region: Region) -> float:
    """How far a box's centre is from a region's, in heights of the box."""
    off_x, off_y = box.x + box.width / 2 - region.x, box.y + box.height / 2 - region.y
    return hypot(off_x, off_y) / max(box.height, 1e-6)


def misplaced(landmarks: Array, found: Detection) -> bool:
    """Whether the mesh has a face's eyes elsewhere than the detector."""
    off = np.linalg.norm(found.keypoints[:2] - landmarks[list(EYES), :2], axis=1).max()
    return bool(off > MISPLACED * found.box.width)
