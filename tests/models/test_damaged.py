"""500 bundles, each damaged in its own way: none runs, none takes the program down, each is told in one line."""

from __future__ import annotations

import hashlib
import json
import logging
import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from ai_edge_litert import schema_py_generated as tflite

from edge.expression import open_expression
from edge.models.manifest import MANIFEST_FILE, MODEL_FILE
from edge.models.store import activate
from edge.vision import VisionSettings
from tests.models.bundles import Facts, resealed, shipped_files, vouched_for, write

SEED = 20
COUNT = 500

Files = dict[str, bytes]


def _flip(content: bytes, rng: random.Random, most: int) -> bytes:
    changed = bytearray(content)
    for bit in rng.sample(range(8 * len(content)), rng.randint(1, most)):
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def _other_weights(model: bytes, rng: random.Random) -> bytes:
    """The same network with its largest layers' weights made up: it loads, runs and answers nonsense.

    All of the largest size: one alone, at the end of a residual network, may change the answers by next to nothing.
    """
    root = tflite.Model.GetRootAs(model)
    sizes = [root.Buffers(index).DataLength() for index in range(root.BuffersLength())]
    for index, size in enumerate(sizes):
        if size == max(sizes):
            model = model.replace(root.Buffers(index).DataAsNumpy().tobytes(), rng.randbytes(size), 1)
    return model


class Damage:
    """The ways of damaging a bundle. Each takes the whole files and leaves a folder at ``self.place``."""

    def __init__(self, place: Path, face_models: Path) -> None:
        self.place = place
        self.whole = shipped_files()
        other = self.whole[MODEL_FILE] + bytes(16)
        #: Another whole bundle: a few bytes longer, which no interpreter minds.
        self.other = {MODEL_FILE: other, MANIFEST_FILE: vouched_for(self.whole[MANIFEST_FILE], other)}
        self.strangers = [path.read_bytes() for path in sorted(face_models.glob("*.tflite"))]

    def _with(self, **changes: bytes | None) -> None:
        files = {
            **self.whole,
            **{f"{name}.{'tflite' if name == 'model' else 'json'}": c for name, c in changes.items()},
        }
        write(self.place, {name: content for name, content in files.items() if content is not None})

    def _sealed(self, edit: Callable[[Facts], object]) -> None:
        self._with(manifest=resealed(self.whole[MANIFEST_FILE], edit))

    def truncated_model(self, rng: random.Random) -> None:
        self._with(model=self.whole[MODEL_FILE][: rng.randrange(len(self.whole[MODEL_FILE]))])

    def truncated_manifest(self, rng: random.Random) -> None:
        self._with(manifest=self.whole[MANIFEST_FILE][: rng.randrange(len(self.whole[MANIFEST_FILE]))])

    def flipped_model(self, rng: random.Random) -> None:
        self._with(model=_flip(self.whole[MODEL_FILE], rng, 3))

    def flipped_manifest(self, rng: random.Random) -> None:
        self._with(manifest=_flip(self.whole[MANIFEST_FILE], rng, 3))

    def longer_model(self, rng: random.Random) -> None:
        self._with(model=self.whole[MODEL_FILE] + rng.randbytes(rng.randint(1, 5000)))

    def wrong_labels(self, rng: random.Random) -> None:
        def edit(facts: Facts) -> None:
            labels = list(facts["labels"])
            while facts["labels"] == labels:
                rng.shuffle(labels)
            facts["labels"] = labels[: rng.randint(0, 7)] if rng.random() < 0.3 else labels

        self._sealed(edit)

    def wrong_shape(self, rng: random.Random) -> None:
        model = rng.choice(self.strangers)
        self._with(model=model, manifest=vouched_for(self.whole[MANIFEST_FILE], model))

    def wrong_tensors(self, rng: random.Random) -> None:
        part = rng.choice(("input", "output"))
        change = rng.choice(
            ({"scale": rng.uniform(0.5, 2)}, {"zero_point": 1}, {"dtype": "float32", "scale": None, "zero_point": None})
        )
        self._sealed(lambda facts: facts[part].update(change))

    def wrong_crop(self, rng: random.Random) -> None:
        change = rng.choice(({"scale": rng.uniform(1.2, 3)}, {"down": 0.1}, {"function": "mine"}))
        self._sealed(lambda facts: facts["crop"].update(change))

    def wrong_size(self, rng: random.Random) -> None:
        self._sealed(
            lambda facts: facts["input"].update({rng.choice(("height", "width")): rng.choice((47, 64, 10**9))})
        )

    def wrong_weights(self, rng: random.Random) -> None:
        model = _other_weights(self.whole[MODEL_FILE], rng)
        self._with(model=model, manifest=vouched_for(self.whole[MANIFEST_FILE], model))

    def wrong_temperature(self, rng: random.Random) -> None:
        value = rng.choice((20.0, 0.05, 0.0, -1.0, 1e6, 1e300, float("nan"), float("inf"), "warm", None))
        self._sealed(lambda facts: facts.update(temperature=value))

    def wrong_golden(self, rng: random.Random) -> None:
        def edit(facts: Facts) -> None:
            case = rng.choice(facts["golden"]["cases"])
            shares = case["probabilities"]
            case["probabilities"] = [float(index == shares.index(min(shares))) for index in range(len(shares))]

        self._sealed(edit)

    def swapped_between_bundles(self, rng: random.Random) -> None:
        if rng.random() < 0.5:
            self._with(model=self.other[MODEL_FILE])
        else:
            self._with(manifest=self.other[MANIFEST_FILE])

    def swapped_within(self, rng: random.Random) -> None:
        self._with(model=self.whole[MANIFEST_FILE], manifest=self.whole[MODEL_FILE])

    def missing(self, rng: random.Random) -> None:
        gone = rng.choice(("model", "manifest", "both", "folder"))
        if gone != "folder":
            self._with(**{name: None for name in ("model", "manifest") if gone in (name, "both")})

    def empty(self, rng: random.Random) -> None:
        self._with(**{rng.choice(("model", "manifest")): b""})

    def not_a_file(self, rng: random.Random) -> None:
        self._with()
        path = self.place / rng.choice((MODEL_FILE, MANIFEST_FILE))
        path.unlink()
        # The last one is a file that opens and cannot be read, also by root.
        other = rng.choice(("folder", "itself", "/dev/zero", "/proc/self/mem"))
        if other == "folder":
            path.mkdir()
        else:
            path.symlink_to(path if other == "itself" else other)

    def not_a_folder(self, rng: random.Random) -> None:
        self.place.write_bytes(rng.randbytes(100))

    def not_this_schema(self, rng: random.Random) -> None:
        change: Facts = rng.choice(
            ({"schema": "mien-model/1"}, {"surprise": 1}, {"golden": None}, {"model": []}, {"input": 7})
        )
        self._sealed(lambda facts: facts.update(change))

    def not_json(self, rng: random.Random) -> None:
        seal = b'"seal": "' + b"0" * 64 + b'"'
        self._with(
            manifest=rng.choice(
                (
                    rng.randbytes(500),
                    b"[" * 100_000,
                    b" " * 2_000_000,
                    b"{" + seal + b"}",
                    seal,
                    json.dumps([]).encode(),
                )
            )
        )


def test_500_damaged_bundles(
    data_home: Path, face_models: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rng = random.Random(SEED)
    shipped = hashlib.sha256(shipped_files()[MODEL_FILE]).hexdigest()
    data_home.mkdir(parents=True)
    configured, chosen = tmp_path / "configured", data_home / "chosen"
    damages = {place: Damage(place, face_models) for place in (configured, chosen)}
    kinds = [name for name in vars(Damage) if not name.startswith("_")]
    activate("chosen")
    told: Counter[str] = Counter()
    for number in range(COUNT):
        kind = kinds[number % len(kinds)]
        place = rng.choice((configured, chosen))
        getattr(damages[place], kind)(rng)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            name = str(place) if place == configured else None
            model = open_expression(VisionSettings(expression_model=name, threads=1))
        assert (model.name, model.sha256) == ("mien", shipped), f"{number} {kind}"
        (line,) = caplog.messages
        assert model.fallback is not None, f"{number} {kind}"
        assert line.startswith(model.fallback)
        assert line.startswith(str(place)), line
        assert len(line.splitlines()) == 1, line
        told[kind] += 1
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
    assert told.total() == COUNT
    print(f"{COUNT} damaged bundles (seed {SEED}), {len(kinds)} kinds: none used, one line each")


def test_a_whole_bundle_is_used(data_home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    place = tmp_path / "whole"
    Damage(place, tmp_path)._with()
    assert open_expression(VisionSettings(expression_model=str(place))).fallback is None
    other = Damage(data_home / "other", tmp_path).other
    data_home.mkdir(parents=True)
    write(data_home / "other", other)
    activate("other")
    model = open_expression(VisionSettings())
    assert model.sha256 == hashlib.sha256(other[MODEL_FILE]).hexdigest()
    assert not caplog.messages
