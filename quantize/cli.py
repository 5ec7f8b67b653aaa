"""``mien-quantize``: a trained Keras model to the int8 bundle that the device runs.

Calibrates on Training, sets the temperature on PublicTest, measures on PrivateTest through the very file and
code that the device uses, and writes ``model.tflite`` with its ``manifest.json``.
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from train.data.faces import CLASSES

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

    from train.data import Faces, Split

    Logits = NDArray[np.float32]

INPUT = {"height": 48, "width": 48, "channels": 1, "color": "grey", "range": [0.0, 1.0]}
DATA = {
    "name": "FER2013 (Goodfellow et al. 2013) with FERPlus votes (Barsoum et al. 2016)",
    "terms": "FERPlus labels: MIT. FER2013: given out for a Kaggle competition, no explicit licence; research use.",
}


def main(argv: list[str] | None = None) -> int:
    """Entry point of ``mien-quantize``; 0, or 2 for a mistake that the user can mend."""
    parser = argparse.ArgumentParser(prog="mien-quantize", description=__doc__)
    parser.add_argument("model", type=Path, help="a .keras file, as mien-train fit leaves it")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="FOLDER", help="holds fer2013.csv and fer2013new.csv"
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="the bundle to write (default: beside the model)")
    parser.add_argument(
        "--calibration", type=int, default=700, metavar="N", help="faces of Training to calibrate on (default: 700)"
    )
    parser.add_argument("--seed", type=int, default=0, help="which faces those are (default: 0)")
    parser.add_argument(
        "--made-with",
        metavar="TEXT",
        help="how the model was trained, for the manifest (default: the recipe's plain mien-train fit)",
    )
    parser.add_argument("--force", action="store_true", help="replace a bundle that is there already")
    arguments = parser.parse_args(argv)
    from edge.errors import MienError
    from train.data import DataError

    try:
        return _quantize(arguments)
    except (MienError, DataError, OSError) as error:
        print(f"mien-quantize: {error}", file=sys.stderr)
        return 2


def _quantize(arguments: argparse.Namespace) -> int:
    if not arguments.model.is_file():
        raise FileNotFoundError(f"{arguments.model}: not found; mien-train fit makes one")
    import keras

    import train.layers  # noqa: F401 - makes our own layers known to load_model
    from quantize import bundle
    from quantize.calibration import balanced
    from quantize.convert import to_int8
    from train.data import Split, load_fer2013

    try:
        model = keras.saving.load_model(arguments.model, compile=False)
    except ValueError as error:
        raise OSError(f"{arguments.model}: not a Keras model: {str(error).splitlines()[0]}") from None
    out = arguments.out or arguments.model.parent / "bundle"
    faces = load_fer2013(arguments.data)
    print(f"converting {arguments.model} ({model.count_params():,} parameters)")
    tflite = to_int8(model, balanced(faces, arguments.calibration, arguments.seed))

    print("measuring float and int8 on PublicTest and PrivateTest")
    floats = {split: _keras_logits(model, faces.split(split)) for split in (Split.PUBLIC_TEST, Split.PRIVATE_TEST)}
    ints = {split: _device_logits(tflite, faces.split(split)) for split in floats}
    facts = _facts(arguments, model, faces, floats, ints)
    bundle.write(out, tflite, facts, replace=arguments.force)
    private = facts["metrics"]["private_test"]
    print(
        f"{out}: {len(tflite) / 1024:.0f} KiB, PrivateTest float {private['float']['accuracy']:.4f}, "
        f"int8 {private['int8']['accuracy']:.4f}, temperature {facts['temperature']}"
    )
    return 0


def _keras_logits(model: keras.Model, faces: Faces) -> Logits:
    from train.batches import as_input

    logits: Logits = model.predict(as_input(faces.pixels), batch_size=256, verbose=0)
    return logits


def _device_logits(tflite: bytes, faces: Faces) -> Logits:
    """What the device itself makes of the file, so that what is measured is what runs.

    Logits but for a constant a row, which changes neither class nor probability: logarithms of probabilities.
    """
    import numpy as np
    from tqdm import tqdm

    from edge.vision.expression import ExpressionModel
    from quantize import bundle

    with tempfile.TemporaryDirectory() as folder:
        facts = {"name": "trial", "labels": CLASSES, "temperature": 1.0, "input": INPUT}
        model = ExpressionModel(bundle.write(Path(folder) / "trial", tflite, facts), threads=1)
        rows = [model.probabilities(face) for face in tqdm(faces.pixels, unit="face", leave=False, mininterval=1)]
    return np.log(np.maximum(np.stack(rows), np.float32(1e-12)))


def _facts(
    arguments: argparse.Namespace,
    model: keras.Model,
    faces: Faces,
    floats: dict[Split, Logits],
    ints: dict[Split, Logits],
) -> dict[str, Any]:
    from train.data import Split
    from train.metrics import fit_temperature

    made_with = arguments.made_with or f"mien-train fit {model.name} --data FOLDER"
    temperature = fit_temperature(ints[Split.PUBLIC_TEST], faces.split(Split.PUBLIC_TEST).labels)
    return {
        "name": model.name,
        "labels": list(CLASSES),
        "meaning": "apparent expression of one face; not a feeling, not an identity",
        "input": INPUT,
        "output": "logits",
        "temperature": temperature,
        "crop": "edge.vision.crop.expression_crop",
        "training": {"recipe": model.name, "command": made_with, "data": DATA},
        "quantization": {
            "calibration_faces": arguments.calibration,
            "seed": arguments.seed,
            "parameters": model.count_params(),
        },
        "metrics": {
            split.name.lower(): {
                kind: _score(faces, split, logits[split], temperature)
                for kind, logits in (("float", floats), ("int8", ints))
            }
            for split in (Split.PUBLIC_TEST, Split.PRIVATE_TEST)
        },
        "created": datetime.date.today().isoformat(),
        "licence": "Apache-2.0 for the weights as far as the data's terms allow; see training.data.terms",
    }


def _score(faces: Faces, split: Split, logits: Logits, temperature: float) -> dict[str, Any]:
    from train import metrics

    labels = faces.split(split).labels
    alone = ~metrics.has_twin_in_training(faces, split)
    return {
        "faces": len(labels),
        "accuracy": round(metrics.accuracy(logits, labels), 4),
        "accuracy_without_twins": round(metrics.accuracy(logits[alone], labels[alone]), 4),
        "recall": dict(zip(CLASSES, [round(r, 4) for r in metrics.recalls(logits, labels)], strict=True)),
        "expected_calibration_error": {
            "raw": round(metrics.expected_calibration_error(logits, labels), 4),
            "at_temperature": round(metrics.expected_calibration_error(logits, labels, temperature), 4),
        },
    }


if __name__ == "__main__":
    sys.exit(main())
