"""Scoring networks on FER2013 and FERPlus: ``metrics.json``, ``report.md`` and pictures.

What is scored is the mean of the networks' probabilities (of one network: its own). In ``metrics.json``:

- ``public_test``, ``private_test``: accuracy against FER2013's labels among its seven classes; the same without
  the faces of which Training holds a pixel-identical copy; macro-F1, the unweighted mean of the classes' F1;
  expected calibration error (15 bins of equal width) of the probabilities as they are (``raw``) and after
  division of their logarithms by ``temperature``, which has the least log loss on PublicTest.
- ``ferplus``: PrivateTest's rows whose voters agree (:func:`train.metrics.ferplus_majority`), against their
  majority, among eight emotions. A network without contempt cannot find it: its contempt rows count as wrong in
  ``accuracy``; ``accuracy_without_contempt`` leaves those rows out.
- ``own_subset``: the same for the faces and labels that the first model's recipe trains on, where those are not
  FER2013's (ohlsen_vgg's).
- ``corruptions``: PrivateTest's accuracy under each of :mod:`train.corruptions`, at fixed strengths and seed.
- ``models``: each network's own accuracy, beside what it is.
"""

from __future__ import annotations

import json
import math
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from train import metrics
from train.corruptions import CORRUPTIONS, corrupted
from train.data.faces import CLASSES, DataError, Faces, Split
from train.recipes import RECIPES
from train.report import pictures, text
from train.report.networks import EMOTIONS, Floats, Images, ModelError, Network, Scale, open_network, run_facts
from train.report.provenance import provenance

SCHEMA = "mien-report/1"
STRENGTHS = (0.5, 1.0)
_SPLITS = (Split.PUBLIC_TEST, Split.PRIVATE_TEST)
#: PublicTest faces that find an unstated scale.
_SCALE_FACES = 512


def evaluate(
    models: Sequence[Path],
    faces: Faces,
    out: Path,
    *,
    scales: Sequence[Scale] = (),
    weights: Sequence[float] = (),
    corruption_faces: int | None = None,
    seed: int = 0,
    command: str | None = None,
    report: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Score one model or an ensemble and write the report into ``out``; returns what ``metrics.json`` holds.

    models: as :func:`train.report.networks.open_network` takes them. scales: one for all models or one each;
    none: what the files say, or else what works. weights: one a model; none: equal. corruption_faces: score the
    corruptions on PrivateTest's first so many faces (None: all; 0: leave them out). seed: of the corruptions.
    command: what the report says it was made with (default: this process's own). Raises ModelError, DataError and
    edge's VisionError.
    """
    public, private = faces.split(Split.PUBLIC_TEST), faces.split(Split.PRIVATE_TEST)
    if not len(private):
        raise DataError("the data has no PrivateTest faces, which a report is about")
    ensemble = _open(models, public, scales, weights, report)
    drawn = private.select(np.arange(len(private))[:corruption_faces])
    total = len(public) + len(private) + (1 + len(CORRUPTIONS) * len(STRENGTHS)) * len(drawn)
    with tqdm(total=total * len(models), unit="face", unit_scale=True, mininterval=1, disable=None) as progress:
        answers = {split: ensemble.read(faces.split(split).pixels, progress.update) for split in _SPLITS}
        corruptions = _under_corruptions(ensemble, drawn, seed, progress.update) if len(drawn) else None

    own = answers[Split.PRIVATE_TEST]
    temperature = metrics.fit_temperature(answers[Split.PUBLIC_TEST].logits, public.labels) if len(public) else None
    result = {
        "schema": SCHEMA,
        "models": [_about(ensemble, index, answers, faces) for index in range(len(models))],
        "temperature": temperature,
        "public_test": _split_scores(faces, Split.PUBLIC_TEST, answers[Split.PUBLIC_TEST], temperature),
        "private_test": _split_scores(faces, Split.PRIVATE_TEST, own, temperature),
        "ferplus": _ferplus_scores(private, own),
        "own_subset": _own_subset(models[0], private, own),
        "corruptions": corruptions,
        "made": provenance(command or shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])),
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "metrics.json").write_text(json.dumps(result, indent=2) + "\n")
    captions = pictures.draw(out, result, private, own.logits, _histories(models, report))
    (out / "report.md").write_text(text.markdown(result, captions))
    report(f"{out / 'report.md'}: {text.headline(result)}")
    return result


@dataclass(frozen=True, slots=True)
class _Answer:
    """What each network and their mean make of some faces: float32 [N, 8] in the order of EMOTIONS."""

    members: list[Floats]
    mean: Floats

    @property
    def logits(self) -> Floats:
        """FER2013's classes alone, as log probabilities, float32 [N, 7]."""
        return _logits(self.mean)

    def accuracy(self, faces: Faces) -> float:
        return metrics.accuracy(self.logits, faces.labels)


@dataclass(frozen=True, slots=True)
class _Ensemble:
    networks: list[Network]
    weights: list[float]

    def read(self, images: Images, done: Callable[[int], object]) -> _Answer:
        members = [network.probabilities(images, done) for network in self.networks]
        mean = sum(weight * member for weight, member in zip(self.weights, members, strict=True))
        return _Answer(members, np.asarray(mean, np.float32))


def _open(
    models: Sequence[Path],
    public: Faces,
    scales: Sequence[Scale],
    weights: Sequence[float],
    report: Callable[[str], None],
) -> _Ensemble:
    count = len(models)
    if weights and (len(weights) != count or min(weights) < 0 or sum(weights) <= 0):
        given = ", ".join(f"{weight:g}" for weight in weights)
        raise ModelError(f"weights {given}: give one a model ({count}), none negative and not all 0")
    if len(scales) not in (0, 1, count):
        raise ModelError(f"{len(scales)} scales for {count} models; give one for all, or one each")
    asked: list[Scale | None] = [*scales] if len(scales) == count else [scales[0] if scales else None] * count
    networks = [open_network(path) for path in models]
    probe = public.select(np.arange(min(_SCALE_FACES, len(public))))
    for network, scale in zip(networks, asked, strict=True):
        network.settle_scale(scale, probe.pixels, probe.labels)
        shape = "×".join(map(str, network.input_shape))
        report(f"{network.path}: {network.kind}, {shape} scaled to {network.scale} ({network.scale_source})")
    raw = list(weights) or [1.0] * count
    return _Ensemble(networks, [weight / sum(raw) for weight in raw])


def _logits(emotions: Floats) -> Floats:
    return np.log(np.maximum(emotions[:, : len(CLASSES)], np.float32(1e-12)))


def _about(ensemble: _Ensemble, index: int, answers: dict[Split, _Answer], faces: Faces) -> dict[str, Any]:
    network = ensemble.networks[index]
    return {
        "path": str(network.path),
        "kind": network.kind,
        "sha256": network.sha256(),
        "bytes": network.file.stat().st_size,
        "parameters": network.parameters,
        "labels": list(network.labels),
        "input": list(network.input_shape),
        "scale": network.scale,
        "scale_source": network.scale_source,
        "temperature": network.temperature,
        "weight": round(ensemble.weights[index], 4),
        "accuracy": {
            split.name.lower(): _number(metrics.accuracy(_logits(answer.members[index]), faces.split(split).labels))
            for split, answer in answers.items()
            if len(answer.mean)
        },
    }


def _split_scores(faces: Faces, split: Split, answer: _Answer, temperature: float | None) -> dict[str, Any] | None:
    labels, logits = faces.split(split).labels, answer.logits
    if not len(labels):
        return None
    alone = ~metrics.has_twin_in_training(faces, split)
    counts = metrics.confusion(logits.argmax(axis=1), labels, len(CLASSES))
    scores = metrics.class_scores(counts)
    raw = metrics.expected_calibration_error(logits, labels)
    cooled = metrics.expected_calibration_error(logits, labels, temperature) if temperature else math.nan
    return {
        "faces": len(labels),
        "accuracy": _number(metrics.accuracy(logits, labels)),
        "twins": int((~alone).sum()),
        "accuracy_without_twins": _number(metrics.accuracy(logits[alone], labels[alone])) if alone.any() else None,
        "macro_f1": _number(metrics.macro_f1(scores)),
        "expected_calibration_error": {"raw": _number(raw), "at_temperature": _number(cooled)},
        "per_class": {
            name: {key: value if key == "rows" else _number(value) for key, value in asdict(score).items()}
            for name, score in zip(CLASSES, scores, strict=True)
        },
        "confusion": counts.tolist(),
    }


def _under_corruptions(ensemble: _Ensemble, faces: Faces, seed: int, done: Callable[[int], object]) -> dict[str, Any]:
    def accuracy(pixels: Images) -> float | None:
        return _number(ensemble.read(pixels, done).accuracy(faces))

    return {
        "faces": len(faces),
        "seed": seed,
        "strengths": list(STRENGTHS),
        "clean": accuracy(faces.pixels),
        "accuracy": {
            name: [accuracy(corrupted(faces.pixels, name, strength, seed)) for strength in STRENGTHS]
            for name in CORRUPTIONS
        },
    }


def _ferplus_scores(private: Faces, answer: _Answer) -> dict[str, Any] | None:
    if private.votes is None:
        return None
    winner = metrics.ferplus_majority(private.votes)
    agreed = winner >= 0
    to_emotion = np.array([EMOTIONS.index(name) for name in metrics.FERPLUS_EMOTIONS])
    labels, predicted = to_emotion[winner[agreed]], answer.mean[agreed].argmax(axis=1)
    if not len(labels):
        return None
    scores = metrics.class_scores(metrics.confusion(predicted, labels.astype(np.uint8), len(EMOTIONS)))
    shared = labels != EMOTIONS.index("contempt")
    return {
        "faces": len(labels),
        "left_out": int((~agreed).sum()),
        "accuracy": _number(float((predicted == labels).mean())),
        "accuracy_without_contempt": _number(float((predicted[shared] == labels[shared]).mean())),
        "finds_contempt": bool(answer.mean[:, EMOTIONS.index("contempt")].any()),
        "macro_f1": _number(metrics.macro_f1(scores)),
        "recall": {name: _number(score.recall) for name, score in zip(EMOTIONS, scores, strict=True)},
    }


def _own_subset(model: Path, private: Faces, answer: _Answer) -> dict[str, Any] | None:
    name = run_facts(model).get("recipe")
    recipe = RECIPES.get(name) if isinstance(name, str) else None
    if recipe is None or recipe.where is None or recipe.classes != CLASSES or private.votes is None:
        return None
    rows = recipe.where(private)
    truth = recipe.truth(private.select(rows))
    return {
        "recipe": name,
        "faces": len(truth),
        "accuracy": _number(metrics.accuracy(answer.logits[rows], truth)),
    }


def _histories(models: Sequence[Path], report: Callable[[str], None]) -> dict[str, list[dict[str, Any]]]:
    """By the run's folder: what train.fit left beside the models and of a fusion's parts, an entry an epoch."""
    paths: list[Path] = []
    for folder in dict.fromkeys(path.resolve().parent for path in models):
        pattern = "*/history.json" if (folder / "fusion.json").is_file() else "history.json"
        paths += sorted(folder.glob(pattern))
    histories = {}
    for path in paths:
        try:
            history = json.loads(path.read_bytes())
        except ValueError:
            history = None
        if isinstance(history, list) and history and all(isinstance(entry, dict) for entry in history):
            histories[path.parent.name] = history
        else:
            report(f"{path}: not a list of epochs; no learning curves from it")
    return histories


def _number(value: float) -> float | None:
    """Four digits, or None for what is not known: JSON has no nan."""
    return None if math.isnan(value) else round(value, 4)
