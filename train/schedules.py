"""Optimizers and learning rates as the recipes name them."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from train.batches import steps
from train.recipes.base import Recipe, Stage

#: ``plateau``: epochs without a lower loss before the learning rate falls, and by what factor it falls.
PLATEAU_EPOCHS = 5
DROP = 0.1
#: ``step``: the shares of a stage after which the learning rate falls.
DROPS_AT = (0.5, 0.75)


def optimizer(recipe: Recipe, stage: Stage, faces: int) -> keras.optimizers.Optimizer:
    """A fresh optimizer for a stage over so many faces."""
    rate = _learning_rate(recipe, stage, faces)
    decay = recipe.weight_decay or None
    if recipe.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=recipe.momentum, weight_decay=decay)
    if recipe.optimizer == "adam":
        return keras.optimizers.Adam(rate, weight_decay=decay)
    return keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)


def _learning_rate(recipe: Recipe, stage: Stage, faces: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    total = steps(faces, recipe.batch, stage.epochs)
    if recipe.schedule == "cosine":
        warmup = steps(faces, recipe.batch, recipe.warmup_epochs)
        return keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=stage.learning_rate / 20 if warmup else stage.learning_rate,
            decay_steps=max(1, total - warmup),
            alpha=0.01,
            warmup_target=stage.learning_rate if warmup else None,
            warmup_steps=warmup,
        )
    if recipe.schedule == "step":
        return keras.optimizers.schedules.PiecewiseConstantDecay(
            [int(total * share) for share in DROPS_AT],
            [stage.learning_rate * DROP**drops for drops in range(len(DROPS_AT) + 1)],
        )
    return stage.learning_rate


def plateau_factor(losses: Sequence[float]) -> float:
    """What to multiply the learning rate by after epochs with these validation losses.

    From the whole past, so that a resumed run needs no state of its own for it.
    """
    factor, best, waited = 1.0, float("inf"), 0
    for loss in losses:
        waited = 0 if loss < best else waited + 1
        best = min(best, loss)
        if waited == PLATEAU_EPOCHS:
            factor, waited = factor * DROP, 0
    return factor


def best_epoch(figures: Sequence[float], lower_is_better: bool) -> int:
    """The first epoch, counted from 0, with the best figure; -1 of none."""
    if not figures:
        return -1
    return figures.index(min(figures) if lower_is_better else max(figures))
