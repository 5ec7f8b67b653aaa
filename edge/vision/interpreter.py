"""One ``.tflite`` file in LiteRT."""

from __future__ import annotations

import math
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.vision.backend import VisionError
from edge.vision.int8_weights import pays, with_int8_weights
from edge.vision.types import Array


def _interpreter_class() -> Any:  # noqa: ANN401 - LiteRT ships no types
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        try:
            from tflite_runtime.interpreter import Interpreter
        except ImportError:
            raise VisionError(
                "no interpreter for .tflite models is installed; run: pip install ai-edge-litert"
            ) from None
        warnings.warn(
            "ai-edge-litert is not installed: tflite_runtime runs int8 models several times slower",
            RuntimeWarning,
            stacklevel=3,
        )
    return Interpreter


@contextmanager
def _native_stderr_hushed() -> Iterator[None]:
    """LiteRT's native side announces its delegate on file descriptor 2, and has no switch for that.

    What goes wrong while a model loads comes as an exception as well, so nothing is missed.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@dataclass(frozen=True, slots=True)
class TensorType:
    """How a tensor keeps numbers, ``real = (kept - zero_point) * scale``; a float's scale and zero point are None."""

    dtype: str
    scale: float | None
    zero_point: int | None

    def __str__(self) -> str:
        return self.dtype if self.scale is None else f"{self.dtype} of scale {self.scale:g} from {self.zero_point}"

    def agrees(self, other: TensorType) -> bool:
        """Whether these are the same; scales to a float32's precision, as the model file keeps them."""
        if (self.dtype, self.zero_point) != (other.dtype, other.zero_point):
            return False
        return self.scale == other.scale or (
            self.scale is not None and other.scale is not None and math.isclose(self.scale, other.scale, rel_tol=1e-6)
        )


#: Hears of each run of any model, just before it: the interpreter, and the index of its input tensor. Only for who
#: measures what the models alone would take (``edge.bench``).
listener: Callable[[Any, int], None] | None = None


class Model:
    """A model with one input, ready to run.

    Quantized inputs and outputs are converted by the tensors' own scale and zero point, so callers see
    float32 only.
    """

    def __init__(self, content: bytes, name: str, threads: int) -> None:
        """Loads ``content``; ``name`` is what an error message calls it. Raises VisionError where it is no model."""
        interpreter_class = _interpreter_class()
        self._name = name
        try:
            with _native_stderr_hushed():
                self._interpreter = interpreter_class(model_content=content, num_threads=threads)
                self._interpreter.allocate_tensors()
            (self._input,) = self._interpreter.get_input_details()
        except (ValueError, RuntimeError, TypeError) as error:
            raise VisionError(f"{name}: not a model that LiteRT can run ({_reason(error)}); install it again") from None
        self._outputs: list[dict[str, Any]] = self._interpreter.get_output_details()
        self._image_shape = self.input_shape[1:]
        self._tables: dict[tuple[float, float], NDArray[Any]] = {}

    @classmethod
    def load(cls, path: Path, threads: int, *, int8_weights: bool = False) -> Model:
        """Reads a ``.tflite`` file. Raises VisionError naming the file where it is missing or broken.

        int8_weights: whether its large convolutions are to have them where that pays (``edge.vision.int8_weights``).
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise VisionError(f"{path}: {error.strerror or error}; run: mien models install") from None
        return cls(with_int8_weights(content) if int8_weights and pays() else content, str(path), threads)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The input tensor's shape, batch first."""
        return tuple(int(size) for size in self._input["shape"])

    @property
    def output_shapes(self) -> list[tuple[int, ...]]:
        """The output tensors' shapes, in the model's order."""
        return [tuple(int(size) for size in output["shape"]) for output in self._outputs]

    @property
    def input_type(self) -> TensorType:
        """How the input tensor keeps numbers."""
        return _type(self._input)

    @property
    def output_types(self) -> list[TensorType]:
        """How the output tensors keep numbers, in the model's order."""
        return [_type(output) for output in self._outputs]

    def run_image(self, image: NDArray[np.uint8], low: float = 0.0, high: float = 1.0) -> list[Array]:
        """Runs the model on a uint8 image [H, W, channels] whose 0..255 is spread over ``low``..``high``."""
        if image.shape != self._image_shape:
            raise ValueError(f"{self._name} takes {self._image_shape}, not {image.shape}")
        # Straight into the model's own memory: an array on the way would take longer to fill than this does in all.
        # LiteRT does not run while anybody holds a view of that memory, so it must not outlive this.
        (tensor,) = self._interpreter.tensor(self._input["index"])()
        if tensor.dtype == np.float32:
            spread(image, low, high, tensor)
        else:
            np.take(self._table(low, high), image, out=tensor)
        del tensor
        return self._invoke()

    def run(self, x: Array) -> list[Array]:
        """Runs the model on ``x``, float32 of ``input_shape``; returns its outputs as float32, in the model's order.

        Raises VisionError where the model turns out not to run, which a damaged one may only now.
        """
        self._interpreter.set_tensor(self._input["index"], _quantized(x, self._input))
        return self._invoke()

    def _table(self, low: float, high: float) -> NDArray[Any]:
        """What each of a pixel's 256 levels is to a quantized input."""
        table = self._tables.get((low, high))
        if table is None:
            levels = spread(np.arange(256, dtype=np.uint8), low, high, np.empty(256, np.float32))
            table = self._tables[low, high] = _quantized(levels, self._input)
        return table

    def _invoke(self) -> list[Array]:
        if listener is not None:
            listener(self._interpreter, self._input["index"])
        try:
            self._interpreter.invoke()
        except RuntimeError as error:
            raise VisionError(f"{self._name}: does not run in LiteRT ({_reason(error)}); install it again") from None
        return [_dequantized(self._interpreter.get_tensor(output["index"]), output) for output in self._outputs]


def spread(image: NDArray[np.uint8], low: float, high: float, out: Array) -> Array:
    """Pixels 0..255 over ``low``..``high`` into ``out``, float32 of their shape; returns it."""
    np.copyto(out, image)
    out *= (high - low) / 255
    if low:
        out += low
    return out


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _type(tensor: dict[str, Any]) -> TensorType:
    dtype = np.dtype(tensor["dtype"])
    if dtype.kind == "f":
        return TensorType(dtype.name, None, None)
    scale, zero_point = tensor["quantization"]
    return TensorType(dtype.name, float(scale), int(zero_point))


def _quantized(x: Array, tensor: dict[str, Any]) -> NDArray[Any]:
    dtype = tensor["dtype"]
    if dtype == np.float32:
        return x
    scale, zero_point = tensor["quantization"]
    limits = np.iinfo(dtype)
    quantized: NDArray[Any] = np.clip(np.rint(x / scale + zero_point), limits.min, limits.max).astype(dtype)
    return quantized


def _dequantized(values: NDArray[Any], tensor: dict[str, Any]) -> Array:
    if values.dtype == np.float32:
        return values
    scale, zero_point = tensor["quantization"]
    return np.asarray((values.astype(np.float32) - zero_point) * scale, dtype=np.float32)
