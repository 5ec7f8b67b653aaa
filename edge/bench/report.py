"""A bench for people: a table for the terminal, and a folder with a page and a picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from edge.bench.bench import Bench
from edge.bench.measure import Ratio, Result
from edge.bench.stages import WITH_MODELS
from edge.errors import MienError
from edge.markdown import table_of_figures

PAGE, PICTURE, FIGURES = "report.md", "stages.png", "bench.json"

_EXPLAINED = """\
**The overhead ratio** is the time of everything after decoding (crops, models, decoding of their outputs, state, \
events, outbox) over the time of the models' bare `invoke()` calls, made again with the same inputs in the same run. \
Pipeline and models take turns every {block} frames; the figure is the median over these turns, beside it the middle \
half's ends. 1.00 would be a device that does nothing but run its models."""


def terminal(bench: Bench) -> str:
    """Tables of plain text."""
    parts = [f"{bench.scene} on {bench.made.processor}, load {bench.made.load:.1f}"]
    for result in bench.results:
        parts += [_heading(result), _aligned(_STAGE_COLUMNS, _stage_rows(result))]
    return "\n\n".join([*parts, _aligned(_RESULT_COLUMNS, map(_result_row, bench.results))])


def write_report(bench: Bench, folder: Path) -> None:
    """Writes the page, the picture and the figures. Raises MienError where that cannot be done."""
    from edge.bench.picture import draw

    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_figures(bench, folder / FIGURES)
        draw(bench, folder / PICTURE)
        (folder / PAGE).write_text(_page(bench), encoding="utf-8")
    except OSError as error:
        raise MienError(f"{folder}: cannot be written: {error.strerror or error}; name another --report") from None


def write_figures(bench: Bench, path: Path) -> None:
    """Writes the bench as JSON. Raises MienError where that cannot be done."""
    try:
        path.write_text(bench.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise MienError(f"{path}: cannot be written: {error.strerror or error}; name another --json") from None


def _page(bench: Bench) -> str:
    from edge.bench.measure import BLOCK

    made = bench.made
    parts = [
        f"# Speed on {bench.scene}",
        table_of_figures(_RESULT_COLUMNS, map(_result_row, bench.results)),
        _EXPLAINED.format(block=BLOCK),
        f"![Milliseconds a frame, by stage]({PICTURE})",
    ]
    for result in bench.results:
        parts += [f"## {_heading(result)}", table_of_figures(_STAGE_COLUMNS, _stage_rows(result))]
    versions = ", ".join(f"{name} {version}" for name, version in made.versions.items())
    parts += [
        "## How this was made",
        f"`{made.command}`, {made.date:%Y-%m-%d %H:%M} UTC; {made.processor}, {made.system}, load average "
        f"{made.load:.1f} at the start; commit {made.commit or 'not known'}; {versions}. Memory is this process's, "
        "which holds the models twice.",
    ]
    return "\n\n".join(parts) + "\n"


_RESULT_COLUMNS = (
    *("faces", "threads", "picture", "frames/s", "overhead, CPU", "overhead, wall", "pipeline ms", "models ms"),
    *("model calls", "faces found", "events", "RSS MiB", "°C"),
)


def _result_row(result: Result) -> list[str]:
    return [
        *(str(result.faces), str(result.threads), "×".join(map(str, result.size)), f"{result.fps:.0f}"),
        *(_ratio(result.cpu), _ratio(result.wall), f"{result.cpu.pipeline_ms:.2f}", f"{result.cpu.models_ms:.2f}"),
        *(f"{result.calls:.1f}", f"{result.faces_found:.2f}", str(result.events), f"{result.rss_mib:.0f}"),
        "not known" if result.temperature_c is None else f"{result.temperature_c:.0f}",
    ]


_STAGE_COLUMNS = ("stage", "p50 ms", "p95 ms", "mean ms", "share")


def _stage_rows(result: Result) -> list[list[str]]:
    return [
        [
            f"{name} (model)" if name in WITH_MODELS else name,
            *(f"{value:.2f}" for value in (stage.p50_ms, stage.p95_ms, stage.mean_ms)),
            f"{stage.share:.1%}",
        ]
        for name, stage in result.stages.items()
    ]


def _heading(result: Result) -> str:
    faces, threads = (
        f"{result.faces} face{'s' * (result.faces > 1)}",
        f"{result.threads} thread{'s' * (result.threads > 1)}",
    )
    return f"{faces}, {threads}, {result.frames} frames"


def _ratio(ratio: Ratio) -> str:
    return f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"


def _aligned(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in lines
    )
