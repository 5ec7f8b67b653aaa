"""``report.md``: the metrics for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edge.markdown import table_of_figures


def percent(share: float | None, digits: int = 2) -> str:
    """A share of 1 in percent."""
    return "not known" if share is None else f"{100 * share:.{digits}f} %"


def headline(metrics: Mapping[str, Any]) -> str:
    """The figure everybody asks for, in one line."""
    private = metrics["private_test"]
    return f"PrivateTest {percent(private['accuracy'])}, without twins {percent(private['accuracy_without_twins'])}"


def markdown(metrics: Mapping[str, Any], pictures: Mapping[str, str]) -> str:
    """The whole report; pictures: captions by file name."""
    parts = [
        f"# {_title(metrics['models'])}",
        f"**{headline(metrics)}**.",
        _models(metrics["models"]),
        "## Scores",
        _scores(metrics),
        "## Classes (PrivateTest)",
        _classes(metrics["private_test"]),
    ]
    if metrics["ferplus"]:
        parts += ["## FERPlus", _ferplus(metrics["ferplus"])]
    if own := metrics["own_subset"]:
        text = f"On the {own['faces']:,} faces of PrivateTest that {own['recipe']} is about, against its own labels"
        parts.append(f"{text}: **{percent(own['accuracy'])}**.")
    if metrics["corruptions"]:
        parts += ["## Corruptions", _corruptions(metrics["corruptions"])]
    parts += ["## Pictures", *(f"![{caption}]({name})" for name, caption in pictures.items())]
    parts += ["## How this was made", origin(metrics["made"])]
    return "\n\n".join(parts) + "\n"


def _title(models: Sequence[Mapping[str, Any]]) -> str:
    return f"`{models[0]['path']}`" if len(models) == 1 else f"Ensemble of {len(models)} networks"


def _models(models: Sequence[Mapping[str, Any]]) -> str:
    lines = []
    for model in models:
        size = f"{model['bytes'] / 1024:,.0f} KiB"
        parameters = f"{model['parameters']:,} parameters, {size}" if model["parameters"] else size
        shape = "×".join(map(str, model["input"]))
        lines.append(
            f"- `{model['path']}`: {model['kind']}, {parameters}, {len(model['labels'])} classes; "
            f"input {shape}, scaled to {model['scale']} ({model['scale_source']}); sha256 `{model['sha256'][:16]}…`"
        )
    if len(models) == 1:
        return lines[0]
    rows = [
        [f"`{model['path']}`", f"{model['weight']:.3f}"]
        + [percent(model["accuracy"].get(split)) for split in ("public_test", "private_test")]
        for model in models
    ]
    table = table_of_figures(["each alone", "weight", "PublicTest", "PrivateTest"], rows)
    return "\n".join(lines) + "\n\n" + table


def _scores(metrics: Mapping[str, Any]) -> str:
    splits = [
        (name, metrics[key])
        for name, key in (("PublicTest", "public_test"), ("PrivateTest", "private_test"))
        if metrics[key]
    ]
    measures: list[tuple[str, Callable[[Mapping[str, Any]], str]]] = [
        ("faces", lambda s: f"{s['faces']:,}"),
        ("accuracy", lambda s: percent(s["accuracy"])),
        (
            "accuracy without pixel-identical twins in Training",
            lambda s: f"{percent(s['accuracy_without_twins'])} ({s['twins']} twins)",
        ),
        ("macro-F1", lambda s: percent(s["macro_f1"])),
        ("expected calibration error, as it is", lambda s: percent(s["expected_calibration_error"]["raw"])),
        (
            f"expected calibration error at temperature {metrics['temperature']}",
            lambda s: percent(s["expected_calibration_error"]["at_temperature"]),
        ),
    ]
    table = table_of_figures(
        ["", *(name for name, _ in splits)],
        [[name, *(show(scores) for _, scores in splits)] for name, show in measures],
    )
    note = "The temperature has the least log loss on PublicTest"
    shipped = [f"{model['temperature']:g}" for model in metrics["models"] if model["temperature"]]
    return f"{table}\n\n{note}" + (f"; shipped with the model: {', '.join(shipped)}." if shipped else ".")


def _classes(private: Mapping[str, Any]) -> str:
    rows = [
        [name, f"{score['rows']:,}", *(percent(score[key]) for key in ("recall", "precision", "f1"))]
        for name, score in private["per_class"].items()
    ]
    return table_of_figures(["class", "faces", "recall", "precision", "F1"], rows)


def _ferplus(scores: Mapping[str, Any]) -> str:
    kept, left = scores["faces"], scores["left_out"]
    text = (
        f"Accuracy on PrivateTest's {kept:,} rows on which FERPlus's voters agree: single votes dropped, one of the "
        f"eight emotions holding more than half of the rest. The other {left:,} (no majority, unknown, not a face) are "
        "left out."
    )
    if not scores["finds_contempt"]:
        text += " The model has no contempt: those rows count as wrong, but for the figure without them."
    figures = [
        ["accuracy, eight emotions", percent(scores["accuracy"])],
        ["accuracy without the contempt rows", percent(scores["accuracy_without_contempt"])],
        ["macro-F1", percent(scores["macro_f1"])],
    ]
    recalls = [[name, percent(recall)] for name, recall in scores["recall"].items()]
    return "\n\n".join(
        [text, table_of_figures(["", "FERPlus"], figures), table_of_figures(["class", "recall"], recalls)]
    )


def _corruptions(scores: Mapping[str, Any]) -> str:
    strengths = scores["strengths"]
    rows = [["none", *[percent(scores["clean"])] * len(strengths)]]
    for name, accuracies in scores["accuracy"].items():
        cells = [f"{percent(accuracy)} ({100 * (accuracy - scores['clean']):+.1f})" for accuracy in accuracies]
        rows.append([name.replace("_", " "), *cells])
    head = ["corruption", *(f"strength {strength:g}" for strength in strengths)]
    return (
        f"Accuracy on {scores['faces']:,} faces of PrivateTest (difference in points), seed {scores['seed']}; "
        f"what each does is in `train/corruptions.py`.\n\n{table_of_figures(head, rows)}"
    )


def origin(made: Mapping[str, Any]) -> str:
    """How a report was made, as a list."""
    lines = [
        f"- command: `{made['command']}`",
        f"- date: {made['date']}",
        f"- machine: {made['cpu']}; {made['system']}",
        f"- versions: {', '.join(f'{name} {version}' for name, version in made['versions'].items())}",
    ]
    if made["commit"]:
        lines.append(f"- commit: {made['commit']}")
    return "\n".join(lines)
