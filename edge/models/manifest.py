"""``manifest.json``: what vouches for an expression model, one definition for the device and the workstation.

The seal is the sha256 of the file's own bytes with the seal's 64 digits as zeros, so that no byte of the manifest
changes unnoticed, as none of the model does. It tells damage, not forgery: who rewrites a manifest can seal it anew.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from edge.models.files import ModelsError

SCHEMA = "mien-model/2"
MODEL_FILE = "model.tflite"
MANIFEST_FILE = "manifest.json"
#: The way out of a bundle that is not whole.
GET_IT_AGAIN = "get the bundle again from where it came"

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_NO_SEAL = "0" * 64
_SEAL = re.compile(rb'("seal"\s*:\s*")([0-9a-f]{64})"')

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Share = Annotated[FiniteFloat, Field(ge=0, le=1)]
Scale = Annotated[FiniteFloat, Field(gt=0)]
Dtype = Literal["int8", "uint8", "int16", "float32"]


class _Part(BaseModel):
    """What all parts share: they don't change once made, and an unknown field is a mistake."""

    # Bytes are base64 in the file (URL-safe alphabet), plain bytes in memory.
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_bytes="base64", val_json_bytes="base64")


class ModelFile(_Part):
    """The model beside the manifest. bytes: its size."""

    file: Literal["model.tflite"] = "model.tflite"
    sha256: Sha256
    bytes: int = Field(gt=0)


class Tensor(_Part):
    """How numbers are kept: ``real = (kept - zero_point) * scale``; both None for float32."""

    dtype: Dtype
    scale: Scale | None
    zero_point: int | None

    @model_validator(mode="after")
    def _quantized_has_a_scale(self) -> Self:
        if (self.dtype == "float32") != (self.scale is None) or (self.scale is None) != (self.zero_point is None):
            raise ValueError("scale and zero_point: both for an integer dtype, neither for float32")
        return self


class Input(Tensor):
    """The face that goes in, batch of one; ``range``: what grey 0 and 255 become, before quantization."""

    height: int = Field(gt=0, le=1024)
    width: int = Field(gt=0, le=1024)
    channels: int = Field(gt=0, le=4)
    color: Literal["grey"]
    range: tuple[FiniteFloat, FiniteFloat]


class Output(Tensor):
    """What comes out, one number a label."""

    kind: Literal["logits"]


class Crop(_Part):
    """The framing that the model was trained on: ``edge.vision.crop``'s function and CropMargin."""

    function: str
    scale: Scale
    down: FiniteFloat


class Data(_Part):
    """What the model learned from, and on which terms that may be used."""

    name: str = Field(min_length=1)
    terms: str = Field(min_length=1)


class Training(_Part):
    """How the float parent was made."""

    recipe: str = Field(min_length=1)
    command: str = Field(min_length=1)
    data: Data


class Quantization(_Part):
    """How the file was made of its float parent. float_operators: those left in float, by name."""

    kind: Literal["int8", "int16x8", "float16", "dynamic", "float32"]
    tool: str
    calibration_faces: int = Field(ge=0)
    seed: int
    corrupted_share: Share
    float_operators: tuple[str, ...]


class GoldenCase(_Part):
    """A face and what its maker's interpreter said of it. input: uint8 [height, width, channels], row by row."""

    input: bytes
    probabilities: tuple[Share, ...]


class Golden(_Part):
    """The self-test. tolerance: the most that any probability may differ; processors round differently."""

    tolerance: FiniteFloat = Field(gt=0, le=0.1)
    cases: tuple[GoldenCase, ...] = Field(min_length=1, max_length=32)


class Manifest(_Part):
    """The whole of ``manifest.json``. metrics is free-form; everything else has its place."""

    schema_: Literal["mien-model/2"] = Field(default="mien-model/2", alias="schema")
    name: str = Field(pattern=NAME_PATTERN)
    created: date
    model: ModelFile
    labels: tuple[str, ...] = Field(min_length=2)
    input: Input
    output: Output
    crop: Crop
    #: Wider than any calibration of a trained network: beyond it the probabilities are all the same, or 0 and 1.
    temperature: FiniteFloat = Field(ge=0.05, le=20)
    training: Training
    quantization: Quantization
    metrics: dict[str, Any]
    licence: str = Field(min_length=1)
    golden: Golden
    seal: Sha256 = _NO_SEAL

    @model_validator(mode="after")
    def _golden_cases_fit(self) -> Self:
        size = self.input.height * self.input.width * self.input.channels
        for number, case in enumerate(self.golden.cases):
            if len(case.input) != size:
                raise ValueError(f"golden.cases.{number}.input: {len(case.input)} bytes, not {size}")
            if len(case.probabilities) != len(self.labels):
                raise ValueError(f"golden.cases.{number}: {len(case.probabilities)} probabilities, not a label each")
            if abs(sum(case.probabilities) - 1) > 1e-3:
                raise ValueError(f"golden.cases.{number}: the probabilities do not add up to 1")
        return self


def seal(manifest: Manifest) -> bytes:
    """The manifest as the bytes of ``manifest.json``, sealed; whatever ``manifest.seal`` says is replaced."""
    text = manifest.model_copy(update={"seal": _NO_SEAL}).model_dump_json(by_alias=True, indent=2)
    return seal_bytes(text.encode() + b"\n")


def seal_bytes(content: bytes) -> bytes:
    """A manifest's text with its seal made anew. Raises ValueError where it has not exactly one."""
    before, _, after = _around_seal(content)
    return before + _digest(before, after).encode() + after


def parse(content: bytes, where: Path | str) -> Manifest:
    """The manifest in ``content``, once its seal is right; ``where`` is what an error message calls it.

    Raises ModelsError, in one line, where it is damaged, of another schema, or has a field too many or too few.
    """
    try:
        before, given, after = _around_seal(content)
    except ValueError as error:
        raise ModelsError(f"{where}: {error}; {GET_IT_AGAIN}") from None
    if given != _digest(before, after):
        raise ModelsError(f"{where}: damaged, its seal does not fit its content; {GET_IT_AGAIN}")
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        says = " ".join(first["msg"].removeprefix("Value error, ").split())
        raise ModelsError(f"{where}: {f'{key}: ' if key else ''}{says}; {GET_IT_AGAIN}") from None


def _around_seal(content: bytes) -> tuple[bytes, str, bytes]:
    found = list(_SEAL.finditer(content))
    if len(found) != 1:
        raise ValueError(f"not a sealed manifest of schema {SCHEMA}")
    start, end = found[0].span(2)
    return content[:start], content[start:end].decode(), content[end:]


def _digest(before: bytes, after: bytes) -> str:
    return hashlib.sha256(before + _NO_SEAL.encode() + after).hexdigest()
