"""The faces that set the ranges: of Training, of every class, as the device sees them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.vision import interpreter
from edge.vision.interpreter import Model
from quantize.calibration import as_the_device_feeds, balanced
from tests.train.faces import striped
from train.data.faces import Split


def test_calibration_takes_training_faces_of_every_class_and_the_same_ones_for_a_seed() -> None:
    faces = striped(210)
    chosen = balanced(faces, 35, seed=5)
    assert chosen.shape == (35, 48, 48)
    training = faces.split(Split.TRAINING)
    label_of = {face.tobytes(): label for face, label in zip(training.pixels, training.labels, strict=True)}
    labels = [label_of[face.tobytes()] for face in chosen]
    assert np.bincount(labels).tolist() == [5] * 7
    # Mixed, since ai-edge-quantizer forgets what it saw twenty faces ago.
    assert sorted(labels) != labels
    assert np.array_equal(chosen, balanced(faces, 35, seed=5))
    assert not np.array_equal(chosen, balanced(faces, 35, seed=6))


@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_a_share_of_the_faces_is_darkened_or_blurred(share: float) -> None:
    faces = striped(210)
    training = {face.tobytes() for face in faces.split(Split.TRAINING).pixels}
    chosen = balanced(faces, 70, seed=0, corrupted_share=share)
    assert sum(face.tobytes() not in training for face in chosen) == round(70 * share)
    assert np.array_equal(chosen, balanced(faces, 70, seed=0, corrupted_share=share))


def test_calibration_feeds_what_the_device_feeds(monkeypatch: pytest.MonkeyPatch) -> None:
    from edge.models import shipped_expression

    fed: list[NDArray[np.int8]] = []
    model = Model.load(shipped_expression() / "model.tflite", threads=1)

    def keep(running: Any, index: int) -> None:
        fed.append(running.get_tensor(index))

    monkeypatch.setattr(interpreter, "listener", keep)
    pixels = np.arange(2 * 48 * 48, dtype=np.uint32).reshape(2, 48, 48).astype(np.uint8)
    for face in pixels:
        model.run_image(face[:, :, np.newaxis])
    for face in as_the_device_feeds(pixels):
        model.run(face[np.newaxis])
    assert np.array_equal(np.concatenate(fed[:2]), np.concatenate(fed[2:]))
