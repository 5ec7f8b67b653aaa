"""The pictures of a report, drawn without a display."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from train.corruptions import CORRUPTIONS, corrupted
from train.data.faces import CLASSES, FERPLUS_COLUMNS, Faces
from train.metrics import Floats, calibration_bins, expected_calibration_error, softmax
from train.report import style
from train.report.style import BLUE, INK, ORANGE, QUIET
from train.report.text import percent

History = Sequence[Mapping[str, Any]]


def draw(
    out: Path, metrics: Mapping[str, Any], private: Faces, logits: Floats, histories: Mapping[str, History]
) -> dict[str, str]:
    """Write the pictures that there is something for; returns their captions by file name, in order.

    metrics: as :func:`train.evaluate.evaluate` makes them. private: PrivateTest, with its logits float32 [N, 7].
    """
    drawn: dict[str, str] = {}

    def picture(name: str, caption: str, width: float, height: float) -> AbstractContextManager[Figure]:
        drawn[name] = caption
        return style.picture(out / name, width, height)

    with picture("confusion.png", "Confusion matrix", 6.4, 5.8) as figure:
        confusion(figure, metrics["private_test"])
    if histories:
        with picture("curves.png", "Learning curves", 9, 3.6 * len(histories)) as figure:
            curves(figure, histories)
    with picture("reliability.png", "Reliability diagram", 9, 5) as figure:
        reliability(figure, logits, private, metrics["temperature"])
    rows = most_confident_mistakes(logits, private)
    if len(rows):
        high = -(-len(rows) // _ACROSS)
        with picture("mistakes.png", "The most confident mistakes", 9.6, 0.4 + 1.72 * high) as figure:
            mistakes(figure, private, logits, rows)
    if metrics["corruptions"]:
        with picture("corruptions.png", "Accuracy under corruption", 8.6, 11.6) as figure:
            corruptions(figure, private, logits, metrics["corruptions"])
    return drawn


def confusion(figure: Figure, scores: Mapping[str, Any]) -> None:
    """Shares of each given label, in percent; the diagonal is the recall."""
    counts = np.array(scores["confusion"], float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        if share >= 0.005:
            axes.text(column, row, percent(share, 0), ha="center", va="center", color="white" if share > 0.5 else INK)
    axes.set_xticks(range(len(CLASSES)), CLASSES, rotation=35, ha="right", rotation_mode="anchor")
    names = [f"{name} ({count:,.0f})" for name, count in zip(CLASSES, counts.sum(axis=1), strict=True)]
    axes.set_yticks(range(len(CLASSES)), names)
    axes.set_xlabel("read as")
    axes.set_ylabel("given label (faces)")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_title(f"PrivateTest: {percent(scores['accuracy'])} of {scores['faces']:,} faces")


#: Keys of an epoch's entry in history.json -> what the legend calls them.
_ACCURACIES = {"accuracy": "Training, augmented", "public_test": "PublicTest", "val_accuracy": "validation"}
_LOSSES = {"loss": "Training, augmented", "public_test_loss": "PublicTest", "val_loss": "validation"}


def curves(figure: Figure, histories: Mapping[str, History]) -> None:
    """Accuracy and loss by epoch, a row of panels a run."""
    grid = figure.subplots(len(histories), 2, squeeze=False)
    for (accuracy, loss), (run, history) in zip(grid, histories.items(), strict=True):
        hours = sum(float(entry.get("seconds", 0)) for entry in history) / 3600
        after = f", {hours:.1f} h" if hours >= 0.05 else ""
        accuracy.set_title(f"{run}: accuracy over {len(history)} epochs{after}")
        loss.set_title("loss")
        accuracy.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        for axes, lines in ((accuracy, _ACCURACIES), (loss, _LOSSES)):
            for (key, label), colour in zip(lines.items(), (BLUE, ORANGE, QUIET), strict=True):
                points = [(epoch, entry[key]) for epoch, entry in enumerate(history, 1) if key in entry]
                if points:
                    marker = "o" if len(points) < 3 else None
                    axes.plot(*zip(*points, strict=True), color=colour, label=label, marker=marker)
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.grid(alpha=0.25)
            if axes.lines:
                axes.legend()


def reliability(figure: Figure, logits: Floats, faces: Faces, temperature: float | None) -> None:
    """Accuracy by confidence, before and after temperature; below, how many faces have that confidence."""
    panels = [("as it is", 1.0)] + ([(f"at temperature {temperature:g}", temperature)] if temperature else [])
    grid = figure.subplots(2, len(panels), sharex=True, sharey="row", squeeze=False, height_ratios=[3, 1])
    for column, (name, value) in enumerate(panels):
        bins = calibration_bins(logits, faces.labels, value)
        error = expected_calibration_error(logits, faces.labels, value)
        upper, lower = grid[0, column], grid[1, column]
        wide = 1 / len(bins)
        filled = [((index + 0.5) * wide, bin_) for index, bin_ in enumerate(bins) if bin_]
        middles = [middle for middle, _ in filled]
        upper.bar(middles, [bin_.accuracy for _, bin_ in filled], 0.92 * wide, color=BLUE, alpha=0.85)
        upper.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle="--", label="as sure as right")
        upper.set_title(f"{name}: calibration error {percent(error, 1)}")
        lower.bar(middles, [bin_.share for _, bin_ in filled], 0.92 * wide, color=QUIET)
        lower.set_xlabel("confidence")
        lower.set_xlim(0, 1)
        lower.set_xticks([0.2, 0.4, 0.6, 0.8, 1])
        upper.set_ylim(0, 1)
        for axes in (upper, lower):
            axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
            axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    grid[0, 0].legend(loc="upper left")
    grid[0, 0].set_ylabel("accuracy")
    grid[1, 0].set_ylabel("faces")


_ACROSS = 8


def most_confident_mistakes(logits: Floats, faces: Faces, count: int = 32) -> list[int]:
    """Rows read as another class than given, the surest first; blank images show nothing and are left out."""
    wrong = np.flatnonzero((logits.argmax(axis=1) != faces.labels) & ~faces.blank)
    surest = np.argsort(-softmax(logits[wrong]).max(axis=1), kind="stable")[:count]
    return [int(row) for row in wrong[surest]]


def mistakes(figure: Figure, faces: Faces, logits: Floats, rows: Sequence[int]) -> None:
    """A sheet of faces with what was read, what FER2013 says, and what most of FERPlus's voters say."""
    votes = "; FERPlus's most frequent vote" if faces.votes is not None else ""
    figure.suptitle(f"Read as, with confidence; given label{votes}", x=0.01, ha="left", fontsize=11)
    grid = figure.subplots(-(-len(rows) // _ACROSS), _ACROSS, squeeze=False).ravel()
    shares = softmax(logits[list(rows)])
    for axes, row, share in zip(grid, rows, shares, strict=False):
        _face(axes, faces.pixels[row])
        lines = [f"given {CLASSES[faces.labels[row]]}"]
        if faces.votes is not None:
            vote = faces.votes[row]
            lines.append(f"votes {FERPLUS_COLUMNS[vote.argmax()].replace('_', ' ')} {vote.max()}/{vote.sum()}")
        axes.set_title(
            f"{CLASSES[share.argmax()]} {percent(share.max(), 1)}",
            fontsize=8,
            color=ORANGE,
            pad=3,
            loc="center",
            fontweight="bold",
        )
        axes.set_xlabel("\n".join(lines), fontsize=7.2, labelpad=3)
    for axes in grid[len(rows) :]:
        axes.set_visible(False)


def corruptions(figure: Figure, faces: Faces, logits: Floats, scores: Mapping[str, Any]) -> None:
    """What each corruption does to three faces at each strength, with the accuracy that is left."""
    shown = [row for name in ("happiness", "surprise", "anger") for row in _surest(logits, faces, CLASSES.index(name))]
    strengths, wide = scores["strengths"], len(shown)
    columns = 1 + wide * len(strengths)
    grid = figure.subplots(1 + len(CORRUPTIONS), columns, squeeze=False, width_ratios=[1.3] + [1] * (columns - 1))
    for row, name in zip(grid, ("none", *CORRUPTIONS), strict=True):
        for axes in row:
            axes.axis("off")
        row[0].text(0, 0.5, name.replace("_", " "), va="center", fontsize=11, transform=row[0].transAxes)
        for index, strength in enumerate(strengths):
            if name == "none" and index:
                continue
            if name == "none":
                views, title = faces.pixels[shown], percent(scores["clean"], 1)
            else:
                # Row numbers of the whole split, so that these are the very pictures that were scored.
                views = corrupted(faces.pixels[shown], name, strength, scores["seed"], shown)
                title = f"strength {strength:g}: {percent(scores['accuracy'][name][index], 1)}"
            panels = row[1 + index * wide : 1 + (index + 1) * wide]
            for axes, view in zip(panels, views, strict=True):
                _face(axes, view)
            panels[0].set_title(title, fontsize=9.5, pad=3)


def _surest(logits: Floats, faces: Faces, label: int) -> list[int]:
    """The row of a class that is read right with the most confidence, in a list; empty without such a row."""
    right = np.flatnonzero((logits.argmax(axis=1) == label) & (faces.labels == label))
    return [int(row) for row in right[np.argsort(-softmax(logits[right])[:, label], kind="stable")][:1]]


def _face(axes: Axes, image: Any) -> None:  # noqa: ANN401
    axes.set_axis_on()
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="bicubic")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
