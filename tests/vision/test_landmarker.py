from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.demo.puppet import Pose, Puppet
from edge.vision import Face, FaceReader, VisionError, VisionSettings
from edge.vision.landmarker import BLENDSHAPES_FILE, MESH_FILE, Landmarker
from tests.vision.clips import frames, still


@pytest.fixture(scope="module")
def task(shared: Path) -> Path:
    path = shared / "models" / "face_landmarker.task"
    if not path.is_file():
        pytest.skip(f"no {path}: it is a user's own")
    return path


def blinks(face: Face) -> tuple[float, float]:
    assert face.right_eye is not None
    assert face.left_eye is not None
    assert face.right_eye.blink is not None
    assert face.left_eye.blink is not None
    return face.right_eye.blink, face.left_eye.blink


def test_a_second_model_sees_the_sleepers_eyes_closed_and_the_waking_mans_open(
    task: Path, shared: Path, face_models: Path
) -> None:
    seen = {}
    with FaceReader(VisionSettings(landmarker=task, max_faces=1), face_models=face_models) as reader:
        for frame in frames(shared / "data" / "clips" / "eyes-close.mp4", every=8):
            seen[frame.t_s] = blinks(reader.read(frame).faces[0])
    closed = [pair for t_s, pair in seen.items() if 4.6 < t_s < 8.7]
    opened = [pair for t_s, pair in seen.items() if 1.1 < t_s < 1.9 or t_s > 9.2]
    assert np.min(closed) > 0.7
    assert np.max(opened) < 0.45


def test_it_knows_right_from_left(task: Path, face_models: Path) -> None:
    puppet = Puppet()
    with FaceReader(VisionSettings(landmarker=task), face_models=face_models) as reader:
        both_open = blinks(reader.read(still(puppet.render(Pose()))).faces[0])
        wink = blinks(reader.read(still(puppet.render(Pose(openness=(0.0, 1.0))), 0.1)).faces[0])
    assert wink[0] > both_open[0] + 0.2
    assert wink[0] > wink[1] + 0.15


def test_without_one_there_is_no_second_opinion(face_models: Path, portrait: NDArray[np.uint8]) -> None:
    with FaceReader(VisionSettings(), face_models=face_models) as reader:
        (face,) = reader.read(still(portrait)).faces
    assert face.right_eye is not None
    assert face.right_eye.blink is None


def test_it_gives_no_opinion_where_it_sees_no_face(task: Path, portrait: NDArray[np.uint8]) -> None:
    landmarks = np.random.default_rng(0).uniform(350, 500, (468, 3)).astype(np.float32)
    assert Landmarker(task, threads=1).blinks(portrait, landmarks) is None


def test_a_file_that_is_not_there_is_named_with_its_key(tmp_path: Path, face_models: Path) -> None:
    settings = VisionSettings(landmarker=tmp_path / "face_landmarker.task")
    with pytest.raises(VisionError, match=r"vision\.landmarker: .*face_landmarker\.task: No such file"):
        FaceReader(settings, face_models=face_models)


@pytest.mark.parametrize("content", [b"", b"not a zip at all", b"PK\x03\x04 and no more"])
def test_a_file_that_is_no_bundle_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.task"
    path.write_bytes(content)
    with pytest.raises(VisionError, match=r"vision\.landmarker: .*mine\.task: no face_landmarker\.task") as raised:
        Landmarker(path, threads=1)
    assert "\n" not in str(raised.value)


def bundle(path: Path, **models: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in models.items():
            file.writestr(f"{name}.tflite", content)
    return path


def test_a_bundle_without_blendshapes_is_told_so(tmp_path: Path, face_models: Path) -> None:
    mesh = (face_models / "face_landmark.tflite").read_bytes()
    with pytest.raises(VisionError, match=rf"{BLENDSHAPES_FILE}.*download it again"):
        Landmarker(bundle(tmp_path / "old.task", **{Path(MESH_FILE).stem: mesh}), threads=1)


def test_models_of_another_kind_are_refused(tmp_path: Path, face_models: Path) -> None:
    names = {
        Path(name).stem: (face_models / "iris_landmark.tflite").read_bytes() for name in (MESH_FILE, BLENDSHAPES_FILE)
    }
    with pytest.raises(VisionError, match="other shapes"):
        Landmarker(bundle(tmp_path / "other.task", **names), threads=1)


def test_a_cut_off_bundle_is_one_line(task: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.task"
    path.write_bytes(task.read_bytes()[:2_000_000])
    with pytest.raises(VisionError, match=r"cut\.task: no face_landmarker\.task"):
        Landmarker(path, threads=1)
