"""Several networks as one: the weighted sum of their logits (Cao et al., equation 1)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from train.data.faces import SIDE
from train.metrics import accuracy, negative_log_likelihood

#: Weights are looked for in steps of one part in so many: 231 combinations for three networks.
GRID = 20


def best_weights(logits: Sequence[NDArray[np.float32]], labels: NDArray[np.uint8], grid: int = GRID) -> list[float]:
    """The weights, together 1, under which the fused logits [N, C] of several networks are most often right.

    Every combination on the grid is tried; of equally good ones the likeliest is taken.
    """
    stack = np.stack(logits)

    def merit(weights: NDArray[np.float32]) -> tuple[float, float]:
        fused = np.tensordot(weights, stack, axes=1)
        return accuracy(fused, labels), -negative_log_likelihood(fused, labels, 1.0)

    best = max(_simplex(len(stack), grid), key=merit)
    return [round(float(weight), 6) for weight in best]


def _simplex(count: int, grid: int) -> Iterator[NDArray[np.float32]]:
    """Every way to share ``grid`` parts among ``count``, as shares."""
    for bars in itertools.combinations(range(grid + count - 1), count - 1):
        ends = np.array([-1, *bars, grid + count - 1])
        yield ((np.diff(ends) - 1) / grid).astype(np.float32)


def fuse(models: Sequence[keras.Model], weights: Sequence[float]) -> keras.Model:
    """One Keras model, float32 [N, 48, 48, 1] in 0..1 to the weighted sum of the models' logits [N, C].

    The models need names that differ.
    """
    image = keras.Input((SIDE, SIDE, 1), name="face")
    parts = [
        layers.Rescaling(weight, name=f"weight_{model.name}")(model(image))
        for model, weight in zip(models, weights, strict=True)
        if weight
    ]
    return keras.Model(image, layers.Add(name="fused")(parts) if len(parts) > 1 else parts[0], name="fusion")
