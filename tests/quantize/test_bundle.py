"""From a Keras model to a bundle that the device loads, and that says the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.models.bundle import load_bundle
from edge.vision.expression import ExpressionModel
from quantize import bundle
from quantize.cli import main
from quantize.errors import QuantizeError
from tests.quantize.models import stripes_reader
from tests.train.faces import striped, write_csv
from train.batches import as_input
from train.metrics import softmax


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, its data, and the bundle and report that one command made of them."""
    folder = tmp_path_factory.mktemp("run")
    write_csv(striped(210), folder)
    stripes_reader().save(folder / "model.keras")
    arguments = [str(folder / "model.keras"), "--data", str(folder), "--calibration", "70", "--no-gate"]
    assert main([*arguments, "--report", str(folder / "report")]) == 0
    return folder


def test_a_quantized_model_says_on_the_device_what_its_float_parent_says(run: Path) -> None:
    faces = striped(40)
    device = ExpressionModel(run / "bundle", threads=1)
    manifest = load_bundle(run / "bundle").manifest
    assert manifest is not None
    ours = np.stack([device.probabilities(face) for face in faces.pixels])
    theirs = softmax(stripes_reader().predict(as_input(faces.pixels), verbose=0), manifest.temperature)
    assert np.abs(ours - theirs).mean() < 0.03
    assert (ours.argmax(axis=1) == theirs.argmax(axis=1)).all()


def test_the_manifest_says_how_the_model_was_made_and_what_it_reaches(run: Path) -> None:
    manifest = load_bundle(run / "bundle").manifest
    assert manifest is not None
    assert (manifest.name, manifest.quantization.kind) == ("stripes", "int8")
    assert manifest.quantization.calibration_faces == 70
    assert manifest.quantization.float_operators == ()
    assert manifest.input.dtype == manifest.output.dtype == "int8"
    assert manifest.input.scale == pytest.approx(1 / 255, rel=0.01)
    assert manifest.metrics["private_test"]["int8"]["accuracy"] == 1
    assert manifest.training.command == "mien-train fit stripes --data FOLDER"


def test_the_report_compares_all_variants_and_shows_parity_and_pictures(run: Path) -> None:
    facts: dict[str, Any] = json.loads((run / "report" / "metrics.json").read_text())
    assert {variant["kind"] for variant in facts["variants"]} == {"int8", "int16x8", "float16", "dynamic", "float32"}
    assert {variant["tool"] for variant in facts["variants"] if variant["kind"] == "int8"} == {
        "tensorflow",
        "ai-edge-quantizer",
    }
    assert all(variant["latency_ms"]["1"] > 0 for variant in facts["variants"])
    assert facts["layers"][0]["layer"] == "templates"
    text = (run / "report" / "report.md").read_text()
    for line in ("| Keras, float32 | 31 | 100.00 %", "| TFLite, float32 | 31 | 100.00 %", "| TFLite, int8, "):
        assert line in text
    assert "| CONV_2D | 1 | 1 | 0 | 1 |" in text
    pictures = sorted(path.name for path in (run / "report").glob("*.png"))
    assert pictures == ["agreement.png", "golden.png", "layers.png", "variants.png"]
    assert all(f"({name})" in text for name in pictures)


def test_a_model_that_the_gate_stops_is_not_written_and_ends_with_1(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "stopped"
    arguments = [str(run / "model.keras"), "--data", str(run), "--calibration", "7", "--out", str(out)]
    # So small a model has next to nothing to be faster at.
    assert main([*arguments, "--tool", "ai-edge-quantizer"]) == 1
    said = capsys.readouterr()
    assert "times as fast as float32 at one thread, less than 2" in said.out
    assert f"{out}: not written" in said.err
    assert not out.exists()


def test_a_bundle_is_never_silently_replaced(tmp_path: Path) -> None:
    bundle.write(tmp_path / "b", b"one", b"{}")
    with pytest.raises(QuantizeError, match="--force"):
        bundle.write(tmp_path / "b", b"two", b"{}")
    assert (tmp_path / "b" / "model.tflite").read_bytes() == b"one"
    bundle.write(tmp_path / "b", b"two", b"{}", replace=True)
    assert (tmp_path / "b" / "model.tflite").read_bytes() == b"two"
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_a_folder_that_is_no_bundle_is_never_replaced_at_all(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(QuantizeError, match="not a bundle, so it is not replaced"):
        bundle.write(tmp_path, b"two", b"{}", replace=True)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_what_is_not_a_model_is_one_line_and_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "no.keras"), "--data", str(tmp_path)]) == 2
    (tmp_path / "text.keras").write_text("hello")
    assert main([str(tmp_path / "text.keras"), "--data", str(tmp_path)]) == 2
    (tmp_path / "bundle").mkdir()
    assert main([str(tmp_path / "text.keras"), "--data", str(tmp_path)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert "no.keras: not found" in lines[0]
    assert "text.keras: not a Keras model" in lines[1]
    assert "bundle: exists already" in lines[2]
