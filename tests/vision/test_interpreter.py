from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from edge.vision import FaceReader, VisionError, VisionSettings
from edge.vision.interpreter import Model

FILES = ("face_detection_short_range.tflite", "face_landmark.tflite", "iris_landmark.tflite")


@pytest.mark.parametrize("broken", FILES)
def test_a_cut_off_model_is_named_with_the_way_out(face_models: Path, tmp_path: Path, broken: str) -> None:
    for name in FILES:
        shutil.copy(face_models / name, tmp_path)
    path = tmp_path / broken
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(VisionError, match=f"{broken}.*install"):
        FaceReader(VisionSettings(), face_models=tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a model at all"])
def test_a_file_that_is_no_model_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "face_landmark.tflite"
    path.write_bytes(content)
    with pytest.raises(VisionError, match=r"face_landmark\.tflite"):
        Model.load(path, threads=1)


def test_missing_models_name_the_command_that_fetches_them(tmp_path: Path) -> None:
    with pytest.raises(VisionError, match="mien models install"):
        FaceReader(VisionSettings(), face_models=tmp_path)


def test_a_picture_is_spread_over_the_range_that_the_model_was_trained_on(face_models: Path) -> None:
    model = Model.load(face_models / FILES[0], threads=1)
    image = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    spread = model.run_image(image, low=-1.0)
    by_hand = model.run((image[None] / 127.5 - 1).astype(np.float32))
    for one, other in zip(spread, by_hand, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-2)
