"""Who is who from frame to frame, under random names.

A face is the one of a moment ago that explains it best (``likeness``): by where that one was going, by the turn of its
head and by its face's proportions. No picture is looked at, nothing is kept that would know anybody again, and all of
it is forgotten with the name.

Our own and not norfair's tracker (2.3.0): that counts frames where we need seconds, and brings scipy, matplotlib,
filterpy (last released in 2018) and numpy 1 onto the device, 60 MB of wheels.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.likeness import Known, Seen, surely, unlikely

#: How long a face may be out of sight, behind a hand, a passer-by or a missed frame, and keep its name.
REMEMBER_S = 2.0


class Tracks:
    """Gives each face a name that stays while the face stays.

    Names come from ``random``, so that they say nothing and a seeded generator gives them again.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._known: list[Known] = []

    def name(self, faces: Sequence[Seen], t_s: float, unread: Collection[str] = ()) -> list[str]:
        """The track ids of ``faces``, in their order, all from one frame taken at ``t_s``.

        unread: tracks that were not looked for in it; none of the faces is theirs, and they are remembered.
        """
        # A time that runs backwards is another recording: nothing of the old one holds.
        self._known = [
            known
            for known in self._known
            if known.seen_s <= t_s and (t_s - known.seen_s <= REMEMBER_S or known.name in unread)
        ]
        looked_for = [known for known in self._known if known.name not in unread]
        if len(faces) == len(looked_for) == 1 and surely(faces[0], looked_for[0], t_s):
            again = {0: looked_for[0]}  # nothing to choose from; the odds in full would take ten times as long
        else:
            again = {at: looked_for[which] for at, which in matched(unlikely(faces, looked_for, t_s), 0.0)}
        names = []
        for at, seen in enumerate(faces):
            known = again.get(at)
            if known is None:
                known = Known(f"{self._random.getrandbits(32):08x}", seen, t_s)
                self._known.append(known)
            else:
                known.take(seen, t_s)
            names.append(known.name)
        return names


def matched(costs: NDArray[np.float64], most: float) -> list[tuple[int, int]]:
    """Pairs of rows and columns, each at most once, that cost least in all; none that costs ``most`` or more.

    OpenCV's earth mover's distance between piles of one each: then the transport that costs least is an assignment.
    """
    if costs.size == 0:
        return []
    capped = np.minimum(costs, most)
    rows, columns = (np.ones((size, 1), np.float32) for size in costs.shape)
    # Its precision is relative to the greatest cost, and it takes none below zero.
    costs_above = np.ascontiguousarray(capped - capped.min(), np.float32)
    _, _, flow = cv2.EMD(rows, columns, cv2.DIST_USER, cost=costs_above)
    return [(int(row), int(column)) for row, column in np.argwhere(flow > 0.5) if costs[row, column] < most]
