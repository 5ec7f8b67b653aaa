"""What a cheaper source of the eyelids does to the closures found: ``python -m tests.bench.eyelids CLIP … --out FILE``.

The iris model runs once for each eye in each frame, which is most of a frame's time. Each variant runs it less often
and holds what it said last, moved along with the face.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge import host
from edge.camera import CameraSettings, open_camera
from edge.daemon import open_reader
from edge.state import People, StateSettings
from edge.vision import VisionSettings
from edge.vision.backend import FoundEye
from edge.vision.iris import IrisModel, aspect_ratio
from edge.vision.litert import LiteRtFinder
from edge.vision.turns import FORGET, OPEN, EyesByTurns, moved
from edge.vision.types import Array

#: Whether a newly read eye's aspect ratio, the one before and the widest of late call for the other eye as well.
Rule = Callable[[float, float, float], bool]


@dataclass(frozen=True, slots=True)
class Variant:
    """When the iris model is asked.

    due: whether an eye (left or not) is read anew in a frame, by the frame's number. both: whether an eye that was read
    so has the other one read as well, in the same frame. int8_weights, mesh_every_s: as in ``VisionSettings``.
    """

    due: Callable[[int, bool], bool]
    both: Rule = lambda _now, _before, _widest: False
    int8_weights: bool = False
    mesh_every_s: float = 0.0


def _in_turns(at: int, left: bool) -> bool:
    return at % 2 == left


def _not_wide_open(now: float, _before: float, widest: float) -> bool:
    return now < OPEN * widest


VARIANTS = {
    "both eyes, every frame": Variant(lambda _at, _left: True),
    "one eye a frame, in turns": Variant(_in_turns),
    "in turns, both once one moves": Variant(_in_turns, lambda now, before, widest: abs(now - before) > 0.1 * widest),
    "in turns, both once one is not wide open": Variant(_in_turns, _not_wide_open),
    "the same, weights in int8": Variant(_in_turns, _not_wide_open, int8_weights=True),
    "the same, and the mesh at rest (shipped)": Variant(
        _in_turns, _not_wide_open, int8_weights=True, mesh_every_s=VisionSettings().mesh_every_s
    ),
    "both eyes, every second frame": Variant(lambda at, _left: at % 2 == 0),
    "both eyes, every third frame": Variant(lambda at, _left: at % 3 == 0),
}
#: Closures that begin within so many seconds of each other are the same one.
SAME_S = 0.25


class _Spared(EyesByTurns):
    """The eyes of one face, read when the variant says so."""

    def __init__(self, model: IrisModel, variant: Variant) -> None:
        super().__init__(model)
        self._variant = variant
        self._eyes: dict[bool, FoundEye] = {}
        self._ratios = {False: 0.0, True: 0.0}
        self._widest = {False: 0.0, True: 0.0}
        self._frame = 0
        self.calls = 0

    def read(self, image: NDArray[np.uint8], landmarks: Array, number: int) -> tuple[FoundEye, FoundEye]:
        """As ours."""
        del number
        due = [side for side in (False, True) if side not in self._eyes or self._variant.due(self._frame, side)]
        both = [self._asked(image, landmarks, left=side) for side in due]
        if any(both):
            more = [side for side in (False, True) if side not in due]
            for side in more:
                self._asked(image, landmarks, left=side)
            due += more
        for side in {False, True} - set(due):
            self._eyes[side] = moved(self._eyes[side], landmarks, left=side)
        self._frame += 1
        return self._eyes[False], self._eyes[True]

    def _asked(self, image: NDArray[np.uint8], landmarks: Array, *, left: bool) -> bool:
        self.calls += 1
        self._eyes[left] = self._model.read(image, landmarks, left=left)
        before, now = self._ratios[left], aspect_ratio(self._eyes[left].contour)
        self._ratios[left], self._widest[left] = now, max(self._widest[left] * FORGET, now)
        return self._variant.both(now, before, self._widest[left])


@dataclass(frozen=True, slots=True)
class Found:
    """closures: from when to when the eyes were closed, seconds. calls: of the iris model, a frame.

    closed: whether they were in each frame. spans_s: how long each frame stood.
    """

    closures: list[tuple[float, float]]
    calls: float
    closed: list[bool]
    spans_s: list[float]


def find(clip: Path, variant: Variant) -> Found:
    """The closures in a clip of one face."""
    closures: list[tuple[float, float]] = []
    since_s: float | None = None
    shut: list[bool] = []
    times_s: list[float] = []
    settings = VisionSettings(
        threads=1, expression=False, int8_weights=variant.int8_weights, mesh_every_s=variant.mesh_every_s
    )
    with (
        open_camera(str(clip), CameraSettings(realtime=False)) as camera,
        open_reader(settings, seed=0) as reader,
    ):
        finder = reader._finder
        assert isinstance(finder, LiteRtFinder)
        assert finder._iris is not None
        spared = finder._turns = _Spared(finder._iris, variant)
        people = People(StateSettings(), rng=random.Random(0))
        for frame in camera:
            people.update(reader.read(frame))
            driver = people.driver()
            closed = driver is not None and driver.eyes == "closed"
            shut.append(closed)
            times_s.append(frame.t_s)
            if closed and since_s is None:
                since_s = frame.t_s
            elif not closed and since_s is not None:
                closures.append((since_s, frame.t_s))
                since_s = None
        if since_s is not None:
            closures.append((since_s, frame.t_s))
    return Found(closures, spared.calls / len(shut), shut, np.diff(times_s, append=times_s[-1]).tolist())


def row(name: str, clip: Path, shipped: Found, found: Found) -> list[str]:
    """A line of the table: how a variant's closures differ from those of the shipped way."""
    near = sorted(
        (abs(one[0] - other[0]), one, other)
        for one in shipped.closures
        for other in found.closures
        if abs(one[0] - other[0]) <= SAME_S
    )
    pairs: dict[tuple[float, float], tuple[float, float]] = {}
    for _, one, other in near:
        if one not in pairs and other not in pairs.values():
            pairs[one] = other
    starts = max((abs(one[0] - other[0]) for one, other in pairs.items()), default=0.0)
    ends = max((abs(one[1] - other[1]) for one, other in pairs.items()), default=0.0)
    missed, new = len(shipped.closures) - len(pairs), len(found.closures) - len(pairs)
    other_s = sum(
        span_s for one, other, span_s in zip(shipped.closed, found.closed, shipped.spans_s, strict=True) if one != other
    )
    return [
        *(name, clip.stem, f"{found.calls:.2f}", f"{sum(shipped.spans_s):.1f}", f"{other_s:.2f}"),
        *(f"{len(found.closures)}", f"{missed}", f"{new}", f"{starts:.3f}", f"{ends:.3f}"),
    ]


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    rows = []
    for clip in arguments.clips:
        results = {name: find(clip, variant) for name, variant in VARIANTS.items()}
        every = next(iter(results.values()))
        rows += [row(name, clip, every, found) for name, found in results.items()]
    columns = (
        "eyelids read",
        "clip",
        "iris calls a frame",
        "clip, s",
        "open or closed otherwise, s",
        "closures",
        "missed",
        "new",
        "starts off, s",
        "ends off, s",
    )
    table = "\n".join(f"| {' | '.join(line)} |" for line in (columns, ["---", "---", *["---:"] * 8], *rows))
    text = (
        "# Eyelids for less\n\n"
        "Closures found with the iris model run less often, against those found with both eyes in every frame. Between "
        "two calls an eye keeps its shape and moves along with the face. Variants that do not say "
        "otherwise have the models' weights in float and the mesh in every frame.\n\n"
        "A closure that the eyes' rule takes for two, as they flicker between open and closed, counts as missed where "
        "a variant takes it for one, and the other way round as new; so look at the seconds, too.\n\n"
        f"{table}\n\nCommit {host.commit() or 'not known'}; {host.processor()}.\n"
    )
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
