from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.vision import Face, FaceReader, VisionSettings, interpreter
from edge.vision.int8_weights import LEAST, pays, with_int8_weights
from edge.vision.interpreter import Model
from edge.vision.iris import eye_width
from tests.vision.clips import still

FILES = ("face_landmark.tflite", "iris_landmark.tflite")


@pytest.mark.parametrize("file", FILES)
def test_a_model_keeps_its_shape_and_shrinks(face_models: Path, file: str) -> None:
    given = (face_models / file).read_bytes()
    made = with_int8_weights(given)
    assert len(made) < 0.9 * len(given)
    assert made == with_int8_weights(given), "the same each time"
    before, after = Model(given, "given", 1), Model(made, "made", 1)
    assert (after.input_shape, after.output_shapes) == (before.input_shape, before.output_shapes)
    assert {str(kind) for kind in (after.input_type, *after.output_types)} == {"float32"}


@pytest.mark.parametrize("file", FILES)
def test_large_convolutions_alone_are_changed_and_never_the_last(face_models: Path, file: str) -> None:
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    made = with_int8_weights((face_models / file).read_bytes())
    graph = schema.ModelT.InitFromObj(schema.Model.GetRootAs(made, 0)).subgraphs[0]
    in_int8 = {at: tensor for at, tensor in enumerate(graph.tensors) if tensor.type == schema.TensorType.INT8}
    assert len(in_int8) >= 10
    assert all(np.prod(tensor.shape) >= LEAST for tensor in in_int8.values())
    assert all(len(tensor.quantization.scale) == tensor.shape[0] for tensor in in_int8.values())
    for operator in graph.operators:
        if not in_int8.keys().isdisjoint(operator.inputs):
            assert np.prod(graph.tensors[operator.outputs[0]].shape[1:3]) > 1


@pytest.mark.parametrize("file", FILES)
def test_where_all_convolutions_are_small_nothing_changes(face_models: Path, file: str) -> None:
    given = (face_models / file).read_bytes()
    assert with_int8_weights(given, least=10**9) == given


@given(st.binary(max_size=200))
def test_what_is_no_model_is_left_as_it_is(content: bytes) -> None:
    assert with_int8_weights(content) == content


@given(st.data())
def test_a_cut_off_model_is_left_as_it_is(face_models: Path, data: st.DataObject) -> None:
    whole = (face_models / FILES[0]).read_bytes()
    cut = whole[: data.draw(st.integers(0, len(whole) // 2))]
    assert with_int8_weights(cut) == cut


def test_landmarks_stay_within_a_hundredth_of_the_eye(
    face_models: Path, portrait: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreter, "pays", lambda: True)
    as_given, made = (_read(portrait, face_models, int8_weights=asked) for asked in (False, True))
    assert as_given.right_eye is not None
    assert made.right_eye is not None
    width = eye_width(as_given.right_eye.contour)
    for one, other in (
        (as_given.landmarks, made.landmarks),
        (as_given.right_eye.contour, made.right_eye.contour),
        (as_given.right_eye.iris, made.right_eye.iris),
    ):
        off = np.linalg.norm(one[:, :2] - other[:, :2], axis=1) / width
        assert 0 < off.mean() < 0.01


def test_without_the_instruction_the_models_run_as_they_are_given(
    face_models: Path, portrait: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreter, "pays", lambda: False)
    one, other = (_read(portrait, face_models, int8_weights=asked) for asked in (False, True))
    np.testing.assert_array_equal(one.landmarks, other.landmarks)


@pytest.mark.parametrize(
    ("line", "has"),
    [
        ("Features\t: fp asimd evtstrm crc32 cpuid", False),  # a Raspberry Pi 4
        ("Features\t: fp asimd evtstrm aes crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp", True),  # a 5
        ("flags\t\t: fpu avx2 avx512f avx512_vnni", True),
        ("flags\t\t: fpu avx2 fma avx_vnni_int16", False),
        ("", False),
    ],
)
def test_the_instruction_is_looked_up_in_what_linux_tells(tmp_path: Path, line: str, has: bool) -> None:
    told = tmp_path / "cpuinfo"
    told.write_text(f"processor\t: 0\n{line}\n")
    assert pays(told) == has
    assert not pays(tmp_path / "none")


def _read(picture: NDArray[np.uint8], face_models: Path, *, int8_weights: bool) -> Face:
    with FaceReader(VisionSettings(int8_weights=int8_weights), face_models=face_models) as reader:
        (face,) = reader.read(still(picture)).faces
    return face
