"""A small fit learns, and one that was interrupted goes on as if it had not been."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.train import tiny
from tests.train.faces import striped, write_csv
from train import checkpoint
from train.augment import NONE
from train.batches import Batches, as_input
from train.cli import main
from train.data.faces import Split
from train.fit import BEST, FUSION, HISTORY, LAST, fit
from train.fusion import best_weights
from train.layers import every_layer
from train.metrics import accuracy
from train.recipes import RECIPES, Recipe, RecipeError, Stage, load, mien
from train.schedules import DROP, optimizer, plateau_factor

SMALL = replace(
    load("mien", {"blocks": "5"}), batch=14, warmup_epochs=0.5, average=0.9, resolutions=((0.0, 24), (0.5, 48))
)


def test_a_small_fit_learns_stripes(tmp_path: Path) -> None:
    faces = striped(210)
    model = fit(SMALL, faces, tmp_path, epochs=6, report=lambda line: None)
    assert model.count_params() == 679_207
    assert accuracy(model.predict(as_input(faces.pixels), verbose=0), faces.labels) > 0.6


def test_a_fit_killed_in_mid_epoch_and_resumed_equals_an_unbroken_one(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    # In a process each, since no generator in one that went on would start where a new process's does.
    histories = [tiny.run(whole, "dropout=0.3").history()]
    tiny.kill_asleep(tiny.run(broken, "dropout=0.3", "sleep_at=25").process)  # in the third epoch of ten steps
    assert len(json.loads((broken / HISTORY).read_text())) == 2
    before = _weights(broken)
    histories.append(tiny.run(broken, "dropout=0.3", "resume=1").history())
    for mine, theirs in zip(*histories, strict=True):
        assert mine["loss"] == pytest.approx(theirs["loss"], rel=1e-4)
        assert mine["public_test_loss"] == pytest.approx(theirs["public_test_loss"], rel=1e-4)
    # Threads add up in any order, so equal to the last digits only: a thousandth of what one epoch changes.
    assert np.linalg.norm(_weights(broken) - _weights(whole)) < 1e-3 * np.linalg.norm(_weights(whole) - before)


def _weights(run: Path) -> NDArray[np.float32]:
    model = keras.saving.load_model(run / LAST, compile=False)
    return np.concatenate([weight.ravel() for weight in model.get_weights()])


@pytest.mark.parametrize("complete", [False, True])
def test_a_kill_while_saving_leaves_all_files_old_or_all_new(complete: bool, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("old")

    class KilledError(Exception):
        pass

    def die(path: Path) -> None:
        raise KilledError

    write = {name: lambda path: path.write_text("new") for name in ("a", "b")}
    if complete:
        checkpoint.write(tmp_path, write)
        # As a kill after the first of the two moves leaves it.
        (tmp_path / "b").rename(tmp_path / "tmp-b")
        (tmp_path / "b").write_text("old")
        (tmp_path / "tmp-complete").touch()
    else:
        with pytest.raises(KilledError):
            checkpoint.write(tmp_path, {"a": write["a"], "b": die})
    checkpoint.recover(tmp_path)
    expected = "new" if complete else "old"
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": expected, "b": expected}


def test_a_run_is_neither_overwritten_nor_resumed_as_another(tmp_path: Path) -> None:
    faces = striped(70)
    fit(tiny.recipe(), faces, tmp_path, epochs=1, report=_quiet)
    with pytest.raises(RecipeError, match="holds a run already; --resume goes on"):
        fit(tiny.recipe(), faces, tmp_path, epochs=1, report=_quiet)
    with pytest.raises(RecipeError, match="started with epochs 1, not 2"):
        fit(tiny.recipe(), faces, tmp_path, epochs=2, resume=True, report=_quiet)


def test_the_best_epoch_is_kept_and_patience_ends_the_run(tmp_path: Path) -> None:
    faces = striped(140)
    # A rate at which nothing better is found after the first epochs.
    recipe = tiny.recipe(average=None, monitor="loss", patience=2, schedule="constant", learning_rate=3.0, epochs=12)
    model = fit(recipe, faces, tmp_path, report=_quiet)
    losses = [entry["public_test_loss"] for entry in json.loads((tmp_path / HISTORY).read_text())]
    best = losses.index(min(losses))
    assert len(losses) == best + 3 < 12
    validation = faces.split(Split.PUBLIC_TEST)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    kept = float(loss(np.eye(7)[validation.labels], model.predict(as_input(validation.pixels), verbose=0)))
    assert kept == pytest.approx(losses[best], rel=1e-3)
    lines: list[str] = []
    fit(recipe, faces, tmp_path, resume=True, report=lines.append)
    assert lines == ["no better loss on PublicTest for 2 epochs"]


def test_a_fit_may_start_from_a_saved_model_of_the_same_network(tmp_path: Path) -> None:
    faces = striped(210)
    fit(SMALL, faces, tmp_path / "first", epochs=6, report=_quiet)
    gently = replace(SMALL, learning_rate=1e-6)
    fit(gently, faces, tmp_path / "next", epochs=1, init=tmp_path / "first" / BEST, report=_quiet)
    first = json.loads((tmp_path / "first" / HISTORY).read_text())
    ahead = json.loads((tmp_path / "next" / HISTORY).read_text())
    assert ahead[0]["public_test"] == pytest.approx(first[-1]["public_test"], abs=0.1)
    assert first[0]["public_test"] < first[-1]["public_test"] - 0.2, "a new start would look the same"

    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(tmp_path / "other.keras")
    for wrong, words in (("none.keras", "no such file"), ("other.keras", "not a mien network")):
        with pytest.raises(RecipeError, match=words):
            fit(SMALL, faces, tmp_path / f"from-{wrong}", epochs=1, init=tmp_path / wrong, report=_quiet)


def test_a_fit_may_start_from_a_shallower_network_and_for_other_classes(tmp_path: Path) -> None:
    shallow = mien.build(blocks=5)
    shallow.save(tmp_path / "five.keras")
    lines: list[str] = []
    faces = replace(striped(70), votes=np.tile(np.array([[0, 9, 1, 0, 0, 0, 0, 0, 0, 0]], np.uint8), (70, 1)))
    untouched = replace(load("mien", {"labels": "ferplus"}), batch=14, learning_rate=0.0, average=None)
    untouched = replace(untouched, resolutions=((0.0, 24),), augmentation=NONE)
    grown = fit(untouched, faces, tmp_path / "run", epochs=1, init=tmp_path / "five.keras", report=lines.append)
    assert "block5_a" in lines[0]
    assert lines[0].endswith("logits; they start anew")
    assert grown.output_shape == (None, 8)
    kernels = [model.get_layer("block4_a").kernel.numpy() for model in (shallow, grown)]
    assert np.array_equal(*kernels), "what the shallower one has was not taken over"
    mien.build().save(tmp_path / "seven.keras")
    with pytest.raises(RecipeError, match="not a mien network: block5_a differs"):
        fit(SMALL, faces, tmp_path / "down", epochs=1, init=tmp_path / "seven.keras", report=_quiet)


def test_blocks_added_to_a_trained_network_change_nothing_yet() -> None:
    shallow, deep = mien.build(blocks=5), mien.build()
    for layer in shallow.layers:
        deep.get_layer(layer.name).set_weights(layer.get_weights())
    pictures = as_input(striped(7).pixels)
    assert np.allclose(shallow.predict(pictures, verbose=0), deep.predict(pictures, verbose=0), atol=1e-6)


def test_frozen_layers_stay_as_they_are_in_their_stage_even_after_a_kill(tmp_path: Path) -> None:
    faces = striped(70)
    stages = (Stage(1, 1e-2, frozen=("conv0", "bn0")), Stage(2, 1e-2))
    recipe = tiny.recipe(average=None, stages=stages, schedule="constant")
    keras.utils.set_random_seed(0)
    start = tiny.build()

    class KilledError(Exception):
        pass

    def die_in_the_second(line: str) -> None:
        if line.startswith("epoch 2/"):  # reported before it is saved
            raise KilledError

    with pytest.raises(KilledError):
        fit(recipe, faces, tmp_path, report=die_in_the_second)
    first = keras.saving.load_model(tmp_path / LAST, compile=False)
    for name, moved in (("conv0", False), ("bn0", False), ("conv1", True)):
        pairs = zip(start.get_layer(name).get_weights(), first.get_layer(name).get_weights(), strict=True)
        assert any(not np.array_equal(mine, theirs) for mine, theirs in pairs) == moved, name
    second = fit(recipe, faces, tmp_path, resume=True, report=_quiet)
    assert not np.array_equal(second.get_layer("conv0").get_weights()[0], first.get_layer("conv0").get_weights()[0])
    assert len(json.loads((tmp_path / HISTORY).read_text())) == 3


def test_half_precision_trains_and_leaves_a_float32_model(tmp_path: Path) -> None:
    faces = striped(140)
    model = fit(tiny.recipe(), faces, tmp_path, precision="bfloat16", report=_quiet)
    last = keras.saving.load_model(tmp_path / LAST, compile=False)
    assert {layer.compute_dtype for layer in every_layer(last) if layer.weights} == {"bfloat16"}
    assert {layer.compute_dtype for layer in every_layer(model)} == {"float32"}
    assert accuracy(model.predict(as_input(faces.pixels), verbose=0), faces.labels) > 0.3
    assert keras.config.dtype_policy().name == "float32"


def test_a_fusion_is_at_least_as_good_on_public_test_as_its_parts(tmp_path: Path) -> None:
    faces = striped(210)
    parts = tuple(tiny.recipe(name=name, learning_rate=rate) for name, rate in (("slow", 3e-3), ("quick", 1e-2)))
    recipe = Recipe(name="both", build=None, epochs=3, parts=parts)
    model = fit(recipe, faces, tmp_path, report=_quiet)
    facts = json.loads((tmp_path / FUSION).read_text())
    assert facts["public_test"]["fused"] >= max(facts["public_test"]["slow"], facts["public_test"]["quick"])
    assert sum(facts["weights"].values()) == pytest.approx(1)
    validation = faces.split(Split.PUBLIC_TEST)
    logits = keras.saving.load_model(tmp_path / BEST).predict(as_input(validation.pixels), verbose=0)
    assert accuracy(logits, validation.labels) == pytest.approx(facts["public_test"]["fused"])
    assert np.allclose(logits, model.predict(as_input(validation.pixels), verbose=0), atol=1e-5)


def test_fusion_weighs_networks_by_what_they_know() -> None:
    labels = np.array([0, 1, 0, 1], np.uint8)
    right = np.array([[3, 0], [0, 3], [1, 0], [0, 1]], np.float32)
    wrong = right[:, ::-1]
    noise = np.array([[0, 2], [0, 2], [0, 2], [0, 2]], np.float32)
    assert best_weights([wrong, right, noise], labels) == [0, 1, 0]


def test_schedules_fall_as_they_say() -> None:
    stage = Stage(4, 0.1)

    def rates(schedule: str, **changes: Any) -> list[float]:
        recipe = tiny.recipe(schedule=schedule, batch=10, optimizer="sgd", **changes)
        made = optimizer(recipe, stage, faces=100)  # 10 steps an epoch
        if not hasattr(made._learning_rate, "decay_steps") and not hasattr(made._learning_rate, "boundaries"):
            return [float(made.learning_rate)]
        return [float(made._learning_rate(step)) for step in (0, 10, 25, 35, 40)]

    assert rates("constant") == pytest.approx([0.1])
    assert rates("step") == pytest.approx([0.1, 0.1, 0.01, 0.001, 0.001])
    assert rates("cosine", warmup_epochs=1.0)[:2] == pytest.approx([0.005, 0.1])
    assert rates("cosine")[0] == pytest.approx(0.1)
    assert rates("cosine")[-1] == pytest.approx(0.001)
    assert plateau_factor([3.0, 2.0, 1.0]) == 1
    assert plateau_factor([1.0, *[2.0] * 4]) == 1
    assert plateau_factor([1.0, *[2.0] * 5]) == pytest.approx(DROP)
    assert plateau_factor([1.0, *[2.0] * 10]) == pytest.approx(DROP**2)


def test_too_little_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"needs a batch of 96 Training faces .* holds 49"):
        fit(RECIPES["mien"], striped(70), tmp_path, report=_quiet)


def _quiet(line: str) -> None:
    pass


def test_batches_depend_on_seed_epoch_and_step_alone() -> None:
    faces = striped(70)
    first, again = Batches(faces, SMALL, 4, seed=3, epoch=2), Batches(faces, SMALL, 4, seed=3, epoch=2)
    assert np.array_equal(first[1][0], again[1][0])
    assert first[1][0].shape == (14, 48, 48, 1)
    assert not np.array_equal(first[1][0], Batches(faces, SMALL, 4, seed=4, epoch=2)[1][0])
    half = Batches(faces, SMALL, 4, seed=3, epoch=2, part=slice(7, 14))
    assert np.array_equal(half[1][0], first[1][0][7:])
    assert np.array_equal(half[1][1], first[1][1][7:])


def test_a_cameras_faults_come_as_often_as_asked() -> None:
    face = striped(1).pixels[0]
    views = [replace(NONE, camera=0.4).apply(face, np.random.default_rng(seed), 48) for seed in range(200)]
    touched = sum(not np.array_equal(view, face) for view in views)
    assert 50 < touched < 110


def test_augmentation_off_changes_nothing() -> None:
    face = striped(1).pixels[0]
    assert np.array_equal(NONE.apply(face, np.random.default_rng(0), 48), face)


def test_a_view_of_another_size_lies_where_a_resized_picture_does() -> None:
    face = cv2.GaussianBlur(striped(6).pixels[5], (5, 5), 0)
    view = NONE.apply(face, np.random.default_rng(0), 320).astype(float)
    resized = cv2.resize(face, (320, 320), interpolation=cv2.INTER_LINEAR).astype(float)
    assert np.abs(view - resized)[8:-8, 8:-8].max() < 6  # warpAffine rounds its places to a 32nd of a pixel


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
