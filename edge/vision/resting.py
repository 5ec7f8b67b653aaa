"""The mesh at rest: a face that is alone and keeps still is read no more often than ``mesh_every_s``.

Its eyes are read in each image all the same: lids close within a few of them, a head that keeps still stays where it
is, and its landmarks say well enough where the eyes are. What that does to the closures found: docs/speed/eyelids.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.vision.backend import FoundFace

#: A face keeps still whose landmarks are, each of them, within so much of where they were the time before, across and
#: down, in heights of the face. Readings in 40 to 50 ms that are: of a man at rest all (median 0.007, mostly the mesh's
#: own jitter), of a woman who comes to smile 83 %, of a man who nods and turns 37 %.
STILL = 0.02


class Resting:
    """The face that was read last, as long as it may stand for the next images."""

    def __init__(self) -> None:
        self._found: FoundFace | None = None
        self._read_s = -np.inf
        self._still = False

    def take(self, found: Sequence[FoundFace], t_s: float, *, followed: int) -> None:
        """These faces were read at ``t_s``, of so many that are followed."""
        before, self._found = self._found, found[0] if len(found) == 1 == followed else None
        self._read_s = t_s
        now = self._found
        self._still = (
            before is not None
            and now is not None
            and before.number == now.number
            and float(np.abs(now.landmarks - before.landmarks)[:, :2].max()) <= STILL * now.box.height
        )

    def at(self, t_s: float, every_s: float) -> FoundFace | None:
        """The face as it was read less than ``every_s`` before, where it keeps still; None where it must be read."""
        return self._found if self._still and 0 <= t_s - self._read_s < every_s else None
