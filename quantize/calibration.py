"""The faces whose activations set the int8 ranges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from train.data.faces import CLASSES, Faces, Split


def balanced(faces: Faces, count: int, seed: int) -> NDArray[np.uint8]:
    """About ``count`` faces of Training, as many of each class as there are to be had, uint8 [N, 48, 48].

    Balanced, because a range that is set by happy faces alone clips what a rare class needs.
    """
    training = faces.split(Split.TRAINING).without_blank()
    rng = np.random.default_rng(seed)
    each = max(1, count // len(CLASSES))
    rows = [rng.permutation(np.flatnonzero(training.labels == label))[:each] for label in range(len(CLASSES))]
    return training.select(np.concatenate(rows)).pixels
