"""A folder that shows what quantizing did: ``report.md``, ``metrics.json`` and pictures."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from edge.markdown import table_of_figures
from quantize import gate, pictures
from quantize.compare import LayerError
from quantize.graph import BRIDGES
from quantize.pipeline import Outcome, Variant
from train.data import Split
from train.report.provenance import provenance
from train.report.text import origin, percent

SCHEMA = "mien-quantization/1"
_MOST_LAYERS = 25


def write(outcome: Outcome, folder: Path, command: str) -> dict[str, Any]:
    """Write the report of an outcome into a folder; returns what ``metrics.json`` holds."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = _facts(outcome, command)
    (folder / "metrics.json").write_text(json.dumps(facts, indent=2) + "\n")
    captions = pictures.draw(folder, outcome)
    (folder / "report.md").write_text(_markdown(outcome, facts, captions))
    return facts


def parity(outcome: Outcome) -> str:
    """Keras, TFLite in float and the variant that ships, on the same faces, as a Markdown table."""
    float32 = next(variant for variant in outcome.variants if variant.kind == "float32")
    keras = outcome.keras[Split.PRIVATE_TEST]
    rows = [["Keras, float32", f"{keras.faces:,}", percent(keras.accuracy), "", ""]]
    for variant in dict.fromkeys((float32.name, outcome.shipped.name)):
        found = next(each for each in outcome.variants if each.name == variant)
        score = found.private
        rows.append(
            [
                f"TFLite, {found.name}",
                f"{score.faces:,}",
                percent(score.accuracy),
                f"{100 * score.drop:+.2f}",
                percent(score.agreement),
            ]
        )
    return table_of_figures(["PrivateTest", "faces", "accuracy", "points lost", "says what Keras says"], rows)


def verdict(outcome: Outcome) -> str:
    """What the gate found, in a sentence."""
    if (found := outcome.verdict) is None:
        return "The gate is for int8."
    if not found.passed:
        return f"Gate not passed: {'; '.join(found.failures)}."
    return (
        f"Gate passed: {found.drop:+.2f} percentage points lost on PrivateTest (at most {gate.MOST_DROP}), "
        f"{found.speedup:.1f} times as fast as float32 in LiteRT at one thread (at least {gate.LEAST_SPEEDUP:g})."
    )


def _facts(outcome: Outcome, command: str) -> dict[str, Any]:
    found = outcome.verdict
    return {
        "schema": SCHEMA,
        "model": outcome.name,
        "parameters": outcome.parameters,
        "parent": {split.name.lower(): score.facts() for split, score in outcome.keras.items()},
        "shipped": outcome.shipped.name,
        "temperature": outcome.temperature,
        "gate": found
        and {
            "passed": found.passed,
            "points_lost": round(found.drop, 3),
            "times_as_fast": round(found.speedup, 2),
            "failures": list(found.failures),
        },
        "variants": [_variant_facts(outcome, variant) for variant in outcome.variants],
        "layers": [
            {
                "layer": each.layer,
                "type": each.type,
                "dtype": each.dtype,
                "relative_error": round(each.error, 5),
                "added": round(each.added, 5),
            }
            for each in outcome.errors
        ],
        "quantization": outcome.manifest.quantization.model_dump(mode="json"),
        "golden": {"cases": len(outcome.manifest.golden.cases), "spread": outcome.golden_spread}
        | {"tolerance": outcome.manifest.golden.tolerance},
        "made": _made_with(command),
    }


def _made_with(command: str) -> dict[str, Any]:
    made = provenance(command)
    made["versions"]["ai-edge-quantizer"] = version("ai-edge-quantizer")
    return made


def _variant_facts(outcome: Outcome, variant: Variant) -> dict[str, Any]:
    return {
        "name": variant.name,
        "kind": variant.kind,
        "tool": variant.tool,
        "bytes": len(variant.content),
        "private_test": variant.private.facts(),
        "public_test": variant.public and variant.public.facts(),
        "latency_ms": {str(threads): round(outcome.latency.ms[variant.name, threads], 3) for threads in (1, 2)},
        "partitions": len(variant.pieces),
        "operators": len(variant.graph),
        "operators_left_over": len(variant.graph) - sum(map(len, variant.pieces)),
    }


def _markdown(outcome: Outcome, facts: Mapping[str, Any], captions: Mapping[str, str]) -> str:
    how = outcome.manifest.quantization
    shown = sorted(outcome.errors, key=lambda each: -each.error)
    golden = outcome.manifest.golden
    parts = [
        f"# Quantizing `{outcome.name}`",
        f"**{verdict(outcome)}**",
        f"{outcome.parameters:,} parameters. What ships: {how.kind} by {how.tool}, calibrated on "
        f"{how.calibration_faces} faces of Training, as many of each class, {percent(how.corrupted_share, 0)} of them "
        f"darkened or blurred; seed {how.seed}, temperature {outcome.temperature:g}.",
        "## Parity",
        parity(outcome),
        "## Variants",
        _variants(outcome),
        f"Latency: `invoke` in LiteRT, median of {outcome.latency.rounds} interleaved rounds, at a load of "
        f"{outcome.latency.load:.1f} processes from the minute before. Points lost and "
        "agreement are against the Keras parent on the same faces. A variant without fast kernels is measured on "
        "PrivateTest's first faces only, as many as its row says. The tool is chosen by PublicTest: "
        + "; ".join(
            f"{each.name} {percent(each.public.accuracy)}, agreement {percent(each.public.agreement)}"
            for each in outcome.variants
            if each.public and each.kind == outcome.shipped.kind
        )
        + ".",
        *(f"![{captions[name]}]({name})" for name in ("variants.png", "agreement.png")),
        "## Operators of what ships",
        _operators(outcome.shipped),
        "## Layers, worst first",
        "Each layer's output in what ships beside the float32 file's, on the same PublicTest faces: root mean square "
        "of the difference over that of the float output. What a layer adds is what it doesn't inherit from the worst "
        "of the layers that feed it.",
        _layers(shown[:_MOST_LAYERS]),
        f"![{captions['layers.png']}](layers.png)",
        "## Golden faces",
        f"Drawn, no one's: {len(golden.cases)} pictures in the manifest with the probabilities that LiteRT gave here. "
        f"One and two threads, with and without XNNPACK, differ by up to {outcome.golden_spread:.3f} on them; a "
        f"device may differ by {golden.tolerance:g}.",
        f"![{captions['golden.png']}](golden.png)",
        "## How this was made",
        origin(facts["made"]),
    ]
    return "\n\n".join(parts) + "\n"


def _variants(outcome: Outcome) -> str:
    rows = []
    for variant in outcome.variants:
        score, one, two = variant.private, *(outcome.latency.ms[variant.name, threads] for threads in (1, 2))
        pieces = len(variant.pieces)
        left = len(variant.graph) - sum(map(len, variant.pieces))
        rows.append(
            [
                f"**{variant.name}**" if variant is outcome.shipped else variant.name,
                f"{len(variant.content) / 1024:,.0f}",
                f"{score.faces:,}",
                percent(score.accuracy),
                f"{100 * score.drop:+.2f}",
                percent(score.agreement),
                percent(score.calibration_error),
                f"{one:.2f}",
                f"{two:.2f}",
                f"{pieces}" + (f" + {left} operators" if left else ""),
            ]
        )
    head = ["variant", "KiB", "faces", "accuracy", "points lost", "agreement", "calibration error"]
    return table_of_figures([*head, "ms, 1 thread", "ms, 2 threads", "XNNPACK pieces"], rows)


def _operators(variant: Variant) -> str:
    taken = frozenset().union(*variant.pieces)
    every, integer, floating, delegated = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for number, operator in enumerate(variant.graph):
        every[operator.type] += 1
        floating[operator.type] += operator.is_float
        integer[operator.type] += operator.dtype in ("int8", "int16") and operator.type not in BRIDGES
        delegated[operator.type] += number in taken
    rows = [
        [kind, str(count), str(integer[kind]), str(floating[kind]), str(delegated[kind])]
        for kind, count in every.most_common()
    ]
    totals = [str(sum(each.values())) for each in (every, integer, floating, delegated)]
    return table_of_figures(
        ["operator", "count", "int8 or int16", "float", "run by XNNPACK"], [*rows, ["**all**", *totals]]
    )


def _layers(errors: Sequence[LayerError]) -> str:
    rows = [
        [f"`{each.layer}`", each.type, each.dtype, percent(each.error, 1), percent(each.added, 1)] for each in errors
    ]
    return table_of_figures(["layer", "operator", "kept in", "error", "of its own"], rows)
