"""The pictures of a quantization report, drawn without a display. None shows anybody's face."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from quantize.gate import MOST_DROP
from quantize.pipeline import Outcome
from train.data import Split
from train.data.faces import CLASSES, SIDE
from train.metrics import softmax
from train.report import style
from train.report.style import BLUE, INK, ORANGE, PALE, QUIET
from train.report.text import percent

_MOST_LAYERS = 40


def draw(folder: Path, outcome: Outcome) -> dict[str, str]:
    """Write the pictures; returns their captions by file name."""
    captions: dict[str, str] = {}

    def picture(name: str, caption: str, width: float, height: float) -> AbstractContextManager[Figure]:
        captions[name] = caption
        return style.picture(folder / name, width, height)

    with picture(
        "variants.png", "Size, speed and accuracy of the variants", 10.5, 1.2 + 0.42 * len(outcome.variants)
    ) as figure:
        variants(figure, outcome)
    with picture("agreement.png", "Where int8 says something else than float", 10.5, 4.2) as figure:
        agreement(figure, outcome)
    count = min(len(outcome.errors), _MOST_LAYERS)
    with picture("layers.png", "Quantization error by layer", 10.5, 1.4 + 0.24 * count) as figure:
        layers(figure, outcome)
    cases = len(outcome.manifest.golden.cases)
    with picture("golden.png", "The golden faces with their answers", 1.25 * cases, 3.2) as figure:
        golden(figure, outcome)
    return captions


def variants(figure: Figure, outcome: Outcome) -> None:
    """A row a variant: KiB, milliseconds at one and two threads, accuracy with the parent's as a line."""
    size, speed, accuracy = figure.subplots(1, 3, sharey=True)
    names = [variant.name for variant in outcome.variants]
    rows = np.arange(len(names))
    colours = [BLUE if variant is outcome.shipped else PALE for variant in outcome.variants]
    kib = [len(variant.content) / 1024 for variant in outcome.variants]
    size.barh(rows, kib, 0.62, color=colours)
    for row, value in zip(rows, kib, strict=True):
        size.annotate(f"{value:,.0f}", (value, row), (4, 0), textcoords="offset points", va="center")
    size.set_title("KiB")
    for threads, colour in ((2, QUIET), (1, ORANGE)):
        ms = [outcome.latency.ms[name, threads] for name in names]
        speed.plot(ms, rows, "o", color=colour, markersize=8, label=f"{threads} thread{'s' * (threads > 1)}")
    for place, name in enumerate(names):
        one, two = (outcome.latency.ms[name, threads] for threads in (1, 2))
        speed.annotate(
            f"{one:.2f} / {two:.2f}", (max(one, two), place), (8, 0), textcoords="offset points", va="center"
        )
    speed.set_xscale("log")
    low, high = speed.get_xlim()
    speed.set_xlim(low, high * 8)
    speed.set_title("ms a face, one / two threads (log)")
    speed.legend(loc="lower right", fontsize=9)
    whole = outcome.keras[Split.PRIVATE_TEST].faces
    accuracy.axvline(0, color=INK, linewidth=1)
    accuracy.axvline(-MOST_DROP, color=ORANGE, linewidth=1, linestyle="--")
    accuracy.annotate("gate", (-MOST_DROP, rows[-1]), (4, 0), textcoords="offset points", color=ORANGE, va="center")
    for place, (variant, colour) in enumerate(zip(outcome.variants, colours, strict=True)):
        score = variant.private
        accuracy.plot(-100 * score.drop, place, "o", color=colour, markeredgecolor=INK, markersize=8)
        part = "" if score.faces == whole else f" of {score.faces:,}"
        accuracy.annotate(
            f"{percent(score.accuracy)}{part}",
            (-100 * score.drop, place),
            (9, 0),
            textcoords="offset points",
            va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
    least = min(-MOST_DROP, *(-100 * variant.private.drop for variant in outcome.variants))
    most = max(0.0, *(-100 * variant.private.drop for variant in outcome.variants))
    accuracy.set_xlim(least - 0.1 * (most - least), most + 0.7 * (most - least))
    accuracy.set_title("PrivateTest, points against Keras")
    size.set_yticks(rows, names)
    size.invert_yaxis()
    size.margins(x=0.2)
    for axes in (size, speed, accuracy):
        axes.tick_params(length=0)
        axes.grid(axis="x", alpha=0.25)


def agreement(figure: Figure, outcome: Outcome) -> None:
    """The probability of the parent's choice in both; and how often another is made, by how sure the parent is."""
    cloud, bars = figure.subplots(1, 2, width_ratios=[1, 1.25])
    theirs = softmax(outcome.parent_answers[Split.PRIVATE_TEST], outcome.temperature)
    ours = softmax(outcome.shipped.answers[Split.PRIVATE_TEST], outcome.temperature)
    choice = theirs.argmax(axis=1)
    rows = np.arange(len(choice))
    sure, also = theirs[rows, choice], ours[rows, choice]
    same = ours.argmax(axis=1) == choice
    cloud.plot([0, 1], [0, 1], color=QUIET, linewidth=1)
    cloud.plot(sure[same], also[same], ".", color=BLUE, markersize=2.5, alpha=0.5, label=f"same class: {same.sum():,}")
    cloud.plot(sure[~same], also[~same], ".", color=ORANGE, markersize=5, label=f"another: {(~same).sum():,}")
    cloud.set_xlabel("float: probability of its choice")
    cloud.set_ylabel(f"{outcome.shipped.kind}: of the same class")
    cloud.set_title("Each face of PrivateTest")
    cloud.legend(loc="upper left", markerscale=2, fontsize=9)
    edges = np.linspace(0, 1, 11)
    inside = [(sure >= low) & (sure < high) for low, high in zip(edges, [*edges[1:-1], 1.01], strict=False)]
    shares = [float((~same[each]).mean()) if each.any() else 0.0 for each in inside]
    middles = (edges[:-1] + edges[1:]) / 2
    bars.bar(middles, shares, 0.088, color=ORANGE)
    for middle, share, each in zip(middles, shares, inside, strict=True):
        if share:
            text = f"{int((~same[each]).sum())} of {int(each.sum())}"
            bars.annotate(text, (middle, share), (0, 3), textcoords="offset points", ha="center", fontsize=8)
    bars.set_title(f"{outcome.shipped.kind} chooses another class, by how sure float is")
    bars.set_xlabel("float: probability of its choice")
    for axis in (cloud.xaxis, cloud.yaxis, bars.xaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    bars.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    bars.set_xlim(0, 1)
    bars.margins(y=0.12)


def layers(figure: Figure, outcome: Outcome) -> None:
    """A bar a layer, worst first: what it inherits and what it adds."""
    axes = figure.add_subplot()
    worst = sorted(outcome.errors, key=lambda each: -each.error)[:_MOST_LAYERS]
    rows = np.arange(len(worst))
    inherited = [min(each.inherited, each.error) for each in worst]
    axes.barh(rows, inherited, 0.7, color=PALE, label="inherited from what feeds it")
    more = [each.error - before for each, before in zip(worst, inherited, strict=True)]
    axes.barh(rows, more, 0.7, left=inherited, color=ORANGE, label="more than that")
    axes.set_yticks(
        rows,
        [f"{each.layer}  ·  {each.type.lower()}" + ("  ·  float" if each.dtype == "float32" else "") for each in worst],
    )
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    axes.grid(axis="x", alpha=0.25)
    axes.set_axisbelow(True)
    left_out = f" (worst {len(worst)} of {len(outcome.errors)})" if len(worst) < len(outcome.errors) else ""
    axes.set_title(f"Difference from float over the float output, root mean square{left_out}")
    axes.legend(loc="lower right")


def golden(figure: Figure, outcome: Outcome) -> None:
    """Each golden face above its probabilities."""
    cases = outcome.manifest.golden.cases
    grid = figure.subplots(2, len(cases), squeeze=False, height_ratios=[1, 1.15])
    for column, case in enumerate(cases):
        face, bars = grid[:, column]
        face.imshow(np.frombuffer(case.input, np.uint8).reshape(SIDE, SIDE), cmap="gray", vmin=0, vmax=255)
        face.axis("off")
        best = int(np.argmax(case.probabilities))
        bars.barh(
            range(len(CLASSES)),
            case.probabilities,
            0.75,
            color=[ORANGE if index == best else PALE for index in range(len(CLASSES))],
        )
        bars.set_xlim(0, 1)
        bars.set_xticks([])
        bars.invert_yaxis()
        bars.tick_params(length=0)
        bars.set_yticks(range(len(CLASSES)), CLASSES if column == 0 else [""] * len(CLASSES), fontsize=8)
        bars.spines["bottom"].set_visible(False)
        bars.set_title(percent(case.probabilities[best], 0), fontsize=9, loc="center", pad=2)
