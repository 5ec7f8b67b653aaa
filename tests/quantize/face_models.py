"""Do MediaPipe's mesh and iris models pay in int8? ``python -m tests.quantize.face_models [FILE.md]``.

Calibrated on what the device's own code cuts from two clips, held against the float models on three others. A variant
may ship if landmarks move by no more than 1 % of the eye's width on average, and it is quicker.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tqdm import tqdm

from edge import host
from edge.camera import open_camera
from edge.camera.settings import CameraSettings
from edge.daemon import open_reader
from edge.models import require_face_models
from edge.vision import VisionSettings, interpreter
from edge.vision.int8_weights import pays, with_int8_weights
from quantize import graph
from quantize.convert import Kind, by_tensorflow
from quantize.errors import QuantizeError
from quantize.quiet import hushed
from tests.quantize.rebuild import rebuild

CLIPS = Path(__file__).resolve().parents[3] / "shared" / "data" / "clips"
CALIBRATION = ("sad-to-happy.mp4", "head-turns-and-nods.mp4")
TEST = ("eyes-close.mp4", "blinks-and-occlusion.mp4", "look-away.mp4")
#: By the side of the model's input: its file, and which two of its points are an eye's corners.
MODELS = {64: ("iris_landmark.tflite", (0, 8)), 192: ("face_landmark.tflite", (33, 133))}
KINDS: tuple[Kind, ...] = ("float32", "dynamic", "int8", "int16x8")
#: What ``edge.vision.int8_weights`` makes, without calibration.
SHIPPED = "int8 weights in large convolutions (shipped)"
MOST = 300
#: How much is written between two runs of a model where caches are to be cold, bytes: more than a core's own holds.
_JUNK = 4_000_000

Crops = dict[int, list[NDArray[np.float32]]]


def main() -> None:
    """Entry point."""
    if not CLIPS.is_dir():
        sys.exit(f"{CLIPS} is missing: the clips to calibrate and compare on lie there")
    calibration, test = _crops(CALIBRATION), _crops(TEST)
    lines = [
        "# The face models in int8\n",
        "Landmarks against those of the models as MediaPipe gives them, on crops of "
        f"{', '.join(Path(clip).stem for clip in TEST)}; calibrated, where that is asked for, on crops of "
        f"{' and '.join(Path(clip).stem for clip in CALIBRATION)}. CPU milliseconds at one thread: again and again, "
        "and after other work that left nothing in the caches, as between two frames.\n",
        "| model | variant | size KB | landmarks off by, mean (95th percentile), % of the eye's width "
        "| CPU ms | cold |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for side, (file, corners) in MODELS.items():
        given = (require_face_models() / file).read_bytes()
        variants: dict[str, bytes] = {"as given": given, SHIPPED: with_int8_weights(given)}
        troubles: dict[str, str] = {}
        for kind in KINDS:
            try:
                variants[kind] = _convert(given, kind, calibration[side])
            except (QuantizeError, RuntimeError, ValueError) as error:
                troubles[kind] = str(error).split(".")[0].strip()
        expected = _landmarks(given, test[side])
        width = np.linalg.norm(expected[:, corners[0]] - expected[:, corners[1]], axis=1)
        spent_ms, cold_ms = _speed(variants, test[side][0]), _speed(variants, test[side][0], junk=True)
        for name, content in variants.items():
            off = np.linalg.norm(_landmarks(content, test[side]) - expected, axis=2) / width[:, None] * 100
            accuracy = f"{off.mean():.2f} ({np.percentile(off, 95):.2f})"
            times = f"{spent_ms[name]:.2f} | {cold_ms[name]:.2f}"
            lines.append(f"| {file} | {name} | {len(content) / 1024:.0f} | {accuracy} | {times} |")
        lines += [f"| {file} | {kind} | – | cannot be made: {why} | – | – |" for kind, why in troubles.items()]
    lines.append(
        f"\n`python -m tests.quantize.face_models`, {date.today()}; commit {host.commit() or 'not known'}; "
        f"{host.processor()}. The processor has {'a' if pays() else 'no'} dot product of bytes: without one the "
        "device leaves the models as they are given."
    )
    text = "\n".join(lines) + "\n"
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text)
    print(text, end="")


def _crops(clips: Sequence[str]) -> Crops:
    """What the models are given on every fifth frame, float32 [1, side, side, 3] by side."""
    crops: Crops = defaultdict(list)
    as_given = VisionSettings(expression=False, int8_weights=False)

    def keep(model: Any, at: int) -> None:
        tensor = model.get_tensor(at)
        if tensor.shape[1] in MODELS:
            crops[tensor.shape[1]].append(tensor)

    interpreter.listener = keep
    try:
        for clip in tqdm(clips, unit="clip", leave=False):
            still = CameraSettings(source=str(CLIPS / clip), realtime=False)
            with (
                open_camera(still) as camera,
                open_reader(as_given, seed=0) as reader,
            ):
                for frame in camera:
                    if frame.seq % 5 == 0:
                        reader.read(frame)
    finally:
        interpreter.listener = None
    return {side: found[:: max(1, len(found) // MOST)] for side, found in crops.items()}


def _convert(given: bytes, kind: Kind, crops: list[NDArray[np.float32]]) -> bytes:
    holder = tf.Module()
    holder.run = rebuild(given)
    with hushed():
        converter = tf.lite.TFLiteConverter.from_concrete_functions([holder.run.get_concrete_function()], holder)
        return by_tensorflow(converter, kind, [crop[0] for crop in crops])


def _landmarks(content: bytes, crops: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Its largest output as points, float32 [n, points, 2], in the crop's pixels."""
    model = graph.interpreter(content)
    found = []
    for crop in crops:
        graph.feed(model, crop)
        model.invoke()
        outputs = [graph.read(model, output) for output in model.get_output_details()]
        found.append(max(outputs, key=lambda output: output.size).reshape(-1, 3)[:, :2])
    return np.stack(found)


def _speed(variants: dict[str, bytes], crop: NDArray[np.float32], *, junk: bool = False) -> dict[str, float]:
    """CPU milliseconds of a run at one thread: the quietest of ten rounds, in which the variants take turns.

    junk: of single runs, with the caches filled with something else before each, the median.
    """
    models = {name: graph.interpreter(content) for name, content in variants.items()}
    spent: dict[str, list[float]] = defaultdict(list)
    for model in models.values():
        graph.feed(model, crop)
    other = np.zeros(_JUNK, np.uint8)
    rounds, runs = (100, 1) if junk else (10, 30)
    for _ in range(rounds):
        for name, model in models.items():
            if junk:
                other += 1
            started = time.process_time()
            for _ in range(runs):
                model.invoke()
            spent[name].append((time.process_time() - started) / runs * 1000)
    return {name: (median if junk else min)(each) for name, each in spent.items()}


if __name__ == "__main__":
    main()
