"""TFLite metadata: what a model takes and gives, inside its own file, for whatever tool meets it without a manifest.

Written as TensorFlow's ``metadata_schema.fbs`` (1.0.0) lays it down: a buffer called ``TFLITE_METADATA`` in the
model, and ``labels.txt`` as a zip archive after it, which ``unzip -l`` shows. The library that used to write this,
tflite-support, is dead, so the few tables are built here by the numbers of their fields in that schema.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

METADATA = "TFLITE_METADATA"
LABELS_FILE = "labels.txt"
_IDENTIFIER = b"M001"
_MIN_PARSER_VERSION = "1.0.0"

# Values of the schema's enums and unions.
_TENSOR_AXIS_LABELS = np.int8(2)
_IMAGE_PROPERTIES = np.uint8(2)
_GRAYSCALE = np.int8(2)
_NORMALIZATION_OPTIONS = np.uint8(1)


def with_metadata(model: bytes, name: str, description: str, licence: str, labels: Sequence[str], side: int) -> bytes:
    """The model with metadata and labels; what it computes stays as it is.

    The input is described as a grey picture of 0..255 that is divided by 255 before quantization.
    """
    whole = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    whole.metadata = [each for each in whole.metadata or [] if each.name.decode() != METADATA]
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(_tables(name, description, licence, side), np.uint8)
    whole.buffers.append(buffer)
    entry.name, entry.buffer = METADATA, len(whole.buffers) - 1
    whole.metadata.append(entry)
    builder = flatbuffers.Builder(len(model) + 4096)
    builder.Finish(whole.Pack(builder), b"TFL3")
    file = io.BytesIO(bytes(builder.Output()))
    with zipfile.ZipFile(file, "a") as archive:
        # A ZipInfo of its own has a fixed date: the same model gives the same bytes.
        archive.writestr(zipfile.ZipInfo(LABELS_FILE), "".join(f"{label}\n" for label in labels))
    return file.getvalue()


def _tables(name: str, description: str, licence: str, side: int) -> bytes:
    size = {0: np.uint32(side), 1: np.uint32(side)}
    face = {
        0: "face",
        1: "one face, grey 0..255, framed as FER2013 frames it; divided by 255, then quantized",
        3: {0: _IMAGE_PROPERTIES, 1: {0: _GRAYSCALE, 1: size}},
        4: [{0: _NORMALIZATION_OPTIONS, 1: {0: [0.0], 1: [255.0]}}],  # mean and deviation
        5: {0: [1.0], 1: [0.0]},  # greatest and least after that
    }
    expression = {
        0: "expression",
        1: "logits of the apparent expression; softmax makes them probabilities",
        6: [{0: LABELS_FILE, 1: "the classes in the order of the output", 2: _TENSOR_AXIS_LABELS}],
    }
    root = {0: name, 1: description, 3: [{2: [face], 3: [expression]}], 5: licence, 7: _MIN_PARSER_VERSION}
    builder = flatbuffers.Builder(1024)
    builder.Finish(_written(builder, root), _IDENTIFIER)
    return bytes(builder.Output())


def _written(builder: flatbuffers.Builder, value: Any) -> int:  # noqa: ANN401 - any of the kinds below
    """Writes a text, a list of floats or tables, or a table, which is a mapping of its fields' numbers; returns where.

    Numpy's integers say how wide they are.
    """
    if isinstance(value, str):
        return int(builder.CreateString(value))
    if isinstance(value, list):
        floats = isinstance(value[0], float)
        parts = value if floats else [_written(builder, each) for each in value]
        builder.StartVector(4, len(parts), 4)
        for part in reversed(parts):
            (builder.PrependFloat32 if floats else builder.PrependUOffsetTRelative)(part)
        return int(builder.EndVector())
    places = {field: _written(builder, each) for field, each in value.items() if not isinstance(each, np.integer)}
    builder.StartObject(max(value) + 1)
    for field, each in value.items():
        if field in places:
            builder.PrependUOffsetTRelativeSlot(field, places[field], 0)
        else:
            getattr(builder, f"Prepend{type(each).__name__.title()}Slot")(field, int(each), 0)
    return int(builder.EndObject())
