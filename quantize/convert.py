"""A Keras model to TFLite, one face at a time: as it is, smaller, or in integers."""

from __future__ import annotations

import re
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TextIO, get_args

import keras
import numpy as np
import tensorflow as tf
from ai_edge_quantizer import qtyping, quantizer, recipe
from ai_edge_quantizer.algorithm_manager import AlgorithmName
from numpy.typing import NDArray
from tqdm import tqdm

from quantize.errors import QuantizeError
from quantize.graph import Operator, operators
from quantize.quiet import hushed
from train.data.faces import CLASSES, SIDE
from train.layers import AffineSample, every_layer

#: int8, int16x8: activations in integers, weights in int8. float16: weights in half precision. dynamic: weights in
#: int8, activations in float. float32: as it is.
Kind = Literal["int8", "int16x8", "float16", "dynamic", "float32"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Tool = Literal["tensorflow", "ai-edge-quantizer"]
TOOLS: tuple[Tool, ...] = get_args(Tool)

_INTEGER_OPS = {
    "int8": tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
    "int16x8": tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
}
_IO = {"int8": tf.int8, "int16x8": tf.int16}
_RECIPES = {"int8": recipe.static_wi8_ai8, "int16x8": recipe.static_wi8_ai16}


@dataclass
class Parent:
    """A Keras model and what of it stays float in its integer variants.

    keep_float: regular expressions over the names of layers and over operators' types.
    """

    model: keras.Model
    keep_float: Sequence[str] = ()

    def __post_init__(self) -> None:
        taken, given = self.model.input_shape, self.model.output_shape
        if taken[1:] not in ((SIDE, SIDE, 1), (None, None, 1)) or given[1:] != (len(CLASSES),):
            raise QuantizeError(
                f"{self.model.name}: takes {taken} and gives {given}; the device reads faces of {SIDE}×{SIDE}×1 into "
                f"{len(CLASSES)} logits"
            )

    @cached_property
    def layers(self) -> tuple[str, ...]:
        """The names of its layers, those of the models inside it among them, the last last."""
        return tuple(layer.name for layer in every_layer(self.model))

    @cached_property
    def float32(self) -> bytes:
        """The TFLite file that everything else is measured against."""
        with hushed():
            return bytes(self.converter().convert())

    @cached_property
    def kept(self) -> list[Operator]:
        """The operators that stay float: a spatial transformer by rule, and what ``keep_float`` names.

        The transformer's sampling places are a thousand steps apart where int8 has 256. Raises QuantizeError for a
        pattern that is none, or that names nothing.
        """
        every = operators(self.float32, self.layers)
        chosen = {operator.scope: operator for operator in every if self._is_transformer(operator)}
        for pattern in self.keep_float:
            try:
                found = [each for each in every if re.search(pattern, each.layer) or re.fullmatch(pattern, each.type)]
            except re.error as error:
                raise QuantizeError(f"--keep-float {pattern}: not a regular expression ({error})") from None
            if not found:
                some = ", ".join(dict.fromkeys(operator.layer for operator in every))
                raise QuantizeError(f"--keep-float {pattern}: no layer has that name; there is: {some[:200]}")
            chosen |= {operator.scope: operator for operator in found}
        return list(chosen.values())

    def tools(self, kind: Kind) -> tuple[Tool, ...]:
        """The tools that can make a variant, those that keep what must stay float."""
        if kind not in _RECIPES:
            return ("tensorflow",)
        return ("ai-edge-quantizer",) if self.kept else TOOLS

    def convert(self, kind: Kind, tool: Tool, faces: NDArray[np.float32]) -> bytes:
        """One variant, by one tool, calibrated on faces float32 [N, 48, 48, 1] in 0..1 where it is in integers.

        Raises QuantizeError for a tool that cannot.
        """
        if tool not in self.tools(kind):
            why = "makes integers alone" if kind not in _RECIPES else f"cannot leave {self.kept[0].layer} float"
            raise QuantizeError(f"--tool {tool}: {why}; for {kind} take {self.tools(kind)[0]}")
        if kind == "float32":
            return self.float32
        if tool == "ai-edge-quantizer":
            return self._by_ai_edge_quantizer(kind, faces)
        with hushed() as terminal:
            return by_tensorflow(self.converter(), kind, _counted(faces, f"{kind}, TensorFlow", terminal))

    def _is_transformer(self, operator: Operator) -> bool:
        sampling = {layer.name for layer in every_layer(self.model) if isinstance(layer, AffineSample)}
        return any(part.startswith("stn_") or part in sampling for part in operator.layer.split("/"))

    def converter(self) -> Any:  # noqa: ANN401 - TensorFlow ships no types
        """TensorFlow's converter, ready for settings; hush it."""
        return tf.lite.TFLiteConverter.from_saved_model(self._saved)

    @cached_property
    def _saved(self) -> str:
        """The model as TensorFlow saves it, once for all variants; gone with this object."""
        folder = tempfile.mkdtemp(prefix="mien-quantize-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        # A dynamic batch, which export makes of any unless told otherwise, would leave hundreds of shape operators.
        face = keras.Input((SIDE, SIDE, 1), batch_size=1, name="face")
        one_face = [tf.TensorSpec((1, SIDE, SIDE, 1), tf.float32, name="face")]
        device = keras.Model(face, self.model(face), name="device")
        # Batch norms in models inside models were exported as in training, with statistics of the one face.
        device.trainable = False
        device.export(folder, format="tf_saved_model", verbose=False, input_signature=one_face)
        return folder

    def _by_ai_edge_quantizer(self, kind: Kind, faces: NDArray[np.float32]) -> bytes:
        with hushed():
            work = quantizer.Quantizer(bytearray(self.float32))
            work.load_quantization_recipe(_RECIPES[kind]())
            for operator in self.kept:
                _leave_float(work, operator)
            calls = [{"face": face[np.newaxis]} for face in faces]
            ranges = work.calibrate({"serving_default": calls}, num_threads=1)
            return bytes(work.quantize(ranges, enable_progress_report=False).quantized_model)


def by_tensorflow(converter: Any, kind: Kind, faces: Iterable[NDArray[np.float32]]) -> bytes:  # noqa: ANN401
    """A variant by TensorFlow's converter, calibrated on faces float32 [48, 48, 1] where it is in integers.

    It cannot leave parts float, and is silently wrong about a spatial transformer.
    """
    if kind != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if kind in _INTEGER_OPS:
        converter.representative_dataset = lambda: ([face[np.newaxis]] for face in faces)
        converter.target_spec.supported_ops = [_INTEGER_OPS[kind]]
        converter.inference_input_type = converter.inference_output_type = _IO[kind]
    return bytes(converter.convert())


def _leave_float(work: quantizer.Quantizer, operator: Operator) -> None:
    """A rule for this operator alone, by its outputs' names as ai-edge-quantizer joins them."""
    if operator.type in set(qtyping.TFLOperationName):  # it leaves any other float by itself
        work.update_quantization_recipe(
            f"^{re.escape(operator.name)};$",
            qtyping.TFLOperationName(operator.type),
            algorithm_key=AlgorithmName.NO_QUANTIZE,
        )


def _counted(faces: NDArray[np.float32], title: str, terminal: TextIO) -> Iterable[NDArray[np.float32]]:
    return tqdm(faces, title, unit="face", leave=False, disable=None, file=terminal)
