"""Augmented batches, the same for the same seed, epoch and step: a resumed run sees what it would have seen."""

from __future__ import annotations

import math

import keras
import numpy as np
from numpy.typing import NDArray

from train.data.faces import Faces, soft_targets
from train.recipes.base import Recipe


class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # keras ships no types
    """One epoch, counted from 0, of augmented training batches: (float32 [B, S, S, 1] in 0..1, float32 [B, 7]).

    One object an epoch: Keras reads ahead into the next, whose pictures may be of another size.
    """

    def __init__(self, faces: Faces, recipe: Recipe, epochs: int, seed: int, epoch: int) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self._faces = faces
        self._targets = soft_targets(faces, recipe.vote_share)
        self._recipe = recipe
        self._seed = seed
        self._epoch = epoch
        self._order = np.random.default_rng([seed, epoch]).permutation(len(faces))
        self._side = recipe.side_at(epoch / epochs)

    def __len__(self) -> int:
        # The last, partial batch is left out: one shape a resolution means one compiled step.
        return max(1, len(self._faces) // self._recipe.batch)

    def __getitem__(self, step: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        rng = np.random.default_rng([self._seed, self._epoch, step])
        rows = self._order[step * self._recipe.batch : (step + 1) * self._recipe.batch]
        apply, side = self._recipe.augmentation.apply, self._side
        views = np.stack([apply(image, rng, side) for image in self._faces.pixels[rows]])
        return as_input(views), self._targets[rows]


def as_input(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Grey uint8 [N, H, W] as the networks take it: float32 [N, H, W, 1] in 0..1."""
    return (images.astype(np.float32) / 255.0)[..., np.newaxis]


def steps(faces: int, batch: int, epochs: float) -> int:
    """Optimizer steps in so many epochs."""
    return math.ceil(max(1, faces // batch) * epochs)
