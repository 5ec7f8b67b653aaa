"""Distillation: targets that hold what trained networks answer (Hinton et al. 2015).

The teachers are asked once, before the first epoch, so that they cost a training step nothing and may be of any make.
"""

from __future__ import annotations

import hashlib
import math
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edge.errors import MienError
from train import checkpoint
from train.data.faces import CLASSES, Faces
from train.metrics import softmax
from train.recipes.base import Distributions, RecipeError
from train.report.networks import Network, open_network, run_facts, sha256_of, weights_file

#: The teachers' answers in a run's folder.
ANSWERS = "teachers.npz"

#: PublicTest faces that find a teacher's scale where its file does not state it.
_SCALE_FACES = 512


@dataclass(frozen=True, slots=True)
class Distillation:
    """Who teaches, and how much of a target is theirs.

    teachers: models as :func:`train.report.networks.open_network` takes them. weights: one each, in any measure;
    none: equal. share: 0..1 of each target. Raises RecipeError for what does not fit, and for a missing file.
    """

    teachers: tuple[Path, ...]
    weights: tuple[float, ...] = ()
    share: float = 0.5

    def __post_init__(self) -> None:
        count = len(self.teachers)
        fitting = all(math.isfinite(weight) and weight >= 0 for weight in self.weights) and sum(self.weights) > 0
        if self.weights and (len(self.weights) != count or not fitting):
            given = ", ".join(f"{weight:g}" for weight in self.weights)
            raise RecipeError(f"--teacher-weights {given}: give one a teacher ({count}), none negative and not all 0")
        if not 0 <= self.share <= 1:
            raise RecipeError(f"--distill {self.share:g}: the teachers' share of the targets lies between 0 and 1")
        for path in self.teachers:
            if not weights_file(path).is_file():
                raise RecipeError(f"--teacher {path}: no such model; name a .keras, .h5 or .tflite file or a bundle")

    @property
    def shares(self) -> list[float]:
        """The teachers' weights, together 1."""
        raw = self.weights or (1.0,) * len(self.teachers)
        return [weight / sum(raw) for weight in raw]

    @property
    def facts(self) -> dict[str, Any]:
        """What a run notes, and must find again to go on: the share, and the teachers' weights by their sha256."""
        teachers: dict[str, float] = {}
        for path, weight in zip(self.teachers, self.shares, strict=True):
            digest = sha256_of(path)
            teachers[digest] = teachers.get(digest, 0.0) + weight
        return {"share": self.share, "teachers": teachers}

    def mix(self, own: Distributions, answers: Distributions) -> Distributions:
        """The targets: (1 − share) × own + share × the teachers' answers, float32 [N, 7]."""
        return np.asarray((1 - self.share) * own + self.share * answers, np.float32)

    def answers(
        self,
        training: Faces,
        public: Faces,
        out: Path,
        *,
        use_cache: bool,
        write_cache: bool,
        report: Callable[[str], None] = print,
    ) -> Distributions:
        """The weighted mean of the teachers' probabilities of the faces, float32 [N, 7], from ``out`` if it has them.

        Each teacher's answer is the mean of those to the face and to its mirror image, among the seven classes alone,
        at the temperature that a bundle's manifest states. public: faces that tell the scale of a teacher that does
        not state it. Raises RecipeError for a teacher that cannot be opened or gives no numbers.
        """
        key = self._key(training)
        if use_cache and (stored := _stored(out / ANSWERS, key)) is not None:
            return stored
        mean = np.zeros((len(training), len(CLASSES)), np.float32)
        probe = public.select(np.arange(min(_SCALE_FACES, len(public))))
        faces = 2 * len(training) * len(self.teachers)
        # Workers that write nothing say nothing, either.
        silent = None if write_cache else True
        with tqdm(
            desc="teachers", total=faces, unit="face", unit_scale=True, mininterval=1, disable=silent
        ) as progress:
            for path, share in zip(self.teachers, self.shares, strict=True):
                network = _open(path, probe)
                report(f"teacher {network.name}: {network.kind}, scaled to {network.scale} ({network.scale_source})")
                for pictures in (training.pixels, np.ascontiguousarray(training.pixels[:, :, ::-1])):
                    mean += share / 2 * _answer(network, pictures, progress.update)
        if not np.isfinite(mean).all():
            raise RecipeError("--teacher: a model answers with what is not a number; evaluate them one by one")
        if write_cache:
            checkpoint.write(out, {ANSWERS: lambda path: np.savez(path, answers=mean, key=key)})
        return mean

    def _key(self, training: Faces) -> str:
        digest = hashlib.sha256(training.pixels.tobytes())
        for sha256, weight in sorted(self.facts["teachers"].items()):
            digest.update(f" {sha256} {weight!r}".encode())
        return digest.hexdigest()


def describe(facts: Mapping[str, Any] | None) -> str:
    """A run's teachers for people, from :attr:`Distillation.facts`."""
    if not facts:
        return "no teachers"
    teachers = ", ".join(f"{weight:.3g} × {digest[:12]}" for digest, weight in facts["teachers"].items())
    return f"a share of {facts['share']:g} from teachers {teachers}"


def _open(path: Path, probe: Faces) -> Network:
    try:
        network = open_network(path)
        # What a fit wrote takes 0..1; on a small PublicTest, trying could find otherwise by chance.
        network.settle_scale("0..1" if run_facts(path).get("recipe") else None, probe.pixels, probe.labels)
    except MienError as error:
        raise RecipeError(f"--teacher {error}") from None
    return network


def _answer(network: Network, pictures: NDArray[np.uint8], done: Callable[[int], object]) -> Distributions:
    shares = network.probabilities(pictures, done)[:, : len(CLASSES)]
    # The softmax of logarithms, so that a face of which a teacher sees nothing but contempt still sums to 1.
    return softmax(np.log(np.maximum(shares, np.float32(1e-12))), network.temperature or 1.0)


def _stored(path: Path, key: str) -> Distributions | None:
    """The answers in a file, where it is there, whole, and of the same teachers and faces."""
    try:
        # Opened here: of a damaged file, numpy itself would leave the handle open.
        with path.open("rb") as file, np.load(file) as stored:
            return np.asarray(stored["answers"], np.float32) if str(stored["key"]) == key else None
    except (FileNotFoundError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
