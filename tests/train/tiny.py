"""A network small enough to fit in a second, and a run of it in a process of its own.

    python -m tests.train.tiny OUT [KEY=VALUE …]

``epochs``, ``distribute`` and ``resume`` are those of ``fit``; ``devices`` splits the CPU into so many; ``dropout``
is the network's; ``sleep_at`` makes the process stand still after so many steps of training and say so. The last
line is the history as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
from keras import layers

from tests.train.faces import striped
from train.augment import Augmentation
from train.recipes import Recipe


def build(dropout: float = 0.0, name: str = "tiny") -> keras.Model:
    image = keras.Input((None, None, 1), name="face")
    x = image
    for index, filters in enumerate((8, 16)):
        x = layers.Conv2D(filters, 3, 2, use_bias=False, name=f"conv{index}")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"bn{index}")(x)
        x = layers.ReLU(name=f"relu{index}")(x)
    x = layers.Dropout(dropout, name="dropout")(layers.GlobalAveragePooling2D(name="pool")(x))
    return keras.Model(image, layers.Dense(7, name="logits")(x), name=name)


def recipe(dropout: float = 0.0, name: str = "tiny", **changes: Any) -> Recipe:
    given: dict[str, Any] = {
        "epochs": 3,
        "batch": 14,
        "learning_rate": 1e-2,
        "weight_decay": 0.01,
        "average": 0.9,
        "augmentation": Augmentation(erase=0.0, shift=0.02, rotation_deg=5.0),
    }
    return Recipe(name=name, build=partial(build, dropout, name), **given | changes)


def main(arguments: list[str]) -> None:
    out, options = Path(arguments[0]), dict(argument.split("=", 1) for argument in arguments[1:])
    if "devices" in options:
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        parts = [tf.config.LogicalDeviceConfiguration()] * int(options["devices"])
        tf.config.set_logical_device_configuration(cpu, parts)
    from train import fit as fitting

    if "sleep_at" in options:
        whole = fitting.Average.on_train_batch_end

        def stop(self: Any, batch: int, logs: dict[str, Any] | None = None) -> None:
            whole(self, batch, logs)
            if self._step == int(options["sleep_at"]):
                print("asleep", flush=True)
                time.sleep(600)

        fitting.Average.on_train_batch_end = stop  # type: ignore[method-assign]
    fitting.fit(
        recipe(dropout=float(options.get("dropout", "0"))),
        striped(210),
        out,
        epochs=int(options.get("epochs", "3")),
        resume=bool(options.get("resume")),
        distribute=options.get("distribute"),
    )
    print((out / fitting.HISTORY).read_text().replace("\n", ""))


ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Run:
    """A fit in a process of its own."""

    process: subprocess.Popen[str]

    def history(self) -> list[dict[str, float]]:
        """What it says at its end."""
        out, err = self.process.communicate(timeout=240)
        assert self.process.returncode == 0, err[-3000:]
        history: list[dict[str, float]] = json.loads(out.strip().splitlines()[-1])
        return history


def run(out: Path, *options: str, **environment: str) -> Run:
    """Start one."""
    command = [sys.executable, "-m", "tests.train.tiny", str(out), *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1", **environment}
    pipe = subprocess.PIPE
    return Run(subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=ROOT, env=environment))


def kill_asleep(process: subprocess.Popen[str]) -> None:
    """SIGKILL, in the middle of an epoch, for a process that was told to ``sleep_at``."""
    assert process.stdout is not None
    try:
        while (line := process.stdout.readline()) and not line.startswith("asleep"):
            pass
        assert line, process.communicate()[1]
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    main(sys.argv[1:])
