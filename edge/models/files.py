"""Where the model files lie, and whether they are the ones that were measured."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from edge.errors import MienError


class ModelsError(MienError):
    """A model file that is missing or damaged, or cannot be installed; the message names it and the way out."""


@dataclass(frozen=True, slots=True)
class FaceModel:
    """One of MediaPipe's models: ``member`` is its path in mediapipe's wheel, ``size`` is in bytes."""

    member: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """The file's name in the installed folder."""
        return Path(self.member).name


#: Byte-identical in mediapipe's wheels 0.10.21 (x86-64) and 0.10.18 (arm64), the last that bundle them.
FACE_MODELS = (
    FaceModel(
        "mediapipe/modules/face_detection/face_detection_short_range.tflite",
        229_714,
        "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
    ),
    FaceModel(
        "mediapipe/modules/face_landmark/face_landmark.tflite",
        1_242_398,
        "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
    ),
    FaceModel(
        "mediapipe/modules/iris_landmark/iris_landmark.tflite",
        2_640_568,
        "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
    ),
)


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One face model as it lies on the disk."""

    name: str
    path: Path
    state: Literal["ok", "missing", "damaged"]
    sha256: str


def face_models_folder() -> Path:
    """The face models' folder: ``$MIEN_MODELS`` where it is set, else ``face-models`` in the user's data folder."""
    if chosen := os.environ.get("MIEN_MODELS"):
        return Path(chosen).expanduser()
    return platformdirs.user_data_path("mien") / "face-models"


def shipped_expression() -> Path:
    """The expression bundle that ships inside this package: a folder of ``model.tflite`` and ``manifest.json``."""
    return Path(__file__).parent / "expression"


def status(folder: Path | None = None, models: Sequence[FaceModel] = FACE_MODELS) -> list[ModelStatus]:
    """Each face model's state in ``folder`` (default: ``face_models_folder()``), by its sha256.

    Raises ModelsError where a file is there and cannot be read.
    """
    folder = folder or face_models_folder()
    return [
        ModelStatus(model.name, folder / model.name, _state(folder / model.name, model), model.sha256)
        for model in models
    ]


def require_face_models(folder: Path | None = None, models: Sequence[FaceModel] = FACE_MODELS) -> Path:
    """The folder of the face models, once every file in it has the right sha256.

    A damaged model may load and answer nonsense without an error, so it is hashed before anything loads it.
    Raises ModelsError for a file that is missing, damaged or unreadable.
    """
    folder = folder or face_models_folder()
    found = status(folder, models)
    if missing := [model.name for model in found if model.state == "missing"]:
        raise ModelsError(f"{folder}: {', '.join(missing)} not there; run: mien models install")
    if damaged := [model.name for model in found if model.state == "damaged"]:
        raise ModelsError(f"{folder}: {', '.join(damaged)} damaged; run: mien models install --force")
    return folder


def _state(path: Path, model: FaceModel) -> Literal["ok", "missing", "damaged"]:
    try:
        with path.open("rb") as file:
            # One byte more than the model has: whatever else lies there under this name is not read whole.
            content = file.read(model.size + 1)
    except (FileNotFoundError, NotADirectoryError):
        return "missing"
    except OSError as error:
        raise ModelsError(f"{path}: cannot be read ({error.strerror})") from error
    return "ok" if hashlib.sha256(content).hexdigest() == model.sha256 else "damaged"
