"""The mediapipe backend. Most of it runs in mediapipe's own environment only, which ``make parity`` makes."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from edge.camera.frame import Frame
from edge.vision import FaceReader, VisionError, VisionSettings
from edge.vision.mediapipe_backend import MediaPipeFinder
from tests.parity.compare import load
from tests.parity.pictures import portraits

SETTINGS = VisionSettings(backend="mediapipe", expression=False, max_faces=2)
installed = importlib.util.find_spec("mediapipe") is not None
needs_mediapipe = pytest.mark.skipif(not installed, reason="mediapipe is not installed here; make parity runs this")


@pytest.mark.skipif(installed, reason="mediapipe is installed here")
def test_without_mediapipe_one_line_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(VisionError, match=r"mediapipe is not installed; .*pip install 'mien\[mediapipe\]'"):
        FaceReader(SETTINGS, face_models=tmp_path)


def test_a_release_that_reports_usage_is_never_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mediapipe-0.10.31.dist-info").mkdir()
    (tmp_path / "mediapipe-0.10.31.dist-info" / "METADATA").write_text("Name: mediapipe\nVersion: 0.10.31\n")
    (tmp_path / "mediapipe.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(VisionError, match=r"mediapipe 0\.10\.31 has no mp\.solutions"):
        MediaPipeFinder(SETTINGS)


def test_a_broken_mediapipe_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if installed:
        pytest.skip("mediapipe is installed here, and whole")
    (tmp_path / "mediapipe-0.10.21.dist-info").mkdir()
    (tmp_path / "mediapipe-0.10.21.dist-info" / "METADATA").write_text("Name: mediapipe\nVersion: 0.10.21\n")
    (tmp_path / "mediapipe.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(VisionError, match=r"cannot be imported \(libGL\.so\.1: cannot open"):
        MediaPipeFinder(SETTINGS)


@needs_mediapipe
def test_the_plain_mesh_is_mediapipes_own_in_pixels() -> None:
    (name, image), *_ = portraits()
    finder = MediaPipeFinder(VisionSettings(backend="mediapipe", eyes=False))
    (face,) = finder.find(image, 0.0)
    finder.close()
    wanted = np.array(load()[name]["meshes"][0]).reshape(-1, 2)
    assert face.landmarks.shape == (468, 3)
    assert face.landmarks.dtype == np.float32
    np.testing.assert_allclose(face.landmarks[:, :2], wanted, atol=0.1)
    assert face.eyes is None


@needs_mediapipe
def test_the_reader_gets_open_eyes_from_the_attention_mesh_while_it_follows_the_face(tmp_path: Path) -> None:
    (_, image), *_ = portraits()
    with FaceReader(SETTINGS, face_models=tmp_path) as reader:
        seen = [reader.read(Frame(image, t_s=at / 10, wall_time=0.0, seq=at, camera="portrait")) for at in range(3)]
        nobody = reader.read(Frame(np.zeros_like(image), t_s=0.3, wall_time=0.0, seq=3, camera="portrait"))
    assert {observation.eye_source for observation in seen} == {"attention"}
    assert len({face.track_id for observation in seen for face in observation.faces}) == 1
    (face,) = seen[-1].faces
    for eye, outer, inner in ((face.right_eye, 33, 133), (face.left_eye, 263, 362)):
        assert eye is not None
        assert eye.contour.shape == (71, 3)
        assert eye.iris.shape == (5, 3)
        assert eye.aspect_ratio is not None
        assert 0.25 < eye.aspect_ratio < 0.45
        corners = sorted(face.landmarks[[outer, inner], 0])
        assert corners[0] < eye.iris[0, 0] < corners[1], "each iris lies in its own eye"
        assert eye.iris[1, 0] > eye.iris[0, 0] > eye.iris[3, 0], "right, centre and left of the picture"
        assert eye.iris[2, 1] < eye.iris[0, 1] < eye.iris[4, 1], "top, centre and bottom"
    assert nobody.faces == ()
