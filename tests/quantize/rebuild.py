"""A float TFLite file back into a TensorFlow function, for models whose Keras parent nobody gave out."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

_PADDING = {schema.Padding.SAME: "SAME", schema.Padding.VALID: "VALID"}
_DTYPES = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.FLOAT16: np.float16,
    schema.TensorType.INT32: np.int32,
}


def rebuild(content: bytes) -> Any:
    """A ``tf.function`` from the model's one input to a dict ``y0``, ``y1`` … of its outputs.

    Knows the operators of MediaPipe's face models, no more; weights in half precision become float32.
    """
    graph = _Graph(content)
    return tf.function(graph.run, input_signature=[tf.TensorSpec(graph.input_shape, tf.float32, name="x")])


class _Graph:
    def __init__(self, content: bytes) -> None:
        self._model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(bytearray(content), 0))
        self._graph = self._model.subgraphs[0]

    @property
    def input_shape(self) -> list[int]:
        return [int(size) for size in self._graph.tensors[self._graph.inputs[0]].shape]

    def run(self, x: Any) -> dict[str, Any]:
        values = {int(self._graph.inputs[0]): x}

        def read(index: int) -> Any:
            return values[index] if index in values else tf.constant(self._constant(index))

        for operator in self._graph.operators:
            inputs = [int(index) for index in operator.inputs]
            values[int(operator.outputs[0])] = self._apply(operator, inputs, read)
        return {f"y{at}": values[int(index)] for at, index in enumerate(self._graph.outputs)}

    def _apply(self, operator: Any, inputs: list[int], read: Any) -> Any:
        code = self._model.operatorCodes[operator.opcodeIndex]
        kind, options = max(code.builtinCode, code.deprecatedBuiltinCode), operator.builtinOptions
        builtin = schema.BuiltinOperator
        if kind == builtin.DEQUANTIZE:
            return tf.cast(read(inputs[0]), tf.float32)
        if kind == builtin.CONV_2D:
            weights = tf.transpose(read(inputs[1]), (1, 2, 3, 0))
            strides = [1, options.strideH, options.strideW, 1]
            y = tf.nn.conv2d(read(inputs[0]), weights, strides, _PADDING[options.padding]) + read(inputs[2])
            return _activated(y, options)
        if kind == builtin.DEPTHWISE_CONV_2D:
            weights = tf.transpose(read(inputs[1]), (1, 2, 3, 0))
            strides = [1, options.strideH, options.strideW, 1]
            y = tf.nn.depthwise_conv2d(read(inputs[0]), weights, strides, _PADDING[options.padding])
            return _activated(y + read(inputs[2]), options)
        if kind == builtin.PRELU:
            # As Keras writes it, which the converter knows again.
            return tf.nn.relu(read(inputs[0])) + -read(inputs[1]) * tf.nn.relu(-read(inputs[0]))
        if kind == builtin.ADD:
            return _activated(read(inputs[0]) + read(inputs[1]), options)
        if kind == builtin.MAX_POOL_2D:
            size, step = (options.filterHeight, options.filterWidth), (options.strideH, options.strideW)
            return tf.nn.max_pool2d(read(inputs[0]), size, step, _PADDING[options.padding])
        if kind == builtin.PAD:
            return tf.pad(read(inputs[0]), self._constant(inputs[1]))
        if kind == builtin.RESHAPE:
            return tf.reshape(read(inputs[0]), list(self._graph.tensors[operator.outputs[0]].shape))
        raise ValueError(f"operator {kind} is none of the face models'")

    def _constant(self, index: int) -> NDArray[Any]:
        tensor = self._graph.tensors[index]
        data = bytes(bytearray(self._model.buffers[tensor.buffer].data))
        return np.frombuffer(data, _DTYPES[tensor.type]).reshape(tensor.shape)


def _activated(y: Any, options: Any) -> Any:
    return tf.nn.relu(y) if options.fusedActivationFunction == schema.ActivationFunctionType.RELU else y
