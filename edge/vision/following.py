"""Faces that are followed from image to image: where to look for each, and whose turn it is to be read."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from math import hypot

import numpy as np

from edge.vision.detector import Detection
from edge.vision.framing import Framing
from edge.vision.mesh import mesh_box, region_of_detection, region_of_landmarks
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
#: A face is new for so long after it was first read: until then the detector must see it, too, where it looks.
YOUNG_S = 0.5
#: A face out of sight for no longer than the first may still keep newcomers from its place. One that is hidden must be
#: seen for the second on end, in two images at least: what the detector sees in its place may be somebody who walks by.
BRIEF_S, OUT_S = 0.15, 0.09
#: Where a reading may as well be another's, so long is waited for the other to show.
CONTEST_S = 0.12
#: Who was in view briefly is waited for briefly: for so many times as long, and ``BRIEF_S`` longer.
PATIENCE = 3.0
#: Two faces whose middles are nearer to each other than so many heights may be taken for each other by the mesh.
CROWDED = 1.3


@dataclass(slots=True)
class Again:
    """Somebody whom the detector sees in a hidden face's place.

    since_s: for the first time. seen: where, the last time. motion: of the face, if it is that one.
    """

    since_s: float
    seen: Motion
    motion: Motion


@dataclass(slots=True)
class Followed:
    """One face.

    number: unlike any other's of this finder. region: where it was found, or read last. tried_s: when it was last
    looked for. motion: None until it was read. hidden: it was lost behind another face, or beside one. doubted_s: since
    when the detector does not see it where it looks. again: what the detector sees in its place, hidden as it is.
    contested_s: since when its readings may as well be another's. readings: how often it was read, the first time at
    ``born_s``. beside: the numbers of others who were in view at the same time before it was followed: whoever it is,
    it is none of these.
    """

    number: int
    region: Region
    tried_s: float = -np.inf
    motion: Motion | None = None
    hidden: bool = False
    readings: int = 0
    born_s: float | None = None
    doubted_s: float | None = None
    again: Again | None = None
    contested_s: float | None = None
    framing: Framing = field(default_factory=Framing)
    beside: frozenset[int] = frozenset()

    @property
    def known(self) -> bool:
        """Whether it was ever read."""
        return self.motion is not None

    @property
    def unsettled(self) -> bool:
        """Whether only the detector can say where it is: it is hidden, or was read but once."""
        return self.hidden or self.readings == 1

    def there(self, t_s: float) -> bool:
        """Whether it is in view, or was a moment ago."""
        return not self.hidden or (self.motion is not None and t_s - self.motion.t_s <= BRIEF_S)

    def young(self, t_s: float) -> bool:
        """Whether it was first read only a moment ago."""
        return self.born_s is not None and t_s - self.born_s < YOUNG_S

    def comes_out(self, found: Detection | None, t_s: float) -> bool:
        """Whether it, hidden, is in view again at ``t_s``; found: what the detector sees in its place."""
        if found is None or self.motion is None:
            self.again = None
            return False
        seen = Motion(mesh_box(found), t_s)
        if self.again is None:
            self.again = Again(t_s, seen, copy(self.motion))
        self.again.seen = seen
        self.again.motion.take(self.framing.mesh_box(found), t_s, self.framing.blur)
        return t_s - self.again.since_s >= OUT_S

    def waits(self, t_s: float, *, contested: bool) -> bool:
        """Whether its reading at ``t_s`` is put off, as it may as well be another's."""
        if not contested:
            self.contested_s = None
        elif self.contested_s is None:
            self.contested_s = t_s
        return self.contested_s is not None and t_s - self.contested_s <= CONTEST_S

    def may_come_out(self, size: tuple[int, int], t_s: float) -> bool:
        """Whether it, hidden, may still be seen again in pictures of ``size`` (width, height)."""
        if self.motion is None or self.born_s is None:
            return False
        box = self.box(t_s)
        x, y = box.x + box.width / 2, box.y + box.height / 2
        in_view_s = self.motion.t_s - self.born_s
        lately = t_s - self.motion.t_s <= min(REMEMBER_S, BRIEF_S + PATIENCE * in_view_s)
        return lately and 0 <= x < size[0] and 0 <= y < size[1]

    def look_at(self, t_s: float, found: Detection | None = None) -> Region:
        """Where to look for it at ``t_s``; found: what the detector sees of it there."""
        if self.motion is None:
            return self.region
        if found is not None and self.unsettled:
            return region_of_detection(found)
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

    def take(self, landmarks: Array, box: Box, t_s: float, found: Detection | None = None) -> None:
        """It was read; box: of the landmarks, found: what the detector saw of it."""
        if found is not None and self.known and not self.young(t_s):
            self.framing.take(found, box)  # no sooner: the mesh's first looks settle on a face by and by
        if self.motion is None:
            self.born_s = t_s
            self.motion = Motion(box, t_s)
        else:
            self.motion.take(box, t_s)
        self.readings += 1
        self.region, self.hidden = region_of_landmarks(landmarks, box), False
        self.again = self.contested_s = None


def crowded(face: Followed, followed: Sequence[Followed], t_s: float) -> bool:
    """Whether another face is so near that the mesh may take one for the other."""
    box = face.box(t_s)
    others = (one.box(t_s) for one in followed if one is not face and one.known)
    return any(apart(box, other) < CROWDED for other in others)


def apart(one: Box, other: Box) -> float:
    """How far the middles of two boxes are from each other, in heights of the higher one."""
    across, down = one.x - other.x + (one.width - other.width) / 2, one.y - other.y + (one.height - other.height) / 2
    return hypot(across, down) / max(one.height, other.height)


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
