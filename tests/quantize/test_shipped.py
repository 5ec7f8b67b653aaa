"""The model that ships: its manifest tells the truth about the file beside it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edge.models import shipped_expression
from edge.models.bundle import load_bundle
from edge.models.manifest import Manifest
from edge.vision.expression import ExpressionModel
from quantize.gate import LEAST_SPEEDUP, MOST_DROP
from quantize.measure import latencies
from train.data import Split, load_fer2013

REPORT = Path(__file__).resolve().parents[2] / "docs" / "quantization"


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    found = load_bundle(shipped_expression()).manifest
    assert found is not None
    return found


def test_the_manifest_names_what_a_user_needs_to_know(manifest: Manifest) -> None:
    assert "FER2013" in manifest.training.data.name
    assert "research use" in manifest.training.data.terms
    assert "mien-train fit mien" in manifest.training.command
    assert 0.5 < manifest.temperature < 2
    assert manifest.quantization.kind == "int8"
    assert manifest.quantization.float_operators == ()


def test_the_report_in_the_repository_is_of_the_model_that_ships(manifest: Manifest) -> None:
    facts = json.loads((REPORT / "metrics.json").read_text())
    assert facts["gate"]["passed"]
    assert facts["gate"]["points_lost"] <= MOST_DROP
    assert facts["gate"]["times_as_fast"] >= LEAST_SPEEDUP
    assert facts["model"] == manifest.name
    assert facts["temperature"] == manifest.temperature
    (shipped,) = (variant for variant in facts["variants"] if variant["name"] == facts["shipped"])
    assert shipped["private_test"]["accuracy"] == manifest.metrics["private_test"]["int8"]["accuracy"]
    assert shipped["partitions"] == 1
    text = (REPORT / "report.md").read_text()
    assert all(f"({path.name})" in text for path in REPORT.glob("*.png"))


def test_the_shipped_file_reaches_on_private_test_what_its_manifest_says(manifest: Manifest, fer2013: Path) -> None:
    faces = load_fer2013(fer2013).split(Split.PRIVATE_TEST)
    model = ExpressionModel(shipped_expression(), threads=1)
    likeliest = np.array([model.probabilities(face).argmax() for face in faces.pixels])
    accuracy = float((likeliest == faces.labels).mean())
    figures = manifest.metrics["private_test"]
    assert figures["float"]["accuracy"] - accuracy <= MOST_DROP / 100
    # Kernels of another processor may round a logit the other way in a face or two of 3,589.
    assert accuracy == pytest.approx(figures["int8"]["accuracy"], abs=0.002)


def test_interleaved_timing_times_every_model_the_same_number_of_turns() -> None:
    content = (shipped_expression() / "model.tflite").read_bytes()
    latency = latencies({"float32": content, "again": content}, threads=(1,))
    assert len(latency.turns["float32", 1]) == len(latency.turns["again", 1]) == latency.rounds
    # The same file is as fast as itself, whatever else the machine is doing.
    assert 0.5 < latency.speedup("again") < 2
