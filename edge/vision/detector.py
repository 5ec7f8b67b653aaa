"""BlazeFace short range: where faces are in a whole image (Bazarevsky et al. 2019, arXiv:1907.05047).

Anchors, decoding and suppression follow MediaPipe's face_detection_short_range graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.interpreter import Model
from edge.vision.region import Region
from edge.vision.types import Array, Box

FILE = "face_detection_short_range.tflite"
SIZE = 128
#: Of the graph's NonMaxSuppressionCalculator.
MAX_OVERLAP = 0.3
#: (cells a side, anchors a cell): one layer at stride 8 and three merged ones at stride 16, 896 anchors.
_LAYERS = ((16, 2), (8, 6))


@dataclass(frozen=True, slots=True)
class Detection:
    """One detected face.

    box: brows to chin, as the detector was trained to frame it, tighter than the landmarks' box. score: 0..1.
    keypoints: right eye, left eye, nose tip, mouth, right ear, left ear, float32 [6, 2], in pixels of the image.
    """

    box: Box
    score: float
    keypoints: Array


class Detector:
    """Finds upright faces, brows to chin at least about an eighth of the side of what is searched."""

    def __init__(self, folder: Path, threads: int, min_score: float = 0.5) -> None:
        self._model = Model.load(folder / FILE, threads)
        self._anchors = _anchors()
        self._min_score = min_score

    def detect(self, image: NDArray[np.uint8], square: Region | None = None, faint: float = 1.0) -> list[Detection]:
        """The faces in a BGR uint8 image [H, W, 3], or in an upright ``square`` of it; best score first.

        faint: the least score of what else is told of, where it overlaps none of the others.
        """
        height, width = image.shape[:2]
        if square is None:
            square = Region(width / 2, height / 2, max(width, height))
        crop = square.crop_rgb(image, SIZE, cv2.BORDER_CONSTANT)
        regressors, logits = self._model.run_image(crop, low=-1.0)
        # On the logit, so that the sigmoid is needed for survivors only.
        kept = np.flatnonzero(logits[0, :, 0] >= _logit(min(self._min_score, faint)))
        scores = 1 / (1 + np.exp(-np.clip(logits[0, kept, 0], -100, 100)))
        # Box centre, box size, then six keypoints, all in input pixels from the anchor's centre.
        values = regressors[0, kept].reshape(-1, 8, 2)
        points = values + self._anchors[kept, None]
        points[:, 1] = values[:, 1]
        scores = scores.astype(np.float32)
        sure = logits[0, kept, 0] >= _logit(self._min_score)
        found = [_in_image(*one, square) for one in _weighted_suppression(points[sure], scores[sure])]
        if sure.all():
            return found
        others = [_in_image(*one, square) for one in _weighted_suppression(points[~sure], scores[~sure])]
        return found + [one for one in others if all(one.box.iou(better.box) <= MAX_OVERLAP for better in found)]


def _logit(share: float) -> float:
    return log(share / (1 - share)) if share < 1 else inf


def _anchors() -> Array:
    """The anchors' centres in input pixels, float32 [896, 2]; their size is fixed, so it cancels."""
    layers = []
    for cells, anchors_a_cell in _LAYERS:
        centres = (np.arange(cells, dtype=np.float32) + 0.5) * SIZE / cells
        grid = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)
        layers.append(np.repeat(grid, anchors_a_cell, axis=0))
    return np.concatenate(layers)


def _weighted_suppression(points: Array, scores: Array) -> list[tuple[Array, float]]:
    """MediaPipe's weighted non-maximum suppression: overlapping detections are averaged by score, not dropped.

    points: [n, 8, 2] (centre, size, keypoints). Returns merged points and the best score of each group.
    """
    order = np.argsort(-scores, kind="stable")
    points, scores = points[order], scores[order]
    low, high = points[:, 0] - points[:, 1] / 2, points[:, 0] + points[:, 1] / 2
    areas = points[:, 1].prod(axis=1)
    left = np.arange(len(scores))
    groups = []
    while left.size:
        best = left[0]
        shared = np.minimum(high[left], high[best]) - np.maximum(low[left], low[best])
        overlap = shared.clip(min=0).prod(axis=1)
        iou = overlap / np.maximum(areas[left] + areas[best] - overlap, 1e-6)
        together = iou > MAX_OVERLAP
        together[0] = True  # a box without area overlaps not even itself
        group = left[together]
        groups.append((np.average(points[group], axis=0, weights=scores[group]), float(scores[best])))
        left = left[~together]
    return groups


def _in_image(points: Array, score: float, square: Region) -> Detection:
    step = square.side / SIZE
    corner = np.array([square.x, square.y]) - square.side / 2
    (width, height), centre = points[1] * step, points[0] * step + corner
    box = Box(float(centre[0] - width / 2), float(centre[1] - height / 2), float(width), float(height))
    return Detection(box, score, (points[2:] * step + corner).astype(np.float32))
