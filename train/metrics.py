"""Figures of merit for classifiers, from logits in numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from train.data.faces import Faces, Split

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


def negative_log_likelihood(logits: Floats, labels: Labels, temperature: float) -> float:
    """Mean negative log likelihood in nats."""
    chosen = softmax(logits, temperature)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, 1e-12)).mean())


def expected_calibration_error(logits: Floats, labels: Labels, temperature: float = 1.0, bins: int = 15) -> float:
    """Mean distance between confidence and accuracy over equal-width confidence bins (Guo et al. 2017), 0..1."""
    probabilities = softmax(logits, temperature)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    error = 0.0
    for index in range(bins):
        inside = bin_of == index
        if inside.any():
            error += inside.mean() * abs(float(right[inside].mean()) - float(confidence[inside].mean()))
    return float(error)


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
