"""Pixel-identical faces: FER2013 has 1,516 groups of them, within and across its splits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from train.data.faces import Faces, Split


def groups(faces: Faces) -> NDArray[np.intp]:
    """For each face the number of its group, intp [N]; identical faces share one, others are alone in theirs."""
    seen: dict[bytes, int] = {}
    return np.array([seen.setdefault(face.tobytes(), len(seen)) for face in faces.pixels], np.intp)


def with_twin(faces: Faces, group: NDArray[np.intp], split: Split, other: Split) -> int:
    """How many faces of ``split`` have a twin in ``other`` (the same split: that stand in it more than once)."""
    here, there = group[faces.splits == split], group[faces.splits == other]
    counts = np.bincount(there, minlength=group.max(initial=0) + 1)
    return int((counts[here] > (split == other)).sum())


def conflicting(faces: Faces, group: NDArray[np.intp]) -> int:
    """How many groups of identical faces carry more than one label."""
    pairs = np.unique(np.stack([group, faces.labels.astype(np.intp)], axis=1), axis=0)
    return int((np.bincount(pairs[:, 0]) > 1).sum())
