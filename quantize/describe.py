"""The manifest of a bundle: everything that the device checks and a person asks, about one file."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.models.manifest import (
    Crop,
    Data,
    Golden,
    GoldenCase,
    Input,
    Manifest,
    ModelFile,
    Output,
    Quantization,
    Training,
)
from edge.vision.crop import FER2013_MARGIN
from edge.vision.expression import CROP_FUNCTION, calibrated
from edge.vision.interpreter import Model
from quantize import golden
from quantize.convert import Kind
from quantize.metadata import with_metadata
from train.data.faces import CLASSES, SIDE

DATA = Data(
    name="FER2013 (Goodfellow et al. 2013) with FERPlus votes (Barsoum et al. 2016)",
    terms="FERPlus labels: MIT. FER2013: given out for a Kaggle competition, no explicit licence; research use.",
)
LICENCE = "Apache-2.0 for the weights as far as the data's terms allow; see training.data.terms"
DESCRIPTION = "apparent expression of one face; not a feeling, not an identity"


@dataclass(frozen=True, slots=True)
class Making:
    """How a file came about: the recipe and command of its float parent, and its own quantization."""

    recipe: str
    command: str
    kind: Kind
    tool: str
    calibration_faces: int
    seed: int
    corrupted_share: float
    float_layers: tuple[str, ...]


def final_file(content: bytes, name: str) -> bytes:
    """The file of a bundle: the converted one with metadata and labels inside."""
    return with_metadata(content, name, DESCRIPTION, LICENCE, CLASSES, SIDE)


def manifest(
    content: bytes, name: str, making: Making, temperature: float, metrics: Mapping[str, Any]
) -> tuple[Manifest, float]:
    """The manifest of a file, not yet sealed, and by how much its golden answers differ on this machine (0..1)."""
    model = Model(content, name, threads=1)
    answers, spread = _golden(content, model, making.seed, temperature)
    taken, (given,) = model.input_type, model.output_types
    return Manifest(
        name=name,
        created=datetime.date.today(),
        model=ModelFile(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content)),
        labels=CLASSES,
        input=Input(
            height=SIDE,
            width=SIDE,
            channels=1,
            color="grey",
            range=(0.0, 1.0),
            dtype=taken.dtype,
            scale=taken.scale,
            zero_point=taken.zero_point,
        ),
        output=Output(kind="logits", dtype=given.dtype, scale=given.scale, zero_point=given.zero_point),
        crop=Crop(function=CROP_FUNCTION, scale=FER2013_MARGIN.scale, down=FER2013_MARGIN.down),
        temperature=temperature,
        training=Training(recipe=making.recipe, command=making.command, data=DATA),
        quantization=Quantization(
            kind=making.kind,
            tool=making.tool,
            calibration_faces=making.calibration_faces,
            seed=making.seed,
            corrupted_share=making.corrupted_share,
            float_operators=making.float_layers,
        ),
        metrics=dict(metrics),
        licence=LICENCE,
        golden=answers,
    ), spread


def _golden(content: bytes, model: Model, seed: int, temperature: float) -> tuple[Golden, float]:
    def logits(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.concatenate([model.run_image(picture[:, :, np.newaxis])[0] for picture in pictures])

    faces = golden.faces(seed)
    pictures = np.concatenate([golden.surest(faces, logits(faces)), golden.fields(seed)])
    answers = calibrated(logits(pictures), temperature)
    spread = golden.spread(content, pictures, temperature)
    cases = [
        GoldenCase(input=picture.tobytes(), probabilities=tuple(round(float(p), 6) for p in answer))
        for picture, answer in zip(pictures, answers, strict=True)
    ]
    return Golden(tolerance=golden.tolerance(spread), cases=tuple(cases)), spread
