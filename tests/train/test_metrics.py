"""Figures of merit against cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from train.data.faces import Faces, Split
from train.metrics import (
    FERPLUS_EMOTIONS,
    accuracy,
    calibration_bins,
    class_scores,
    confusion,
    expected_calibration_error,
    ferplus_majority,
    fit_temperature,
    has_twin_in_training,
    macro_f1,
    recalls,
)


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


def test_confusion_counts_given_labels_down_and_readings_across() -> None:
    given = np.array([0, 0, 0, 1, 1, 2], np.uint8)
    read = np.array([0, 0, 1, 1, 0, 0])
    assert confusion(read, given, 4).tolist() == [[2, 1, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_class_scores_and_macro_f1_by_hand() -> None:
    first, second, never_found, absent = class_scores(
        np.array([[2, 1, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]])
    )
    assert (first.rows, first.precision) == (3, 0.5)
    assert first.recall == pytest.approx(2 / 3)
    assert first.f1 == pytest.approx(2 * (2 / 3) * 0.5 / (2 / 3 + 0.5))
    assert second.f1 == 0.5
    assert (never_found.recall, never_found.f1) == (0, 0)
    assert np.isnan(never_found.precision)
    assert np.isnan(absent.recall)
    # A class without rows does not count; one that is never found counts as 0.
    assert macro_f1([first, second, never_found, absent]) == pytest.approx((first.f1 + 0.5 + 0) / 3)


def test_calibration_bins_hold_what_the_error_is_made_of() -> None:
    # Two faces read with 0.7, one of them right; two with 0.9, both right.
    logits = np.log(np.array([[0.7, 0.3], [0.7, 0.3], [0.1, 0.9], [0.1, 0.9]], np.float32))
    labels = np.array([0, 1, 1, 1], np.uint8)
    bins = calibration_bins(logits, labels, bins=5)
    assert [index for index, bin_ in enumerate(bins) if bin_] == [3, 4]
    low, high = (bin_ for bin_ in bins if bin_)
    assert (low.share, low.accuracy) == (0.5, 0.5)
    assert high.confidence == pytest.approx(0.9)
    error = expected_calibration_error(logits, labels, bins=5)
    assert error == pytest.approx(0.5 * 0.2 + 0.5 * 0.1)


def test_a_majority_is_more_than_half_without_single_votes() -> None:
    # neutral, happiness, surprise, sadness, anger, disgust, fear, contempt, unknown, not a face
    votes = {
        (5, 5, 0, 0, 0, 0, 0, 0, 0, 0): None,  # no more than half
        (4, 1, 1, 1, 1, 1, 1, 0, 0, 0): "neutral",  # single votes are outliers
        (0, 0, 0, 0, 0, 0, 0, 6, 4, 0): "contempt",
        (0, 4, 0, 0, 0, 0, 0, 0, 6, 0): None,  # unknown wins
        (0, 0, 0, 0, 0, 0, 0, 0, 0, 10): None,  # not a face
        (1, 1, 1, 1, 1, 1, 1, 1, 1, 1): None,  # nothing is left
        (0, 0, 0, 0, 0, 4, 3, 0, 3, 0): None,  # the most votes, but not half
    }
    winners = ferplus_majority(np.array(list(votes), np.uint8))
    assert [FERPLUS_EMOTIONS[winner] if winner >= 0 else None for winner in winners] == list(votes.values())
