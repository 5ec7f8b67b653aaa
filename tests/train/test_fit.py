"""A small fit learns, and one that was interrupted goes on as if it had not been."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.train.faces import striped, write_csv
from train.augment import Augmentation
from train.batches import Batches, as_input
from train.cli import main
from train.fit import fit
from train.metrics import accuracy
from train.recipes import RECIPES

SMALL = replace(RECIPES["mien"], batch=14, warmup_epochs=0.5, average=0.9, resolutions=((0.0, 24), (0.5, 48)))


def test_a_small_fit_learns_stripes(tmp_path: Path) -> None:
    faces = striped(210)
    model = fit(SMALL, faces, tmp_path, epochs=6, report=lambda line: None)
    assert model.count_params() == 679_207
    assert accuracy(model.predict(as_input(faces.pixels), verbose=0), faces.labels) > 0.6


def test_a_resumed_fit_equals_an_unbroken_one(tmp_path: Path) -> None:
    faces = striped(70)
    fit(SMALL, faces, tmp_path / "whole", epochs=3, report=lambda line: None)

    class KilledError(Exception):
        pass

    def die_in_the_third(line: str) -> None:
        if line.startswith("epoch 3/"):  # reported before it is saved
            raise KilledError

    with pytest.raises(KilledError):
        fit(SMALL, faces, tmp_path / "broken", epochs=3, report=die_in_the_third)
    before = _weights(tmp_path / "broken")
    fit(SMALL, faces, tmp_path / "broken", epochs=3, resume=True, report=lambda line: None)
    whole, resumed = _weights(tmp_path / "whole"), _weights(tmp_path / "broken")
    # Threads add up in any order, so equal to the last digits only: a hundredth of what one epoch changes.
    assert np.linalg.norm(resumed - whole) < 0.01 * np.linalg.norm(whole - before)


def _weights(run: Path) -> NDArray[np.float32]:
    model = keras.saving.load_model(run / "last.keras", compile=False)
    return np.concatenate([weight.ravel() for weight in model.get_weights()])


def test_batches_depend_on_seed_epoch_and_step_alone() -> None:
    faces = striped(70)
    first, again = Batches(faces, SMALL, 4, seed=3, epoch=2), Batches(faces, SMALL, 4, seed=3, epoch=2)
    assert np.array_equal(first[1][0], again[1][0])
    assert first[1][0].shape == (14, 48, 48, 1)
    assert not np.array_equal(first[1][0], Batches(faces, SMALL, 4, seed=4, epoch=2)[1][0])


def test_augmentation_off_changes_nothing() -> None:
    still = Augmentation(flip=False, shift=0, rotation_deg=0, scale=(1, 1), gain=0, bias=0, blur=0, erase=0)
    face = striped(1).pixels[0]
    assert np.array_equal(still.apply(face, np.random.default_rng(0), 48), face)


def test_an_unknown_recipe_names_those_there_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_csv(striped(21), tmp_path)
    assert main(["fit", "resnet", "--data", str(tmp_path)]) == 2
    assert "no recipe 'resnet'; there is: mien" in capsys.readouterr().err


def test_a_broken_csv_is_one_line_and_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "fer2013.csv").write_text("emotion,pixels,Usage\n3,1 2 3,Training\n")
    assert main(["fit", "mien", "--data", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "fer2013.csv, line 2: 3 pixels, not 2304" in error
    assert error.count("\n") == 1
