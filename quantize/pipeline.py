"""From a Keras model to a bundle, and to everything that its report says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

import train.layers  # noqa: F401 - makes our own layers known to load_model
from edge.models.manifest import Manifest, seal
from quantize import bundle
from quantize.calibration import as_the_device_feeds, balanced
from quantize.compare import LayerError, layer_errors
from quantize.convert import KINDS, Kind, Parent, Tool
from quantize.describe import Making, final_file, manifest
from quantize.errors import QuantizeError
from quantize.figures import split_figures
from quantize.gate import Verdict, judge
from quantize.graph import Operator, float_layers, operators, partitions
from quantize.measure import Latency, Score, affordable, latencies, logits, score
from train import metrics
from train.data import Faces, Split, load_fer2013

Floats = NDArray[np.float32]

#: A variant that LiteRT has no fast kernels for is measured on as many faces as it reads in this time.
_MOST_SECONDS = 40.0
#: PublicTest faces on which layers are compared: errors are means over thousands of values a face already.
_COMPARED = 48
_SPLITS = (Split.PUBLIC_TEST, Split.PRIVATE_TEST)


@dataclass(frozen=True, slots=True)
class Options:
    """What a user may choose; None for the tool: both are tried, and the one that keeps more is taken."""

    model: Path
    data: Path
    out: Path
    kind: Kind = "int8"
    tool: Tool | None = None
    keep_float: tuple[str, ...] = ()
    calibration: int = 700
    seed: int = 0
    corrupted_share: float = 0.25
    made_with: str | None = None
    replace: bool = False
    every_variant: bool = False
    gate: bool = True


@dataclass(slots=True)
class Variant:
    """One file and what was measured of it. name: for tables; private: on PrivateTest or the first part of it."""

    name: str
    kind: Kind
    tool: Tool
    content: bytes
    graph: list[Operator]
    pieces: list[frozenset[int]]
    private: Score
    public: Score | None = None
    answers: dict[Split, Floats] = field(default_factory=dict)


@dataclass(slots=True)
class Outcome:
    """All that is known in the end. keras: the parent's own scores; shipped: of variants, the bundle's."""

    options: Options
    name: str
    parameters: int
    keras: dict[Split, Score]
    parent_answers: dict[Split, Floats]
    variants: list[Variant]
    shipped: Variant
    latency: Latency
    errors: list[LayerError]
    verdict: Verdict | None
    temperature: float
    manifest: Manifest
    golden_spread: float
    written: bool


def quantize(options: Options, say: Callable[[str], None] = print) -> Outcome:
    """Convert, choose, measure, judge, and write the bundle if the gate lets it (or is not asked).

    Raises QuantizeError and DataError for what the user can mend.
    """
    if not options.model.is_file():
        raise QuantizeError(f"{options.model}: not found; mien-train fit makes one")
    bundle.check_free(options.out, replace=options.replace)
    model = load(options.model)
    faces = load_fer2013(options.data)
    parent = Parent(model, options.keep_float)
    say(f"{options.model}: {model.name}, {model.count_params():,} parameters")
    if parent.kept:
        say(f"left float: {', '.join(dict.fromkeys(operator.layer for operator in parent.kept))}")
    calibration = as_the_device_feeds(balanced(faces, options.calibration, options.seed, options.corrupted_share))
    work = _Work(parent, faces, calibration)
    shipped, variants = _variants(work, options, say)
    say("comparing layer by layer")
    layers = layer_errors(parent.float32, shipped.content, _compared(faces), parent.layers)
    say("timing")
    latency = latencies({variant.name: variant.content for variant in variants})
    verdict = None
    if options.kind == "int8":
        verdict = judge(shipped.private.drop, latency.speedup(shipped.name), layers)
    public = faces.split(Split.PUBLIC_TEST)
    temperature = metrics.fit_temperature(shipped.answers[Split.PUBLIC_TEST], public.labels)
    final = final_file(shipped.content, model.name)
    making = Making(
        model.name,
        options.made_with or f"mien-train fit {model.name} --data FOLDER",
        shipped.kind,
        shipped.tool,
        len(calibration) if shipped.kind in ("int8", "int16x8") else 0,
        options.seed,
        options.corrupted_share,
        float_layers(shipped.graph),
    )
    figures: dict[str, Any] = {
        split.name.lower(): {
            "float": split_figures(faces, split, work.answers[split], temperature),
            shipped.kind: split_figures(faces, split, shipped.answers[split], temperature),
        }
        for split in _SPLITS
    }
    figures |= {"parameters": model.count_params(), "times_as_fast_as_float32": round(latency.speedup(shipped.name), 1)}
    described, spread = manifest(final, model.name, making, temperature, figures)
    written = verdict is None or verdict.passed or not options.gate
    if written:
        bundle.write(options.out, final, seal(described), replace=options.replace)
    return Outcome(
        options,
        model.name,
        model.count_params(),
        work.keras,
        work.answers,
        variants,
        shipped,
        latency,
        layers,
        verdict,
        temperature,
        described,
        spread,
        written,
    )


def load(path: Path) -> keras.Model:
    """A trained Keras model, our own layers known. Raises QuantizeError for what is none."""
    try:
        return keras.saving.load_model(path, compile=False)
    except (ValueError, OSError, TypeError, KeyError) as error:
        raise QuantizeError(f"{path}: not a Keras model: {str(error).splitlines()[0]}") from None


class _Work:
    """A parent with its answers to the faces, and its variants' beside them."""

    def __init__(self, parent: Parent, faces: Faces, calibration: Floats) -> None:
        self._parent = parent
        self._calibration = calibration
        self.splits = {split: faces.split(split) for split in _SPLITS}
        for split, some in self.splits.items():
            if not len(some):
                raise QuantizeError(f"the data has no {split.title} faces, by which a model is measured")
        self.answers = {split: _keras_answers(parent.model, some) for split, some in self.splits.items()}
        self.keras = {
            split: score(self.answers[split], self.answers[split], some.labels) for split, some in self.splits.items()
        }

    def variant(self, kind: Kind, tool: Tool, *, public: bool) -> Variant:
        """Convert and measure; ``public``: on the whole of both splits, whatever it takes."""
        name = kind if len(self._parent.tools(kind)) == 1 else f"{kind}, {tool}"
        content = self._parent.convert(kind, tool, self._calibration)
        answers = {}
        for split in _SPLITS if public else (Split.PRIVATE_TEST,):
            pixels = self.splits[split].pixels
            most = len(pixels) if public else min(len(pixels), max(100, affordable(content, _MOST_SECONDS)))
            answers[split] = logits(content, pixels[:most], f"{name}, {split.title}")
        scores = {
            split: score(mine, self.answers[split][: len(mine)], self.splits[split].labels[: len(mine)])
            for split, mine in answers.items()
        }
        return Variant(
            name,
            kind,
            tool,
            content,
            operators(content, self._parent.layers),
            partitions(content),
            scores[Split.PRIVATE_TEST],
            scores.get(Split.PUBLIC_TEST),
            answers,
        )

    def tools(self, kind: Kind, asked: Tool | None) -> Sequence[Tool]:
        """The tools to try: the one asked for, or all that can."""
        return (asked,) if asked else self._parent.tools(kind)


def _variants(work: _Work, options: Options, say: Callable[[str], None]) -> tuple[Variant, list[Variant]]:
    """The one to ship, and all: it, its rivals by another tool, float32, and every other kind if asked."""
    kinds = [kind for kind in KINDS if kind in (options.kind, "float32") or options.every_variant]
    variants = []
    for kind in kinds:
        tools = work.tools(kind, options.tool if kind == options.kind else None)
        # Slow to measure, and shipped by nobody: one tool is enough to compare int16x8.
        for tool in tools if kind in ("int8", options.kind) else tools[:1]:
            say(f"{kind} by {tool}")
            variants.append(work.variant(kind, tool, public=kind in (options.kind, "float32")))
    rivals = [variant for variant in variants if variant.kind == options.kind]
    return max(rivals, key=_kept), variants


def _kept(variant: Variant) -> tuple[float, float]:
    """What a tool kept, on PublicTest: PrivateTest is for the figure that is told, not for choosing."""
    return (variant.public.accuracy, variant.public.agreement) if variant.public else (0.0, 0.0)


def _keras_answers(model: keras.Model, faces: Faces) -> Floats:
    return np.asarray(model.predict(as_the_device_feeds(faces.pixels), batch_size=64, verbose=0), np.float32)


def _compared(faces: Faces) -> Floats:
    public = faces.split(Split.PUBLIC_TEST).without_blank().pixels
    return as_the_device_feeds(public[:: max(1, len(public) // _COMPARED)][:_COMPARED])
