"""Small made-up data sets whose classes can be told apart."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from train.data.faces import CLASSES, FERPLUS_COLUMNS, Faces, Split


def striped(count: int, seed: int = 0) -> Faces:
    """Faces of stripes whose width is their class; 70 % Training, the rest half and half."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % len(CLASSES)
    rows = np.arange(48)
    pixels = np.stack([np.tile(128 + 90 * np.sign(np.sin(rows / (1 + label))), (48, 1)) for label in labels])
    noisy = np.clip(pixels + rng.normal(0, 12, pixels.shape), 0, 255).astype(np.uint8)
    splits = np.where(np.arange(count) < 0.7 * count, Split.TRAINING, Split.PUBLIC_TEST)
    splits[np.arange(count) >= 0.85 * count] = Split.PRIVATE_TEST
    return Faces(noisy, labels.astype(np.uint8), splits.astype(np.uint8))


def write_csv(faces: Faces, folder: Path, votes: bool = False) -> Path:
    """Write faces as Kaggle and FERPlus give them out; returns the CSV's path."""
    names = ["Training", "PublicTest", "PrivateTest"]
    path = folder / "fer2013.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["emotion", "pixels", "Usage"])
        for pixels, label, split in zip(faces.pixels, faces.labels, faces.splits, strict=True):
            writer.writerow([label, " ".join(map(str, pixels.ravel())), names[split]])
    if votes:
        with (folder / "fer2013new.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["Usage", "Image name", *FERPLUS_COLUMNS[:-1], "NF"])
            for row, (label, split) in enumerate(zip(faces.labels, faces.splits, strict=True)):
                cast = [0] * 10
                cast[FERPLUS_COLUMNS.index(CLASSES[label])] = 8
                cast[FERPLUS_COLUMNS.index("unknown")] = 2
                writer.writerow([names[split], f"fer{row:07d}.png", *cast])
    return path
