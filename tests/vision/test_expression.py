from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import edge
from edge.vision import EXPRESSIONS, FaceReader, VisionError, VisionSettings
from edge.vision.expression import ExpressionModel
from tests.vision.clips import still

SHIPPED = Path(edge.__file__).parent / "models" / "expression"


@pytest.fixture
def shipped() -> Path:
    if not (SHIPPED / "model.tflite").is_file():
        pytest.skip(f"no expression model in {SHIPPED}")
    return SHIPPED


def write_bundle(folder: Path, content: bytes, **changes: Any) -> Path:
    manifest = {
        "name": "made-up",
        "sha256": hashlib.sha256(content).hexdigest(),
        "labels": EXPRESSIONS,
        "temperature": 1.2,
        "input": {"height": 48, "width": 48, "channels": 1},
    }
    (folder / "model.tflite").write_bytes(content)
    (folder / "manifest.json").write_text(json.dumps(manifest | changes))
    return folder


def test_damaged_weights_are_refused_before_they_are_loaded(tmp_path: Path) -> None:
    write_bundle(tmp_path, b"the weights")
    (tmp_path / "model.tflite").write_bytes(b"the weightz")
    with pytest.raises(VisionError, match=r"model\.tflite: damaged"):
        ExpressionModel(tmp_path, threads=1)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"labels": EXPRESSIONS[::-1]}, "labels"),
        ({"temperature": 0}, "temperature"),
        ({"sha256": "abc"}, "sha256"),
        ({"input": {"height": 64, "width": 64, "channels": 1}}, "input"),
    ],
)
def test_a_manifest_that_does_not_fit_is_named_with_its_key(
    tmp_path: Path, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(VisionError, match=rf"manifest\.json: {complaint}"):
        ExpressionModel(write_bundle(tmp_path, b"the weights", **changes), threads=1)


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(VisionError, match=r"manifest\.json"):
        ExpressionModel(tmp_path, threads=1)


def test_another_model_in_the_bundle_is_refused(tmp_path: Path, face_models: Path) -> None:
    write_bundle(tmp_path, (face_models / "iris_landmark.tflite").read_bytes())
    with pytest.raises(VisionError, match="7 logits"):
        ExpressionModel(tmp_path, threads=1)


def test_the_portrait_smiles(shipped: Path, face_models: Path, portrait: NDArray[np.uint8]) -> None:
    with FaceReader(VisionSettings(), face_models=face_models, expression_bundle=shipped) as reader:
        (face,) = reader.read(still(portrait)).faces
        assert reader.expression_sha256 == hashlib.sha256((shipped / "model.tflite").read_bytes()).hexdigest()
    assert face.expression is not None
    assert face.expression.dtype == np.float32
    assert face.expression.sum() == pytest.approx(1, abs=1e-5)
    assert EXPRESSIONS[int(face.expression.argmax())] == "happiness"


def test_a_higher_temperature_makes_it_less_sure_of_the_same(shipped: Path, tmp_path: Path) -> None:
    shutil.copy(shipped / "model.tflite", tmp_path)
    manifest = json.loads((shipped / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"temperature": manifest["temperature"] * 4}))
    crop = np.random.default_rng(0).integers(0, 256, (48, 48), dtype=np.uint8)
    sure = ExpressionModel(shipped, threads=1).probabilities(crop)
    unsure = ExpressionModel(tmp_path, threads=1).probabilities(crop)
    assert sure.argmax() == unsure.argmax()
    assert unsure.max() < sure.max()


def test_the_expression_is_read_no_more_often_than_asked(
    shipped: Path, face_models: Path, portrait: NDArray[np.uint8]
) -> None:
    settings = VisionSettings(expression_every_s=0.5)
    with FaceReader(settings, face_models=face_models, expression_bundle=shipped) as reader:
        known = [reader.read(still(portrait, at / 10)).faces[0].expression is not None for at in range(11)]
    assert known == [True] + [False] * 4 + [True] + [False] * 4 + [True]


def test_switched_off_it_needs_no_model(face_models: Path, tmp_path: Path, portrait: NDArray[np.uint8]) -> None:
    with FaceReader(VisionSettings(expression=False), face_models=face_models, expression_bundle=tmp_path) as reader:
        assert reader.read(still(portrait)).faces[0].expression is None
        assert reader.expression_sha256 is None
