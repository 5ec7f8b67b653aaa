"""The apparent expression of one face, from the shipped model bundle."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, ValidationError

from edge.vision.backend import VisionError
from edge.vision.crop import SIZE
from edge.vision.interpreter import Model
from edge.vision.types import EXPRESSIONS, Array


class _Input(BaseModel):
    height: int
    width: int
    channels: int


class _Manifest(BaseModel):
    """What the device needs of ``manifest.json``; whatever else is in it is for people."""

    name: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    labels: tuple[str, ...]
    temperature: float = Field(gt=0)
    input: _Input


class ExpressionModel:
    """A bundle (``model.tflite`` with ``manifest.json``), hashed before the interpreter sees it.

    Damaged weights load without an error more often than not, and answer nonsense.
    """

    def __init__(self, bundle: Path, threads: int) -> None:
        """Loads the bundle. Raises VisionError naming the file that is missing, damaged or of another kind."""
        path = bundle / "model.tflite"
        manifest = _read_manifest(bundle / "manifest.json")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise VisionError(f"{path}: {error.strerror or error}; install the model bundle again") from None
        if hashlib.sha256(content).hexdigest() != manifest.sha256:
            raise VisionError(f"{path}: damaged, its sha256 is not the manifest's; install the model bundle again")
        self._model = Model(content, str(path), threads)
        shapes = (self._model.input_shape, self._model.output_shapes)
        if shapes != ((1, SIZE, SIZE, 1), [(1, len(EXPRESSIONS))]):
            raise VisionError(f"{path}: takes {shapes[0]} and gives {shapes[1]}, not a face in and 7 logits out")
        self._temperature = manifest.temperature
        #: Hex digest of ``model.tflite``; events carry it.
        self.sha256 = manifest.sha256
        self.name = manifest.name

    def probabilities(self, crop: NDArray[np.uint8]) -> Array:
        """Calibrated probabilities, float32 [7] in the order of EXPRESSIONS, of an expression crop uint8 [48, 48]."""
        (logits,) = self._model.run_image(crop[:, :, None])
        scaled = logits[0] / self._temperature
        exponentials = np.exp(scaled - scaled.max())
        return np.asarray(exponentials / exponentials.sum(), dtype=np.float32)


def _read_manifest(path: Path) -> _Manifest:
    try:
        manifest = _Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise VisionError(f"{path}: {error.strerror or error}; install the model bundle again") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise VisionError(f"{path}: {where}: {first['msg']}; install the model bundle again") from None
    if manifest.labels != EXPRESSIONS:
        raise VisionError(f"{path}: labels: must be {', '.join(EXPRESSIONS)}, in this order")
    if manifest.input != _Input(height=SIZE, width=SIZE, channels=1):
        raise VisionError(f"{path}: input: must be {SIZE} × {SIZE} × 1")
    return manifest
