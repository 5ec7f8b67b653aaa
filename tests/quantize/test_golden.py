"""Faces that are nobody's, and how far an answer to them may be off."""

from __future__ import annotations

import numpy as np

from edge.models import shipped_expression
from edge.models.bundle import load_bundle
from quantize import golden


def test_the_same_seed_draws_the_same_faces_and_another_others() -> None:
    assert np.array_equal(golden.faces(3, 8), golden.faces(3, 8))
    assert not np.array_equal(golden.faces(3, 8), golden.faces(4, 8))
    assert golden.faces(0, 2).shape == (2, 48, 48)
    assert golden.fields(0).shape == (4, 48, 48)
    assert min(np.ptp(face) for face in golden.faces(0, 50)) > 60  # none is blank


def test_for_every_class_that_comes_out_the_surest_picture_is_taken() -> None:
    pictures = np.arange(4, dtype=np.uint8)[:, None, None] + np.zeros((1, 48, 48), np.uint8)
    logits = np.array([[2, 0, 0], [5, 0, 0], [0, 0, 1], [0, 0, 0.5]], np.float32)
    assert golden.surest(pictures, logits)[:, 0, 0].tolist() == [1, 2]


def test_the_tolerance_is_a_margin_over_what_differs_here_within_bounds() -> None:
    assert golden.tolerance(0.0) == 0.02
    assert golden.tolerance(0.02) == 0.06
    assert golden.tolerance(0.9) == 0.1


def test_the_shipped_golden_faces_bring_out_most_classes_and_stay_within_tolerance_in_every_way_of_running() -> None:
    bundle = load_bundle(shipped_expression())
    manifest = bundle.manifest
    assert manifest is not None
    cases = manifest.golden.cases
    assert len({int(np.argmax(case.probabilities)) for case in cases}) >= 5
    pictures = np.stack([np.frombuffer(case.input, np.uint8).reshape(48, 48) for case in cases])
    assert golden.spread(bundle.content, pictures, manifest.temperature) <= manifest.golden.tolerance
