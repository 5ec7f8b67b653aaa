"""Targets that hold what teachers answer: exactly the stated mix, asked for once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.vision.expression import ExpressionModel
from tests.train import tiny
from tests.train.faces import striped, write_csv
from train import distill
from train import fit as fitting
from train.batches import Batches, as_input
from train.cli import main
from train.data.faces import Split, soft_targets
from train.distill import ANSWERS, Distillation
from train.fit import HISTORY, RUN, fit
from train.metrics import softmax
from train.recipes import RecipeError

BUNDLE = Path(__file__).resolve().parents[2] / "edge" / "models" / "expression"
FACES = striped(70)
TRAINING, PUBLIC = FACES.split(Split.TRAINING), FACES.split(Split.PUBLIC_TEST)


def _quiet(line: str) -> None:
    pass


def _teacher(folder: Path, seed: int) -> Path:
    """A network of random weights: it answers differently for every face, and for its mirror image."""
    keras.utils.set_random_seed(seed)
    model = tiny.build()
    model.get_layer("logits").set_weights([10 * weight for weight in model.get_layer("logits").get_weights()])
    path = folder / f"teacher{seed}.keras"
    model.save(path)
    (folder / RUN).write_text('{"recipe": "tiny"}')
    return path


@pytest.fixture
def teachers(tmp_path: Path) -> tuple[Path, Path]:
    folder = tmp_path / "teachers"
    folder.mkdir()
    return _teacher(folder, 1), _teacher(folder, 2)


def _ask(distillation: Distillation, out: Path, use_cache: bool = False) -> NDArray[np.float32]:
    return distillation.answers(TRAINING, PUBLIC, out, use_cache=use_cache, write_cache=True, report=_quiet)


def _never(*_: object) -> None:
    raise AssertionError("a teacher was asked again")


def test_teachers_answer_for_a_face_and_its_mirror_image_by_their_weights(
    teachers: tuple[Path, Path], tmp_path: Path
) -> None:
    expected = np.zeros((len(TRAINING), 7), np.float32)
    for path, weight in zip(teachers, (0.75, 0.25), strict=True):
        model = keras.saving.load_model(path, compile=False)
        for pixels in (TRAINING.pixels, TRAINING.pixels[:, :, ::-1]):
            expected += weight / 2 * softmax(model.predict(as_input(pixels), verbose=0))
    answers = _ask(Distillation(teachers, (3, 1)), tmp_path)
    assert answers == pytest.approx(expected, abs=1e-5)
    assert answers.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert np.ptp(answers, axis=0).max() > 0.01, "teachers that answer the same for all faces would show nothing"


def test_a_bundle_teaches_at_its_manifests_temperature(tmp_path: Path) -> None:
    device = ExpressionModel(BUNDLE, threads=1)
    pictures = [*TRAINING.pixels, *TRAINING.pixels[:, :, ::-1]]
    faces, mirrored = np.split(np.stack([device.probabilities(np.ascontiguousarray(one)) for one in pictures]), 2)
    assert _ask(Distillation((BUNDLE,)), tmp_path) == pytest.approx((faces + mirrored) / 2, abs=1e-4)


def test_contempt_is_left_out_of_a_teachers_answer(tmp_path: Path) -> None:
    keras.utils.set_random_seed(3)
    image = keras.Input((48, 48, 1))
    wide = keras.layers.Dense(8, activation="softmax")(keras.layers.GlobalAveragePooling2D()(image))
    model = keras.Model(image, wide)
    bias = np.array([0, 1, 2, 3, 4, 5, 6, 40], np.float32)  # FERPlus's order: all but nothing goes to contempt
    model.layers[-1].set_weights([np.zeros((1, 8)), bias])
    model.save(tmp_path / "wide.keras")
    answers = _ask(Distillation((tmp_path / "wide.keras",)), tmp_path)
    assert answers.shape == (len(TRAINING), 7)
    assert answers.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_a_fit_learns_exactly_the_stated_mix(
    teachers: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []

    class Seen(Batches):
        def __init__(self, *arguments: Any) -> None:
            given.append(arguments[-1])
            super().__init__(*arguments)

    monkeypatch.setattr(fitting, "Batches", Seen)
    distillation = Distillation(teachers, share=0.3)
    fit(tiny.recipe(mixup=0.2), FACES, tmp_path / "run", epochs=1, distillation=distillation, report=_quiet)
    answers = _ask(distillation, tmp_path)
    assert given[0] == pytest.approx(0.7 * soft_targets(TRAINING, 0) + 0.3 * answers, abs=1e-5)
    fit(tiny.recipe(), FACES, tmp_path / "alone", epochs=1, report=_quiet)
    assert np.array_equal(given[1], soft_targets(TRAINING, 0))


def test_a_resumed_run_does_not_ask_its_teachers_again(
    teachers: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"

    class KilledError(Exception):
        pass

    def die(line: str) -> None:
        if line.startswith("epoch 1/"):  # reported before it is saved
            raise KilledError

    with pytest.raises(KilledError):
        fit(tiny.recipe(), FACES, run, epochs=1, distillation=Distillation(teachers), report=die)
    asked = (run / ANSWERS).read_bytes()
    fit(tiny.recipe(), FACES, tmp_path / "whole", epochs=1, distillation=Distillation(teachers), report=_quiet)
    monkeypatch.setattr(distill, "open_network", _never)
    fit(tiny.recipe(), FACES, run, epochs=1, resume=True, distillation=Distillation(teachers), report=_quiet)
    assert (run / ANSWERS).read_bytes() == asked
    losses = [json.loads((folder / HISTORY).read_text())[0]["loss"] for folder in (run, tmp_path / "whole")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4), "asking the teachers must not change the first weights"


def test_answers_for_other_faces_or_damaged_ones_are_asked_for_anew(
    teachers: tuple[Path, Path], tmp_path: Path
) -> None:
    distillation = Distillation(teachers)
    answers = _ask(distillation, tmp_path)
    fewer = TRAINING.select(np.arange(20))
    again = distillation.answers(fewer, PUBLIC, tmp_path, use_cache=True, write_cache=False, report=_quiet)
    assert again == pytest.approx(answers[:20], abs=1e-5)
    (tmp_path / ANSWERS).write_bytes((tmp_path / ANSWERS).read_bytes()[:100])
    assert _ask(distillation, tmp_path, use_cache=True) == pytest.approx(answers, abs=1e-5)


def test_a_run_is_not_resumed_with_other_teachers(teachers: tuple[Path, Path], tmp_path: Path) -> None:
    run = tmp_path / "run"
    fit(tiny.recipe(), FACES, run, epochs=1, distillation=Distillation(teachers[:1]), report=_quiet)
    noted = json.loads((run / RUN).read_text())["distillation"]
    assert noted == Distillation(teachers[:1]).facts
    digest = next(iter(noted["teachers"]))
    copy = shutil.copy(teachers[0], tmp_path / "moved.keras")
    fit(tiny.recipe(), FACES, run, epochs=1, resume=True, distillation=Distillation((Path(copy),)), report=_quiet)
    teachers[0].write_bytes(teachers[1].read_bytes())
    others = [Distillation(teachers[:1]), Distillation((Path(copy),), share=0.4), None]
    for other in others:
        with pytest.raises(RecipeError, match=f"share of 0.5 from teachers 1 × {digest[:12]}, not .*needs the same"):
            fit(tiny.recipe(), FACES, run, epochs=1, resume=True, distillation=other, report=_quiet)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: Distillation((path.parent / "none.keras",)), r"none.keras: no such model"),
        (lambda path: Distillation((path,), (1, 2)), r"--teacher-weights 1, 2: give one a teacher \(1\)"),
        (lambda path: Distillation((path,), (-1,)), r"none negative and not all 0"),
        (lambda path: Distillation((path,), share=1.5), r"--distill 1.5: .* lies between 0 and 1"),
        (lambda path: _ask(Distillation((path,)), path.parent), r"--teacher .*broken.keras: not a model"),
    ],
)
def test_teachers_that_cannot_teach_are_named(make: Callable[[Path], object], words: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.keras"
    path.write_text("not a network")
    with pytest.raises(RecipeError, match=words):
        make(path)


def test_the_command_line_says_what_is_missing_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_csv(FACES, tmp_path)
    command = ["fit", "mien", "--data", str(tmp_path), "--out", str(tmp_path / "run")]
    for more, words in (
        (["--distill", "0.5"], "name one"),
        (["--teacher", str(tmp_path / "none.keras")], "none.keras: no such model"),
        (["--set", "mixup=-1"], "mien: mixup=-1: 0 turns it off"),
    ):
        assert main([*command, *more]) == 2
        error = capsys.readouterr().err
        assert words in error
        assert error.count("\n") == 1
