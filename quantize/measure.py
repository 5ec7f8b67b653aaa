"""What a file says, through the device's own code, and how fast LiteRT says it."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edge.vision.interpreter import Model
from quantize.graph import feed, interpreter
from train import metrics

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]

#: Invocations of one model before it is the next one's turn: a frame's caches are warm, another load's is shared.
_TURN = 5
_ROUNDS = 60
#: An operator without fast kernels (int16x8) may take a hundred times another's time.
_MOST_SECONDS = 45.0


def logits(content: bytes, faces: Images, title: str) -> Floats:
    """Float32 [N, 7] of grey faces uint8 [N, 48, 48], as the device's own code gets them."""
    model = Model(content, title, threads=1)
    rows = [
        model.run_image(face[:, :, np.newaxis])[0]
        for face in tqdm(faces, title, unit="face", leave=False, disable=None)
    ]
    return np.concatenate(rows)


def affordable(content: bytes, seconds: float) -> int:
    """How many faces a model reads in so many seconds."""
    model = Model(content, "a model", threads=1)
    blank = np.zeros(model.input_shape[1:], np.uint8)
    model.run_image(blank)
    start = time.perf_counter()
    model.run_image(blank)
    return int(seconds / (time.perf_counter() - start))


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of ``invoke`` by model and number of threads: medians of interleaved turns.

    load: of the machine in the minute before, in processes; what else ran slows two threads most.
    """

    ms: Mapping[tuple[str, int], float]
    turns: Mapping[tuple[str, int], Sequence[float]]
    rounds: int
    load: float

    def speedup(self, name: str, over: str = "float32", threads: int = 1) -> float:
        """How many times as fast as another: the median of the ratios of a round's turns.

        What else the machine does meanwhile slows both of a round alike.
        """
        pairs = zip(self.turns[over, threads], self.turns[name, threads], strict=True)
        return statistics.median(slow / fast for slow, fast in pairs)


def latencies(models: Mapping[str, bytes], threads: Sequence[int] = (1, 2)) -> Latency:
    """Each model in turn, at each number of threads, round after round for at most 45 seconds."""
    loaded = {(name, count): interpreter(content, count) for count in threads for name, content in models.items()}
    for each in loaded.values():
        feed(each, np.full((1, 48, 48, 1), 0.5, np.float32))
        each.invoke()
    turns: dict[tuple[str, int], list[float]] = {key: [] for key in loaded}
    load = os.getloadavg()[0]
    stop = time.perf_counter() + _MOST_SECONDS
    rounds = 0
    for _ in tqdm(range(_ROUNDS), "latency", unit="round", leave=False, disable=None):
        for key, each in loaded.items():
            times = []
            for _ in range(_TURN):
                start = time.perf_counter()
                each.invoke()
                times.append(time.perf_counter() - start)
                if times[0] > 0.05:
                    break
            turns[key].append(1000 * statistics.median(times))
        rounds += 1
        if time.perf_counter() > stop and rounds >= 3:
            break
    return Latency({key: statistics.median(times) for key, times in turns.items()}, turns, rounds, load)


@dataclass(frozen=True, slots=True)
class Score:
    """A variant on some faces beside its float parent on the same ones; shares of 1.

    drop: the parent's accuracy less the variant's. agreement: faces of which both say the same. calibration_error:
    of the probabilities as they are.
    """

    faces: int
    accuracy: float
    drop: float
    agreement: float
    calibration_error: float

    def facts(self) -> dict[str, float]:
        """For JSON, rounded."""
        return {key: round(value, 4) for key, value in asdict(self).items()}


def score(variant: Floats, parent: Floats, labels: NDArray[np.uint8]) -> Score:
    """Logits float32 [N, 7] of a variant and its parent, and the right classes uint8 [N]."""
    accuracy = metrics.accuracy(variant, labels)
    return Score(
        len(labels),
        accuracy,
        metrics.accuracy(parent, labels) - accuracy,
        float((variant.argmax(axis=1) == parent.argmax(axis=1)).mean()),
        metrics.expected_calibration_error(variant, labels),
    )
