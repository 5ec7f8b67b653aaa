"""The figures of a manifest and of ``metrics.json``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from train import metrics
from train.data.faces import CLASSES, Faces, Split


def split_figures(faces: Faces, split: Split, logits: NDArray[np.float32], temperature: float) -> dict[str, Any]:
    """What logits float32 [N, 7] come to on one split of a data set, rounded for people."""
    labels = faces.split(split).labels
    alone = ~metrics.has_twin_in_training(faces, split)
    return {
        "faces": len(labels),
        "accuracy": round(metrics.accuracy(logits, labels), 4),
        "accuracy_without_twins": round(metrics.accuracy(logits[alone], labels[alone]), 4) if alone.any() else None,
        "recall": {
            name: None if np.isnan(recall) else round(recall, 4)
            for name, recall in zip(CLASSES, metrics.recalls(logits, labels), strict=True)
        },
        "expected_calibration_error": {
            "raw": round(metrics.expected_calibration_error(logits, labels), 4),
            "at_temperature": round(metrics.expected_calibration_error(logits, labels, temperature), 4),
        },
    }
