"""Figures of merit against cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from train.data.faces import Faces, Split
from train.metrics import accuracy, expected_calibration_error, fit_temperature, has_twin_in_training, recalls


def test_accuracy_and_recall() -> None:
    logits = np.array([[2, 1], [0, 1], [3, 0], [0, 2]], np.float32)
    labels = np.array([0, 1, 1, 1], np.uint8)
    assert accuracy(logits, labels) == 0.75
    assert recalls(logits, labels) == pytest.approx([1.0, 2 / 3])


def test_overconfident_logits_are_cooled_and_calibrated() -> None:
    rng = np.random.default_rng(1)
    honest = rng.normal(0, 1.5, (20000, 7)).astype(np.float32)
    powers = np.exp(honest)
    labels = np.array([rng.choice(7, p=p / p.sum()) for p in powers.astype(np.float64)], np.uint8)
    boastful = honest * 2
    temperature = fit_temperature(boastful, labels)
    assert temperature == pytest.approx(2.0, abs=0.1)
    assert expected_calibration_error(boastful, labels) > 0.1
    assert expected_calibration_error(boastful, labels, temperature) < 0.02


def test_twins_are_pixel_identical_faces_in_training() -> None:
    pixels = np.zeros((4, 48, 48), np.uint8)
    pixels[1], pixels[3] = 7, 9
    pixels[2] = pixels[1]
    splits = np.array([Split.TRAINING, Split.TRAINING, Split.PRIVATE_TEST, Split.PRIVATE_TEST], np.uint8)
    faces = Faces(pixels, np.zeros(4, np.uint8), splits)
    assert has_twin_in_training(faces, Split.PRIVATE_TEST).tolist() == [True, False]
