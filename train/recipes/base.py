"""What a recipe states: a network, its targets and its schedule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from train.augment import Augmentation

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class Recipe:
    """A network with the schedule that trains it.

    build: makes the Keras model, float32 [N, side, side, 1] in 0..1 to logits float32 [N, 7].
    resolutions: (from this share of the schedule on, side in pixels), ascending; early epochs on smaller
    pictures cost less and the network, being convolutional, carries over.
    vote_share: how much of a target is FERPlus's votes rather than FER2013's label.
    average: the decay a step of the running average of the weights that is kept as the result.
    """

    name: str
    build: Callable[[], keras.Model]
    epochs: int
    batch: int
    learning_rate: float
    weight_decay: float
    warmup_epochs: float
    vote_share: float
    label_smoothing: float
    average: float
    augmentation: Augmentation
    resolutions: tuple[tuple[float, int], ...] = ((0.0, 48),)

    def side_at(self, progress: float) -> int:
        """The picture's side at a share (0..1) of the schedule."""
        return [side for start, side in self.resolutions if start <= progress][-1]
