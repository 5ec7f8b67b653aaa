"""The faces whose activations set the int8 ranges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.vision.interpreter import spread
from train.corruptions import CORRUPTIONS
from train.data.faces import CLASSES, Faces, Split

#: Dark and blurred faces, as a camera sees them: other activations than FER2013's well-lit ones.
CAMERA_FAULTS = ("low_light", "motion_blur", "defocus")
_LEAST_STRENGTH = 0.3


def balanced(faces: Faces, count: int, seed: int, corrupted_share: float = 0.0) -> NDArray[np.uint8]:
    """About ``count`` faces of Training, as many of each class as there are to be had, uint8 [N, 48, 48].

    Balanced, because a range that is set by happy faces alone clips what a rare class needs. corrupted_share: how
    many of them (0..1) are darkened or blurred.
    """
    training = faces.split(Split.TRAINING).without_blank()
    rng = np.random.default_rng(seed)
    each = max(1, count // len(CLASSES))
    rows = [rng.permutation(np.flatnonzero(training.labels == label))[:each] for label in range(len(CLASSES))]
    # Mixed: ai-edge-quantizer's ranges are a moving average over some twenty faces, which must not be of one class.
    chosen = training.select(rng.permutation(np.concatenate(rows))).pixels
    due = np.arange(len(chosen)) < round(corrupted_share * len(chosen))
    return np.stack(
        [_fault(face, rng) if faulty else face for face, faulty in zip(chosen, rng.permutation(due), strict=True)]
    )


def _fault(face: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    return CORRUPTIONS[rng.choice(CAMERA_FAULTS)](face, rng, rng.uniform(_LEAST_STRENGTH, 1.0))


def as_the_device_feeds(faces: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Grey faces uint8 [N, S, S] as float32 [N, S, S, 1], by the very code that feeds LiteRT on the device."""
    fed = np.empty((*faces.shape, 1), np.float32)
    return spread(faces[..., np.newaxis], 0.0, 1.0, fed)
