"""Faces that are followed from image to image: where to look for each, and whose turn it is to be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge.vision.geometry import landmarks_box
from edge.vision.mesh import region_of_landmarks
from edge.vision.motion import Motion
from edge.vision.region import Region
from edge.vision.tracks import REMEMBER_S
from edge.vision.types import Array, Box

#: A region goes along with a face that should have moved by more than this, in its heights. One that followed the
#: noise of a face at rest would make its eyes' readings noisy, too.
ALONG = 0.15
#: Beyond this standard deviation of where it is, in its heights, a face is looked for where it was: a region gone
#: astray may hold enough of a face for the mesh to believe in it.
SURE = 0.4


@dataclass(slots=True)
class Followed:
    """One face.

    number: unlike any other's of this finder. region: where it was found, or read last. tried_s: when it was last
    looked for. motion: None until it was read. covered: it was lost behind another face.
    """

    number: int
    region: Region
    tried_s: float = -np.inf
    motion: Motion | None = None
    covered: bool = False
    doubted_s: float | None = None

    @property
    def known(self) -> bool:
        """Whether it was ever read."""
        return self.motion is not None

    def may_come_out(self, size: tuple[int, int], t_s: float) -> bool:
        """Whether it, covered, may still be seen again in pictures of ``size`` (width, height)."""
        box = self.box(t_s)
        x, y = box.x + box.width / 2, box.y + box.height / 2
        lately = self.motion is not None and t_s - self.motion.t_s <= REMEMBER_S
        return lately and 0 <= x < size[0] and 0 <= y < size[1]

    def look_at(self, t_s: float) -> Region:
        """Where to look for it at ``t_s``."""
        if self.motion is None:
            return self.region
        off_x, off_y, height = self.motion.moved(t_s)
        if abs(off_x) + abs(off_y) <= ALONG * height or self.motion.at(t_s).variance > SURE**2:
            return self.region
        return replace(self.region, x=self.region.x + off_x, y=self.region.y + off_y)

    def box(self, t_s: float) -> Box:
        """Where it should be at ``t_s``."""
        if self.motion is not None:
            return self.motion.box(t_s)
        side = self.region.side
        return Box(self.region.x - side / 2, self.region.y - side / 2, side, side)

    def take(self, landmarks: Array, t_s: float) -> None:
        """It was read."""
        box = landmarks_box(landmarks)
        if self.motion is None:
            self.motion = Motion(box, t_s)
        else:
            self.motion.take(box, t_s)
        self.region, self.covered = region_of_landmarks(landmarks, box), False


def whose_turn(heights: Sequence[float], tried_s: Sequence[float], most: int | None) -> list[int]:
    """Which faces to read in one image, at most so many: half of them the nearest, the others those not tried longest.

    heights, tried_s: of each face, how high it is and when it was last looked for. So of n faces each is read at least
    once in (n - most // 2) / (most - most // 2) images, rounded up.
    """
    if most is None or len(heights) <= most:
        return list(range(len(heights)))
    nearest_first = sorted(range(len(heights)), key=lambda at: -heights[at])
    near, others = nearest_first[: most // 2], nearest_first[most // 2 :]
    return near + sorted(others, key=lambda at: tried_s[at])[: most - most // 2]
