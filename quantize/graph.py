"""What is inside a ``.tflite`` file: its operators, and how LiteRT shares them out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from quantize.quiet import hushed

_TYPES = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
_DTYPES = {code: name.lower() for name, code in vars(schema.TensorType).items() if not name.startswith("_")}
#: What the converter calls the last operator, whichever layer that was.
_WHOLE = "StatefulPartitionedCall"
#: Operators that only carry numbers from one kind to another.
BRIDGES = ("QUANTIZE", "DEQUANTIZE")


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator.

    type: LiteRT's name for it. scope: the names of its outputs, which hold the Keras layers that it was fused of,
    without the name that the converter gives the whole; name: with it. layer: the one of these layers to call it by.
    dtype: its output's. inputs: the scopes of the operators that feed it. output: its tensor's number.
    """

    type: str
    scope: str
    layer: str
    dtype: str
    inputs: tuple[str, ...]
    output: int
    name: str

    @property
    def is_float(self) -> bool:
        """Whether it computes in float."""
        return self.dtype in ("float32", "float16") and self.type not in BRIDGES


def operators(content: bytes, layers: Sequence[str] = ()) -> list[Operator]:
    """The operators of a model's first graph in the order in which they run.

    layers: Keras's names, the last layer last.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    graph = model.subgraphs[0]
    names = [tensor.name.decode() for tensor in graph.tensors]
    made_by: dict[int, str] = {}
    known = frozenset(layers)
    found = []
    for operator in graph.operators:
        if len(operator.outputs) == 0:
            continue  # it gives nothing on, as CALL_ONCE
        code = model.operatorCodes[operator.opcodeIndex]
        name = ";".join(names[index] for index in operator.outputs)
        scope = ";".join(part.split("/", 1)[-1] for part in name.split(";"))
        for index in operator.outputs:
            made_by[int(index)] = scope
        first = graph.tensors[operator.outputs[0]]
        kind = _TYPES[max(code.builtinCode, code.deprecatedBuiltinCode)]
        found.append(
            Operator(
                kind,
                scope,
                _layer(scope, known) or (layers[-1] if layers and name.startswith(_WHOLE) else kind.lower()),
                _DTYPES[first.type],
                tuple(made_by[int(index)] for index in operator.inputs if int(index) in made_by),
                int(operator.outputs[0]),
                name,
            )
        )
    return found


def float_layers(found: Iterable[Operator]) -> tuple[str, ...]:
    """The layers whose operators compute in float, each once, in order."""
    return tuple(dict.fromkeys(operator.layer for operator in found if operator.is_float))


def partitions(content: bytes) -> list[frozenset[int]]:
    """The operators, by number, in each piece that LiteRT's default delegate (XNNPACK) takes on this machine."""
    details = interpreter(content)._get_ops_details()
    pieces = [detail for detail in details if detail["op_name"] == "DELEGATE"]
    makers = {int(tensor): detail for detail in details if detail not in pieces for tensor in detail["outputs"]}
    return [_between(piece, makers) for piece in pieces]


def _between(piece: Mapping[str, Any], makers: Mapping[int, Mapping[str, Any]]) -> frozenset[int]:
    """LiteRT doesn't say what a piece replaced: it is whatever leads from its inputs to its outputs."""
    inside: set[int] = set()
    given = {int(tensor) for tensor in piece["inputs"]}
    wanted = [int(tensor) for tensor in piece["outputs"]]
    while wanted:
        maker = makers.get(wanted.pop())
        if maker is not None and maker["index"] not in inside:
            inside.add(maker["index"])
            wanted += [int(tensor) for tensor in maker["inputs"] if int(tensor) not in given]
    return frozenset(inside)


def interpreter(content: bytes, threads: int = 1, *, delegate: bool = True, keep_all: bool = False) -> Any:  # noqa: ANN401
    """A model in LiteRT, ready to run. delegate: with XNNPACK. keep_all: every tensor can be read afterwards."""
    resolver = OpResolverType.AUTO if delegate else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    with hushed():
        loaded = Interpreter(
            model_content=content,
            num_threads=threads,
            experimental_op_resolver_type=resolver,
            experimental_preserve_all_tensors=keep_all,
        )
        loaded.allocate_tensors()
    return loaded


def feed(loaded: Any, face: NDArray[np.float32]) -> None:  # noqa: ANN401
    """Give an interpreter its one input, float32 in its shape ([1, 48, 48, 1]), in the numbers that it takes."""
    (detail,) = loaded.get_input_details()
    if detail["dtype"] != np.float32:
        scale, zero_point = detail["quantization"]
        limits = np.iinfo(detail["dtype"])
        face = np.clip(np.rint(face / scale + zero_point), limits.min, limits.max).astype(detail["dtype"])
    loaded.set_tensor(detail["index"], face)


def read(loaded: Any, detail: Mapping[str, Any]) -> NDArray[np.float32]:  # noqa: ANN401
    """A tensor's values in real numbers, float32; ``detail``: as the interpreter describes the tensor."""
    scale, zero_point = detail["quantization"]
    values = loaded.get_tensor(detail["index"]).astype(np.float32)
    return np.asarray((values - zero_point) * np.float32(scale), np.float32) if scale else values


def _layer(scope: str, known: frozenset[str]) -> str:
    """The layer to call an operator by: of what was fused, the one with the weights, else the shortest name."""
    paths, weighty = [], []
    for part in scope.split(";"):
        *places, what = part.split("/")
        plain = (place if place in known else re.sub(r"_\d+$", "", place) for place in places)
        if path := "/".join(place for place in plain if place in known):
            paths.append(path)
            if re.match("convolution|depthwise|separable_conv|MatMul", what):
                weighty.append(path)
    return min(reversed(weighty or paths), key=len, default="")
