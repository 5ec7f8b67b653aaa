"""What the programs that hold crowds against their truth are asked, and the crowds that they are asked for."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from tqdm import tqdm

from edge.models import face_models_folder
from edge.vision import FaceReader, Observation, VisionSettings
from tests.crowds.crowd import Truth, crowd
from tests.crowds.film import GLIMPSE_S, puppets


def parser(prog: str, description: str | None) -> argparse.ArgumentParser:
    """With the arguments that they share; ``rows`` are what two of them come to, ``crowds`` what all do."""
    made = argparse.ArgumentParser(prog=prog, description=description)
    made.add_argument("--people", type=int, nargs="+", default=[2, 4, 8, 12], help="how many at once")
    made.add_argument("--fps", type=float, nargs="+", default=[10, 15, 30], help="frames a second")
    made.add_argument("--seconds", type=float, default=180, help="how long each crowd lasts")
    made.add_argument("--crowds", type=int, default=3, help="how many crowds a row")
    made.add_argument("--first", type=int, default=0, help="the first crowd's seed")
    made.add_argument("--read-faces", type=int, help="how many faces are read in one frame at most; by default all")
    made.add_argument("--detect-every", type=float, default=0.05, help="how often newcomers are looked for, seconds")
    made.add_argument("--puppets", action="store_true", help="pictures of puppets instead of made-up readings")
    made.add_argument(
        "--glimpse", type=float, default=GLIMPSE_S, help="puppets seen for less on end are not seen, seconds"
    )
    return made


def rows(asked: argparse.Namespace) -> list[tuple[int, float]]:
    """Each number of people at each frame rate."""
    return [(people, fps) for people in asked.people for fps in asked.fps]


def crowds(
    asked: argparse.Namespace, people: int, fps: float, bar: tqdm[Any]
) -> Iterator[Iterator[tuple[Observation, Truth]]]:
    """The crowds of one row, each to be used up before the next; the bar moves on with each."""
    for seed in range(asked.first, asked.first + asked.crowds):
        yield _crowd(asked, seed, people, fps)
        bar.update()


def glimpse_s(asked: argparse.Namespace) -> float:
    """What ``visits_of`` is to take for a glimpse; there are none in made-up readings."""
    return float(asked.glimpse) if asked.puppets else 0.0


def _crowd(asked: argparse.Namespace, seed: int, people: int, fps: float) -> Iterator[tuple[Observation, Truth]]:
    if not asked.puppets:
        yield from crowd(
            seed, people, asked.seconds, fps, detect_every_s=asked.detect_every, read_faces=asked.read_faces
        )
        return
    settings = VisionSettings(
        expression=False,
        eyes=False,
        max_faces=12,
        read_faces=asked.read_faces,
        detect_every_s=asked.detect_every,
        detect_tiles=2,
    )
    with FaceReader(settings, face_models=face_models_folder(), seed=seed) as reader:
        yield from puppets(reader, seed, people, asked.seconds, fps)
