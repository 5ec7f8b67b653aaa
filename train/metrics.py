"""Figures of merit for classifiers, from logits in numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.data.faces import FERPLUS_COLUMNS, Faces, Split

Floats = NDArray[np.float32]
Labels = NDArray[np.uint8]


def softmax(logits: Floats, temperature: float = 1.0) -> Floats:
    """Probabilities, float32 [N, C], of logits [N, C] divided by a temperature."""
    scaled = logits / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def accuracy(logits: Floats, labels: Labels) -> float:
    """Share of rows whose likeliest class is the label."""
    return float((logits.argmax(axis=1) == labels).mean())


def recalls(logits: Floats, labels: Labels) -> list[float]:
    """Per class, the share of its rows that are found; nan for a class without rows."""
    found = logits.argmax(axis=1) == labels
    return [float(found[labels == c].mean()) if (labels == c).any() else float("nan") for c in range(logits.shape[1])]


def confusion(predicted: NDArray[np.intp], labels: Labels, classes: int) -> NDArray[np.intp]:
    """Counts [classes, classes]: rows are the given labels, columns what was predicted."""
    cells = labels.astype(np.intp) * classes + predicted
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How one class fares; a share of nothing is nan.

    recall: share of its rows that are found. precision: share of what is taken for it that is it. f1: their
    harmonic mean, 0 where its rows are never found.
    """

    rows: int
    recall: float
    precision: float
    f1: float


def class_scores(counts: NDArray[np.intp]) -> list[ClassScore]:
    """One score a class, of a confusion matrix."""
    scores = []
    for found, rows, taken in zip(counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0), strict=True):
        recall = found / rows if rows else float("nan")
        precision = found / taken if taken else float("nan")
        f1 = 2 * found / (rows + taken) if rows + taken else float("nan")
        scores.append(ClassScore(int(rows), float(recall), float(precision), float(f1)))
    return scores


def macro_f1(scores: list[ClassScore]) -> float:
    """Unweighted mean of F1 over the classes that have rows."""
    return float(np.mean([score.f1 for score in scores if score.rows]))


def negative_log_likelihood(logits: Floats, labels: Labels, temperature: float) -> float:
    """Mean negative log likelihood in nats."""
    chosen = softmax(logits, temperature)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, 1e-12)).mean())


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """The rows whose confidence lies in one of equally wide bins: their share of all, mean confidence, accuracy."""

    share: float
    confidence: float
    accuracy: float


def calibration_bins(
    logits: Floats, labels: Labels, temperature: float = 1.0, bins: int = 15
) -> list[CalibrationBin | None]:
    """A reliability diagram from confidence 0 to 1; None where a bin is empty."""
    probabilities = softmax(logits, temperature)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    insides = [bin_of == index for index in range(bins)]
    return [
        CalibrationBin(float(inside.mean()), float(confidence[inside].mean()), float(right[inside].mean()))
        if inside.any()
        else None
        for inside in insides
    ]


def expected_calibration_error(logits: Floats, labels: Labels, temperature: float = 1.0, bins: int = 15) -> float:
    """Mean distance between confidence and accuracy over equal-width confidence bins (Guo et al. 2017), 0..1."""
    filled = [bin_ for bin_ in calibration_bins(logits, labels, temperature, bins) if bin_]
    return sum(bin_.share * abs(bin_.accuracy - bin_.confidence) for bin_ in filled)


def fit_temperature(logits: Floats, labels: Labels) -> float:
    """The temperature of least negative log likelihood (Guo et al. 2017), to three digits, within 0.25..4."""
    low, high = 0.25, 4.0
    for _ in range(6):
        grid = np.linspace(low, high, 17)
        best = int(np.argmin([negative_log_likelihood(logits, labels, float(t)) for t in grid]))
        low, high = float(grid[max(0, best - 1)]), float(grid[min(16, best + 1)])
    return round((low + high) / 2, 3)


def has_twin_in_training(faces: Faces, split: Split) -> NDArray[np.bool_]:
    """For each row of a split, whether Training holds a pixel-identical face."""
    training = {face.tobytes() for face in faces.split(Split.TRAINING).pixels}
    return np.array([face.tobytes() in training for face in faces.split(split).pixels], bool)


#: FERPlus's emotions: its columns without unknown and not-a-face.
FERPLUS_EMOTIONS = FERPLUS_COLUMNS[:8]


def ferplus_majority(votes: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Each row's index into FERPLUS_EMOTIONS where its voters agree on one, otherwise -1; votes uint8 [N, 10].

    Barsoum et al. 2016, "majority", as in their code: single votes are outliers and dropped; of the rest, one
    column must hold more than half; rows won by unknown or not-a-face are left out.
    """
    kept = np.where(votes > 1, votes, 0).astype(np.intp)
    winner = kept.argmax(axis=1)
    agreed = (2 * kept.max(axis=1) > kept.sum(axis=1)) & (winner < len(FERPLUS_EMOTIONS))
    return np.where(agreed, winner, -1)
