"""From a Keras model to a bundle that the device loads, and that says the same."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from edge.vision.expression import ExpressionModel
from quantize import bundle
from quantize.calibration import balanced
from quantize.cli import main
from tests.train.faces import striped, write_csv
from tests.train.test_fit import SMALL
from train.batches import as_input
from train.data.faces import Split
from train.fit import fit
from train.metrics import softmax


def test_a_quantized_model_says_on_the_device_what_its_float_parent_says(tmp_path: Path) -> None:
    faces = striped(210)
    write_csv(faces, tmp_path)
    parent = fit(SMALL, faces, tmp_path / "run", epochs=6, report=lambda line: None)
    assert main([str(tmp_path / "run" / "model.keras"), "--data", str(tmp_path), "--calibration", "70"]) == 0

    folder = tmp_path / "run" / "bundle"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["sha256"] == hashlib.sha256((folder / "model.tflite").read_bytes()).hexdigest()
    device = ExpressionModel(folder, threads=1)
    ours = np.stack([device.probabilities(face) for face in faces.pixels[:40]])
    theirs = softmax(parent.predict(as_input(faces.pixels[:40]), verbose=0), manifest["temperature"])
    assert np.abs(ours - theirs).mean() < 0.03
    assert (ours.argmax(axis=1) == theirs.argmax(axis=1)).mean() > 0.9


def test_calibration_takes_training_faces_only_and_the_same_ones_for_a_seed() -> None:
    faces = striped(210)
    chosen = balanced(faces, 35, seed=5)
    assert chosen.shape == (35, 48, 48)
    training = {face.tobytes() for face in faces.split(Split.TRAINING).pixels}
    assert all(face.tobytes() in training for face in chosen)
    assert np.array_equal(chosen, balanced(faces, 35, seed=5))


def test_a_bundle_is_never_silently_replaced(tmp_path: Path) -> None:
    bundle.write(tmp_path / "b", b"one", {})
    with pytest.raises(FileExistsError, match="--force"):
        bundle.write(tmp_path / "b", b"two", {})
    assert (tmp_path / "b" / "model.tflite").read_bytes() == b"one"
    bundle.write(tmp_path / "b", b"two", {}, replace=True)
    assert (tmp_path / "b" / "model.tflite").read_bytes() == b"two"
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_what_is_not_a_model_is_one_line_and_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "no.keras"), "--data", str(tmp_path)]) == 2
    (tmp_path / "text.keras").write_text("hello")
    assert main([str(tmp_path / "text.keras"), "--data", str(tmp_path)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "no.keras: not found" in lines[0]
    assert "text.keras: not a Keras model" in lines[1]
