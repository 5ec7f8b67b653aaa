"""What a recipe states: a network, what it learns, and the schedule that trains it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from edge.errors import MienError
from train.augment import NONE, Augmentation
from train.data.faces import CLASSES, Faces, soft_targets

if TYPE_CHECKING:
    import keras

Mask = NDArray[np.bool_]
Distributions = NDArray[np.float32]
Labels = NDArray[np.uint8]


class RecipeError(MienError):
    """A recipe that cannot be made or fitted as asked; the message names the option and the way out."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Consecutive epochs with one optimizer.

    epochs: how many, when the recipe's own number is given. learning_rate: the highest of the stage.
    frozen: names of the model's layers that do not learn; frozen batch norm keeps its statistics, too.
    """

    epochs: int
    learning_rate: float
    frozen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """A network with what it learns and the schedule that trains it.

    The network:
        name: as the command line says it.
        build: makes the Keras model, float32 [N, H, W, 1] in 0..1, H = W = 48 among them, to logits [N, C].
        classes: the names of the C outputs.
        any_side: whether it takes pictures of any side, as one that ends in global pooling does.
        parts: the recipes of a fusion, trained apart; such a recipe has no ``build`` and no schedule of its own.

    What it learns:
        where: the rows to use, a mask over faces of any splits; None: all of them.
        distribution: target distributions float32 [N, C] of faces; None: label and votes mixed by ``vote_share``.
        vote_share: how much of a target is FERPlus's votes rather than FER2013's label.
        label_smoothing: share of a target that is spread over all classes.
        augmentation: random changes to the training pictures.
        mixup: α of the Beta distribution that says in what proportion the faces of a batch are mixed in pairs,
            pictures and targets (Zhang et al. 2018); 0: they are not.
        resolutions: (from this share of the schedule on, side in pixels), ascending; early epochs on smaller
            pictures cost less and a convolutional network carries over.

    The schedule:
        epochs, batch: passes over the data, faces a step.
        optimizer: ``adamw``, ``adam`` or ``sgd``.
        learning_rate: the highest; weight_decay: decoupled, a step's share times the learning rate.
        momentum: of sgd (Nesterov's is not used).
        schedule: ``constant``; ``cosine`` down to a hundredth; ``step``: a tenth after half and again after three
            quarters; ``plateau``: a tenth when PublicTest's loss has not fallen for five epochs.
        warmup_epochs: rise to the learning rate, with ``cosine``.
        stages: parts of the schedule, each with a fresh optimizer; None: one of ``epochs`` and ``learning_rate``.

    What is kept:
        average: the decay a step of a running average of the weights, which is then the result; None: no average.
        monitor: the PublicTest figure whose best epoch is the result; None: the last epoch.
        patience: stop after so many epochs without a new best; None: never. Needs ``monitor``.
    """

    name: str
    build: Callable[[], keras.Model] | None
    epochs: int
    batch: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    warmup_epochs: float = 0.0
    vote_share: float = 0.0
    label_smoothing: float = 0.0
    average: float | None = None
    augmentation: Augmentation = NONE
    mixup: float = 0.0
    resolutions: tuple[tuple[float, int], ...] = ((0.0, 48),)
    classes: tuple[str, ...] = CLASSES
    any_side: bool = False
    parts: tuple[Recipe, ...] = ()
    where: Callable[[Faces], Mask] | None = None
    distribution: Callable[[Faces], Distributions] | None = None
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    momentum: float = 0.9
    schedule: Literal["constant", "cosine", "step", "plateau"] = "cosine"
    stages: tuple[Stage, ...] | None = None
    monitor: Literal["accuracy", "loss"] | None = None
    patience: int | None = None

    def __post_init__(self) -> None:
        if (self.build is None) != bool(self.parts):
            raise ValueError(f"{self.name}: a recipe has either a network or parts")
        if self.patience is not None and self.monitor is None:
            raise ValueError(f"{self.name}: patience needs a figure to monitor")
        if self.stages and sum(stage.epochs for stage in self.stages) != self.epochs:
            raise ValueError(f"{self.name}: the stages do not add up to {self.epochs} epochs")

    def shortened(self) -> Recipe:
        """The recipe on a schedule for machines without a GPU, where its own would take days.

        Two fifths of the epochs, in one stage, under a learning rate that rises for an epoch and falls with the cosine;
        the running average of the weights is the result; where the network takes pictures of any side, they grow
        from three quarters of it to the whole, as in ``mien``.
        """
        side = self.resolutions[-1][1]
        growing = ((0.0, side * 3 // 4), (0.4, side * 7 // 8), (0.75, side))
        return replace(
            self,
            epochs=max(1, round(self.epochs * 0.4)),
            schedule="cosine",
            warmup_epochs=1.0,
            stages=None,
            average=0.998,
            monitor=None,
            patience=None,
            resolutions=growing if self.any_side else self.resolutions,
            parts=tuple(part.shortened() for part in self.parts),
        )

    def side_at(self, progress: float) -> int:
        """The picture's side at a share (0..1) of the schedule."""
        return [side for start, side in self.resolutions if start <= progress][-1]

    def plan(self, epochs: int) -> tuple[Stage, ...]:
        """The stages for another number of epochs, each in proportion and at least one epoch long."""
        stages = self.stages or (Stage(self.epochs, self.learning_rate),)
        if epochs < len(stages):
            raise RecipeError(f"{self.name} has {len(stages)} stages and needs at least an epoch for each")
        ends = np.cumsum([stage.epochs for stage in stages]) * epochs / self.epochs
        planned, start = [], 0
        for index, (stage, end) in enumerate(zip(stages, ends, strict=True)):
            # At least one epoch here, and one left for each stage that follows.
            stop = min(max(start + 1, round(end)), epochs - (len(stages) - 1 - index))
            planned.append(replace(stage, epochs=stop - start))
            start = stop
        return tuple(planned)

    def select(self, faces: Faces) -> Faces:
        """The faces that the recipe trains and is measured on."""
        return faces if self.where is None else faces.select(self.where(faces))

    def targets(self, faces: Faces) -> Distributions:
        """What the network is to answer: distributions float32 [N, C]."""
        return soft_targets(faces, self.vote_share) if self.distribution is None else self.distribution(faces)

    def truth(self, faces: Faces) -> Labels:
        """The right class of each face for accuracy, uint8 [N]: FER2013's label, or its own targets' likeliest."""
        if self.distribution is None:
            return faces.labels
        return np.asarray(self.distribution(faces).argmax(axis=1), np.uint8)
