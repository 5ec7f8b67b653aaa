"""Augmented batches, the same for the same seed, epoch and step: a resumed run sees what it would have seen."""

from __future__ import annotations

import math
import os

import keras
import numpy as np
from numpy.typing import NDArray

from train.data.faces import Faces
from train.recipes.base import Distributions, Recipe

Batch = tuple[NDArray[np.float32], NDArray[np.float32]]


class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # keras ships no types
    """One epoch, counted from 0, of augmented training batches: (float32 [B, S, S, 1] in 0..1, float32 [B, C]).

    One object an epoch: Keras reads ahead into the next, whose pictures may be of another size.
    part: the rows of each batch that this process makes; the others belong to other machines. targets: of the
    faces, where they are not the recipe's own.
    """

    def __init__(
        self,
        faces: Faces,
        recipe: Recipe,
        epochs: int,
        seed: int,
        epoch: int,
        part: slice = slice(None),
        targets: Distributions | None = None,
    ) -> None:
        super().__init__(workers=max(1, min(8, (os.cpu_count() or 1) // 2)), use_multiprocessing=False)
        self._faces = faces
        self._targets = recipe.targets(faces) if targets is None else targets
        self._recipe = recipe
        self._seed = seed
        self._epoch = epoch
        self._part = part
        self._order = np.random.default_rng([seed, epoch]).permutation(len(faces))
        self._side = recipe.side_at(epoch / epochs)

    def __len__(self) -> int:
        # The last, partial batch is left out: one shape a resolution means one compiled step.
        return steps(len(self._faces), self._recipe.batch, 1)

    def __getitem__(self, step: int) -> Batch:
        first = step * self._recipe.batch
        places = range(first, min(first + self._recipe.batch, len(self._order)))
        if self._recipe.mixup:
            return self._mixed(step, places)
        mine = places[self._part]
        views = [self._view(place) for place in mine]
        return as_input(np.stack(views)), self._targets[self._order[mine.start : mine.stop]]

    def _mixed(self, step: int, places: range) -> Batch:
        """Every face with another of its batch, all in one proportion (Zhang et al. 2018, as in their code)."""
        # The 1 at the end keeps this generator apart from every view's.
        rng = np.random.default_rng([self._seed, self._epoch, step, 1])
        share = float(rng.beta(self._recipe.mixup, self._recipe.mixup))
        others = rng.permutation(places)[self._part]
        mine = np.array(places)[self._part]
        # Each view is made once, though most faces are in two mixtures; the others may belong to another machine.
        needed, where = np.unique(np.concatenate([mine, others]), return_inverse=True)
        pictures = as_input(np.stack([self._view(place) for place in needed]))
        targets = self._targets[self._order[needed]]
        one, other = where[: len(mine)], where[len(mine) :]
        return (
            share * pictures[one] + (1 - share) * pictures[other],
            share * targets[one] + (1 - share) * targets[other],
        )

    def _view(self, place: int) -> NDArray[np.uint8]:
        # A generator a face: its view depends neither on the batch around it nor on which machine makes it.
        rng = np.random.default_rng([self._seed, self._epoch, place])
        return self._recipe.augmentation.apply(self._faces.pixels[self._order[place]], rng, self._side)


def as_input(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Grey uint8 [N, H, W] as the networks take it: float32 [N, H, W, 1] in 0..1."""
    return (images.astype(np.float32) / 255.0)[..., np.newaxis]


def steps(faces: int, batch: int, epochs: float) -> int:
    """Optimizer steps in so many epochs."""
    return math.ceil(max(1, faces // batch) * epochs)
