"""Where a quantized model goes astray: every layer's output beside its float parent's, on the same faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from quantize.graph import BRIDGES, Operator, feed, interpreter, operators, read


@dataclass(frozen=True, slots=True)
class LayerError:
    """How far a layer's output is from the float parent's.

    error: root mean square of the difference over that of the parent's output. inherited: the greatest error among
    the layers that feed it.
    """

    layer: str
    type: str
    dtype: str
    error: float
    inherited: float

    @property
    def added(self) -> float:
        """What this layer adds to the error, were it independent of what it inherits."""
        return float(np.sqrt(max(0.0, self.error**2 - self.inherited**2)))


def layer_errors(
    parent: bytes, variant: bytes, faces: NDArray[np.float32], layers: Sequence[str] = ()
) -> list[LayerError]:
    """The layers of a variant that its float32 parent has too, in order, compared on faces float32 [N, 48, 48, 1].

    Both run in LiteRT's own kernels: XNNPACK keeps no tensor but its last to be looked at.
    """
    theirs = {operator.scope: operator for operator in operators(parent, layers) if operator.dtype == "float32"}
    ours = [each for each in operators(variant, layers) if each.scope in theirs and each.type not in BRIDGES]
    squares = np.zeros((2, len(ours)))
    float_model, model = (interpreter(content, delegate=False, keep_all=True) for content in (parent, variant))
    details, float_details = ({each["index"]: each for each in m.get_tensor_details()} for m in (model, float_model))
    for face in tqdm(faces, "layer by layer", unit="face", leave=False, disable=None):
        for loaded in (float_model, model):
            feed(loaded, face[np.newaxis])
            loaded.invoke()
        for index, operator in enumerate(ours):
            right = read(float_model, float_details[theirs[operator.scope].output])
            squares[0, index] += np.square(read(model, details[operator.output]) - right).sum()
            squares[1, index] += np.square(right).sum()
    # A layer that gives nothing but zeros has no scale to measure an error by.
    relative = np.sqrt(squares[0] / np.maximum(squares[1], 1e-30))
    errors = {operator.scope: float(error) for operator, error in zip(ours, relative, strict=True)}
    return [
        LayerError(operator.layer, operator.type, operator.dtype, errors[operator.scope], _inherited(operator, errors))
        for operator in ours
    ]


def to_blame(errors: Sequence[LayerError], count: int = 3) -> list[LayerError]:
    """The layers that add most to the error, worst first."""
    return sorted(errors, key=lambda layer: -layer.added)[:count]


def _inherited(operator: Operator, errors: dict[str, float]) -> float:
    return max((errors[scope] for scope in operator.inputs if scope in errors), default=0.0)
