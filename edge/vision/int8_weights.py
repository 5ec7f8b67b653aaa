"""A float model's large convolutions with their weights in int8, where the processor has an instruction for that.

What runs through the model stays float: LiteRT puts each convolution's input into int8 as it comes, by its own range
(XNNPACK's dynamically quantized convolutions), and its sums back into float. So nothing is calibrated, a face that is
unlike all others cannot run over, and the weights are a quarter as long: less to fetch in every frame. Quantized
whole, MediaPipe's mesh and iris model are off by 3 % of the eye's width and take six times as long, as LiteRT has no
quick PReLU in int8. How far these are off and how long they take: docs/speed/face-models.md, which
``python -m tests.quantize.face_models`` writes.
"""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from numpy.typing import NDArray

#: Convolutions with fewer weights stay float: to put their input into int8 takes longer than it saves. The iris model
#: takes 1.07 ms as it is, 0.93 with all 55 in int8, 0.80 with the 44 that have so many and are not its last; the mesh
#: 1.17, 1.66 and 1.10 (one Xeon core with AVX-512 VNNI; the next larger and smaller powers of two as good or worse).
LEAST = 8192
#: In ``/proc/cpuinfo``: products of four pairs of bytes, summed, in one step. Without it bytes gain little.
_DOT_PRODUCT = frozenset({"asimddp", "avx_vnni", "avx512_vnni"})


@cache
def pays(told: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this processor has an instruction for it; False where Linux does not tell."""
    try:
        text = told.read_text()
    except OSError:
        return False
    return not _DOT_PRODUCT.isdisjoint(text.split())


def with_int8_weights(content: bytes, least: int = LEAST) -> bytes:
    """The ``.tflite`` file ``content`` with int8 weights, one scale a channel, in convolutions of ``least`` and more.

    As it was where nothing can be done: no such convolution, no schema to read it by, or no model.
    """
    try:
        from ai_edge_litert import schema_py_generated as schema
    except ImportError:  # tflite_runtime comes without
        return content
    try:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    except (struct.error, AttributeError, LookupError, TypeError, ValueError):
        return content  # no model; who loads it says so
    if not _Graph(model, schema).to_int8(least):
        return content
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


class _Graph:
    """A model's first graph, to be changed in place."""

    def __init__(self, model: Any, schema: Any) -> None:  # noqa: ANN401 - LiteRT ships no types
        self._model, self._schema = model, schema
        self._tensors = model.subgraphs[0].tensors
        self._made_by = {operator.outputs[0]: operator for operator in model.subgraphs[0].operators}

    def to_int8(self, least: int) -> int:
        """How many convolutions have their weights in int8 now."""
        graph, changed = self._model.subgraphs[0], 0
        for operator in graph.operators:
            if self._code(operator) != self._schema.BuiltinOperator.CONV_2D:
                continue
            _, kernel, *bias = operator.inputs
            weights = self._constant(kernel)
            if weights is None or weights.size < least or self._names_places(operator):
                continue
            scale = np.abs(weights).max(axis=(1, 2, 3)) / 127
            scale[scale == 0] = 1
            quantized = np.rint(weights / scale[:, None, None, None]).astype(np.int8)
            inputs = [operator.inputs[0], self._add(kernel, quantized, scale), *bias]
            for at, index in enumerate(bias, 2):
                # A float16 one, widened by an operator of its own, would not do beside such weights.
                values = self._constant(index)
                if values is not None:
                    inputs[at] = self._add(index, values)
            operator.inputs = np.array(inputs, np.int32)
            changed += 1
        self._drop_unused()
        return changed

    def _drop_unused(self) -> None:
        """Takes out what widened the weights that were replaced, and these weights."""
        graph, asked_for = self._model.subgraphs[0], self._asked_for()
        graph.operators = [one for one in graph.operators if not asked_for.isdisjoint(one.outputs)]
        kept = {self._tensors[at].buffer for at in self._asked_for() if at >= 0}
        for tensor in self._tensors:
            if tensor.buffer not in kept:
                self._model.buffers[tensor.buffer].data = None

    def _asked_for(self) -> set[int]:
        """The tensors that an operator takes, or the graph gives; -1 for what an operator goes without."""
        graph = self._model.subgraphs[0]
        return {*graph.outputs, *(index for operator in graph.operators for index in operator.inputs)}

    def _names_places(self, operator: Any) -> bool:  # noqa: ANN401
        """Whether it is one of the last, which see the whole picture at once and say where things are.

        Most of the error is theirs: with them in int8 as well the iris model is off by 0.45 % of the eye's width and
        reads eyes 0.003 further open, without by 0.15 %; the mesh by 0.58 % and 0.23 %.
        """
        _, rows, columns, _ = self._tensors[operator.outputs[0]].shape
        return bool(rows == columns == 1)

    def _code(self, operator: Any) -> int:  # noqa: ANN401
        code = self._model.operatorCodes[operator.opcodeIndex]
        return int(max(code.builtinCode, code.deprecatedBuiltinCode))

    def _constant(self, index: int) -> NDArray[np.float32] | None:
        """The values of a tensor that is there in float32, or in float16 and is widened; None of any other."""
        kinds = self._schema.TensorType
        if index < 0:
            return None  # a convolution without a bias
        tensor, maker = self._tensors[index], self._made_by.get(index)
        if maker is not None and self._code(maker) == self._schema.BuiltinOperator.DEQUANTIZE:
            tensor = self._tensors[maker.inputs[0]]
        data = self._model.buffers[tensor.buffer].data
        dtype = {kinds.FLOAT32: np.float32, kinds.FLOAT16: np.float16}.get(tensor.type)
        if data is None or dtype is None:
            return None
        return np.frombuffer(data.tobytes(), dtype).reshape(tensor.shape).astype(np.float32)

    def _add(self, like: int, values: NDArray[Any], scale: NDArray[np.float32] | None = None) -> int:
        """Adds a constant with another's name; returns its index. scale: of int8, one for each of its first axis."""
        schema, tensor, buffer = self._schema, self._schema.TensorT(), self._schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        tensor.name, tensor.shape = self._tensors[like].name, list(values.shape)
        tensor.buffer = len(self._model.buffers) - 1
        tensor.type = schema.TensorType.FLOAT32 if scale is None else schema.TensorType.INT8
        if scale is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = scale, np.zeros(len(scale), np.int64)
        self._tensors.append(tensor)
        return len(self._tensors) - 1
