"""Where a frame's time goes, as stacked bars: a bar for each number of faces and threads."""

from __future__ import annotations

from pathlib import Path

from edge.bench.bench import Bench
from edge.bench.stages import STAGES, WITH_MODELS
from edge.errors import MienError

_INK, _QUIET = "#222222", "#8a8a8a"
#: The models in blue, what is around them in warm colours, capture grey: the eye sums up the models by itself.
_COLOURS = {
    "capture": "#cfcfcf",
    "detect": "#0b2e59",
    "mesh": "#1f5fa8",
    "iris": "#5b9bd5",
    "landmarker": "#8fbce6",
    "expression": "#b9d4ee",
    "lids": "#7a1f1f",
    "crop": "#a4341c",
    "quality": "#cf5c1e",
    "other": "#e28a2b",
    "state": "#f0b654",
    "outbox": "#f7dc9c",
}


def require_matplotlib() -> None:
    """Raises MienError, saying what to install, where there is no matplotlib to draw with."""
    try:
        import matplotlib  # noqa: F401 - only whether it is there
    except ImportError:
        raise MienError("--report draws with matplotlib, which is not installed; pip install 'mien[plot]'") from None


def draw(bench: Bench, path: Path) -> None:
    """Draws the picture (.png). Raises MienError without matplotlib, OSError where it cannot be written."""
    require_matplotlib()
    from matplotlib.figure import Figure

    stages = sorted(STAGES, key=lambda stage: (stage not in WITH_MODELS, STAGES.index(stage)))
    stages = ["capture", *(stage for stage in stages if stage != "capture")]
    figure = Figure(figsize=(11, 1.9 + 0.55 * len(bench.results)), dpi=110, layout="constrained")
    axes = figure.subplots()
    labels = [
        f"{result.faces} face{'s' * (result.faces > 1)}, {result.threads} thread{'s' * (result.threads > 1)}"
        for result in bench.results
    ]
    ends = [0.0] * len(bench.results)
    for stage in stages:
        lengths = [result.stages[stage].mean_ms if stage in result.stages else 0.0 for result in bench.results]
        if any(lengths):
            label = f"{stage} (model)" if stage in WITH_MODELS else stage
            axes.barh(labels, lengths, left=ends, color=_COLOURS[stage], edgecolor="white", linewidth=0.6, label=label)
        ends = [end + length for end, length in zip(ends, lengths, strict=True)]
    for at, (end, result) in enumerate(zip(ends, bench.results, strict=True)):
        said = f" {end:.1f} ms, {result.fps:.0f} frames/s; overhead {result.cpu.median:.2f}"
        axes.text(end, at, said, va="center", color=_INK, fontsize=9)
    axes.set_xlim(0, max(ends) * 1.35)
    axes.invert_yaxis()
    axes.set_xlabel("milliseconds a frame, mean; a stage with a model holds its crops, input and output as well")
    axes.set_title(f"{bench.scene} on {bench.made.processor}", loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_QUIET)
    figure.legend(loc="outside lower center", ncols=6, frameon=False, fontsize=9)
    figure.savefig(path)
