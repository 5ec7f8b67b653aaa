"""What a tool without our manifest finds inside the shipped file, read by the numbers of the published schema."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edge.models import shipped_expression
from edge.vision.interpreter import Model
from edge.vision.types import EXPRESSIONS
from quantize.metadata import with_metadata


class _Table:
    """A flatbuffers table read by its fields' numbers."""

    def __init__(self, buffer: bytes, place: int) -> None:
        self._table = flatbuffers.table.Table(buffer, place)

    @classmethod
    def root(cls, buffer: bytes) -> _Table:
        return cls(buffer, flatbuffers.encode.Get(flatbuffers.packer.uoffset, buffer, 0))

    def _offset(self, field: int) -> int:
        offset: int = self._table.Offset(4 + 2 * field)
        assert offset, f"field {field} is missing"
        return offset

    def text(self, field: int) -> str:
        said: bytes = self._table.String(self._offset(field) + self._table.Pos)
        return said.decode()

    def number(self, field: int, flags: Any) -> int:
        return int(self._table.Get(flags, self._offset(field) + self._table.Pos))

    def table(self, field: int) -> _Table:
        return _Table(self._table.Bytes, self._table.Indirect(self._offset(field) + self._table.Pos))

    def tables(self, field: int) -> list[_Table]:
        start = self._table.Vector(self._offset(field))
        count = self._table.VectorLen(self._offset(field))
        return [_Table(self._table.Bytes, self._table.Indirect(start + 4 * index)) for index in range(count)]

    def floats(self, field: int) -> list[float]:
        return list(self._table.GetVectorAsNumpy(flatbuffers.number_types.Float32Flags, self._offset(field)))


@pytest.fixture(scope="module")
def content() -> bytes:
    return (shipped_expression() / "model.tflite").read_bytes()


@pytest.fixture(scope="module")
def metadata(content: bytes) -> _Table:
    model = schema.Model.GetRootAs(content, 0)
    named = {model.Metadata(index).Name(): model.Metadata(index).Buffer() for index in range(model.MetadataLength())}
    buffer = model.Buffers(named[b"TFLITE_METADATA"]).DataAsNumpy().tobytes()
    assert buffer[4:8] == b"M001"  # the schema's file identifier
    return _Table.root(buffer)


def test_the_shipped_file_names_itself_and_its_licence(metadata: _Table) -> None:
    assert metadata.text(0) == "mien"
    assert metadata.text(1) == "apparent expression of one face; not a feeling, not an identity"
    assert "Apache-2.0" in metadata.text(5)
    assert metadata.text(7) == "1.0.0"


def test_the_shipped_files_input_is_a_grey_picture_divided_by_255(metadata: _Table) -> None:
    int8, uint8, uint32 = (getattr(flatbuffers.number_types, f"{name}Flags") for name in ("Int8", "Uint8", "Uint32"))
    (graph,) = metadata.tables(3)
    (face,) = graph.tables(2)
    assert face.text(0) == "face"
    shown = face.table(3)
    assert shown.number(0, uint8) == 2  # ContentProperties.ImageProperties
    assert shown.table(1).number(0, int8) == 2  # ColorSpaceType.GRAYSCALE
    size = shown.table(1).table(1)
    assert (size.number(0, uint32), size.number(1, uint32)) == (48, 48)
    (unit,) = face.tables(4)
    assert unit.number(0, uint8) == 1  # ProcessUnitOptions.NormalizationOptions
    assert (unit.table(1).floats(0), unit.table(1).floats(1)) == ([0.0], [255.0])


def test_the_shipped_files_labels_lie_in_it_as_an_archive_in_the_outputs_order(
    content: bytes, metadata: _Table
) -> None:
    (graph,) = metadata.tables(3)
    (expression,) = graph.tables(3)
    (labels,) = expression.tables(6)
    assert labels.number(2, flatbuffers.number_types.Int8Flags) == 2  # AssociatedFileType.TENSOR_AXIS_LABELS
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.read(labels.text(0)).decode().split() == list(EXPRESSIONS)


@pytest.mark.skipif(shutil.which("unzip") is None, reason="unzip is not installed")
def test_unzip_lists_the_shipped_files_labels() -> None:
    listed = subprocess.run(
        ["unzip", "-l", shipped_expression() / "model.tflite"], capture_output=True, text=True, check=True
    )
    assert "labels.txt" in listed.stdout


def test_metadata_changes_nothing_that_the_model_says_and_is_the_same_each_time(content: bytes) -> None:
    again = with_metadata(content, "twice", "described twice", "none", ["a", "b"], 48)
    assert again == with_metadata(content, "twice", "described twice", "none", ["a", "b"], 48)
    names = [each.name for each in schema.ModelT.InitFromObj(schema.Model.GetRootAs(again, 0)).metadata]
    assert names.count(b"TFLITE_METADATA") == 1
    picture = np.random.default_rng(0).integers(0, 256, (48, 48, 1), np.uint8)
    before, after = (Model(each, "a model", threads=1).run_image(picture)[0] for each in (content, again))
    assert np.array_equal(before, after)
