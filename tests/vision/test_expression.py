from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.models import ModelsError, shipped_expression
from edge.models.manifest import MANIFEST_FILE, MODEL_FILE
from edge.vision import EXPRESSIONS, FaceReader, VisionError, VisionSettings
from edge.vision.expression import ExpressionModel, calibrated
from tests.models.bundles import Facts, resealed, shipped_files, vouched_for, write
from tests.vision.clips import still

SHIPPED = shipped_expression()


@pytest.fixture(scope="module")
def model() -> ExpressionModel:
    return ExpressionModel(SHIPPED, threads=1)


def edited(folder: Path, edit: Callable[[Facts], object]) -> Path:
    files = shipped_files()
    files[MANIFEST_FILE] = resealed(files[MANIFEST_FILE], edit)
    return write(folder, files)


def test_damaged_weights_are_refused_before_they_are_loaded(tmp_path: Path) -> None:
    files = shipped_files()
    files[MODEL_FILE] = files[MODEL_FILE][:-1] + b"?"
    with pytest.raises(ModelsError, match=r"model\.tflite: damaged"):
        ExpressionModel(write(tmp_path / "bundle", files), threads=1)


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (lambda facts: facts["labels"].reverse(), r"manifest\.json: labels: must be anger"),
        (lambda facts: facts["crop"].update(scale=1.5), r"manifest\.json: crop: must be"),
        (lambda facts: facts["input"].update(zero_point=0), r"model\.tflite: its input is int8 of scale"),
        (lambda facts: facts["output"].update(scale=1.0), r"model\.tflite: its output is int8 of scale"),
        (
            lambda facts: facts.update(temperature=15),
            r"model\.tflite: fails its self-test, golden face 0 is 0\.\d+ off",
        ),
    ],
)
def test_a_model_that_is_not_as_its_manifest_says_is_refused(
    tmp_path: Path, edit: Callable[[Facts], object], complaint: str
) -> None:
    with pytest.raises(VisionError, match=complaint):
        ExpressionModel(edited(tmp_path / "bundle", edit), threads=1)


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelsError, match=r"manifest\.json: not there"):
        ExpressionModel(tmp_path, threads=1)


def test_another_model_in_the_bundle_is_refused(tmp_path: Path, face_models: Path) -> None:
    iris = (face_models / "iris_landmark.tflite").read_bytes()
    files = {MODEL_FILE: iris, MANIFEST_FILE: vouched_for(shipped_files()[MANIFEST_FILE], iris)}
    with pytest.raises(VisionError, match="7 logits"):
        ExpressionModel(write(tmp_path / "bundle", files), threads=1)


def test_the_portrait_smiles(model: ExpressionModel, face_models: Path, portrait: NDArray[np.uint8]) -> None:
    with FaceReader(VisionSettings(), face_models=face_models, expression=model) as reader:
        (face,) = reader.read(still(portrait)).faces
        assert reader.expression_sha256 == hashlib.sha256(shipped_files()[MODEL_FILE]).hexdigest()
    assert face.expression is not None
    assert face.expression.dtype == np.float32
    assert face.expression.sum() == pytest.approx(1, abs=1e-5)
    assert EXPRESSIONS[int(face.expression.argmax())] == "happiness"


def test_a_higher_temperature_makes_it_less_sure_of_the_same() -> None:
    logits = np.array([[1.0, -2.0, 3.0], [0.0, 0.5, -0.5]], np.float32)
    sure, unsure = calibrated(logits, 1.0), calibrated(logits, 4.0)
    assert np.allclose(sure.sum(axis=1), 1)
    assert (sure.argmax(axis=1) == unsure.argmax(axis=1)).all()
    assert (unsure.max(axis=1) < sure.max(axis=1)).all()
    # e^3 / (e^1 + e^-2 + e^3)
    assert sure[0, 2] == pytest.approx(0.8756, abs=1e-4)


def test_the_models_size_and_hash_are_looked_at_before_the_interpreter_sees_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.vision.expression.Model", lambda *_: pytest.fail("the interpreter saw a damaged model"))
    for content in (b"", shipped_files()[MODEL_FILE][:1000], shipped_files()[MODEL_FILE] + b"."):
        bundle = write(tmp_path / f"{len(content)}", shipped_files() | {MODEL_FILE: content})
        with pytest.raises(ModelsError, match=r"model\.tflite: "):
            ExpressionModel(bundle, threads=1)


def test_the_expression_is_read_no_more_often_than_asked(
    model: ExpressionModel, face_models: Path, portrait: NDArray[np.uint8]
) -> None:
    settings = VisionSettings(expression_every_s=0.5)
    with FaceReader(settings, face_models=face_models, expression=model) as reader:
        known = [reader.read(still(portrait, at / 10)).faces[0].expression is not None for at in range(11)]
    assert known == [True] + [False] * 4 + [True] + [False] * 4 + [True]


def test_switched_off_it_is_not_asked(model: ExpressionModel, face_models: Path, portrait: NDArray[np.uint8]) -> None:
    with FaceReader(VisionSettings(expression=False), face_models=face_models, expression=model) as reader:
        assert reader.read(still(portrait)).faces[0].expression is None
        assert reader.expression_sha256 is None
