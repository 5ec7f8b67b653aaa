"""Faces mixed in pairs, the same pairs for the same seed, epoch and step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.train import tiny
from tests.train.faces import striped
from train.augment import NONE
from train.batches import Batches, as_input
from train.data.faces import Split
from train.recipes import load

TRAINING = striped(70).split(Split.TRAINING)


def _mixed(seed: int = 3, part: slice = slice(None), **changes: Any) -> Batches:
    """Batches of unchanged views whose targets say which faces are in them: a column a face."""
    given: dict[str, Any] = {"augmentation": NONE, "mixup": 0.4}
    return Batches(TRAINING, tiny.recipe(**given | changes), 4, seed, 2, part, np.eye(len(TRAINING), dtype=np.float32))


def test_mixup_mixes_pictures_and_targets_in_one_proportion() -> None:
    pictures, targets = _mixed()[1]
    assert pictures.dtype == targets.dtype == np.float32
    assert pictures.shape == (14, 48, 48, 1)
    assert targets.sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert pictures == pytest.approx(np.tensordot(targets, as_input(TRAINING.pixels), axes=1), abs=1e-5)
    assert set(np.count_nonzero(targets, axis=1)) <= {1, 2}
    assert (np.count_nonzero(targets, axis=1) == 2).sum() > 7
    # Each face of the batch is once the one and once the other of a pair.
    assert targets.sum(axis=0)[targets.any(axis=0)] == pytest.approx(np.ones(14), abs=1e-6)


def test_mixup_depends_on_seed_epoch_and_step_alone() -> None:
    (pictures, targets), again = _mixed()[1], _mixed()[1]
    assert np.array_equal(pictures, again[0])
    assert np.array_equal(targets, again[1])
    assert not np.array_equal(pictures, _mixed(seed=4)[1][0])
    halves = [_mixed(part=part)[1] for part in (slice(0, 7), slice(7, 14))]
    assert np.array_equal(np.concatenate([half[0] for half in halves]), pictures)
    assert np.array_equal(np.concatenate([half[1] for half in halves]), targets)


def test_without_mixup_every_face_is_itself() -> None:
    pictures, targets = _mixed(mixup=0.0)[1]
    assert np.array_equal(pictures, as_input(TRAINING.pixels[targets.argmax(axis=1)]))
    assert set(targets.ravel()) == {0, 1}
    assert load("mien").mixup == 0
    mixed = load("mien", {"mixup": "0.2"})
    assert mixed == replace(load("mien"), mixup=0.2, build=mixed.build)
