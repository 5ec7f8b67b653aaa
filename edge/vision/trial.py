"""Loads and runs a model once in a process of its own: a damaged ``.tflite`` can take the interpreter down with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np

from edge.vision.backend import VisionError
from edge.vision.interpreter import Model

#: A face takes a millisecond; the rest is the start of Python on a slow processor.
_TIMEOUT_S = 30.0
_REFUSED = 2


def try_in_child(content: bytes, name: str) -> None:
    """Returns once a child process has loaded and run the model; ``name`` is what an error message calls it.

    Raises VisionError where the child dies of it, says that it is no model, or does not come to an end.
    """
    # The bytes themselves, so that what was tried is what will be loaded; this process's own import path.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", "from edge.vision.trial import main; main()", name]
    try:
        done = subprocess.run(
            command, input=content, capture_output=True, timeout=_TIMEOUT_S, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        raise VisionError(f"{name}: not done after {_TIMEOUT_S:.0f} s of a trial run; use another model") from None
    if done.returncode == _REFUSED:
        raise VisionError(os.fsdecode(done.stdout))
    if done.returncode < 0:
        died_of = signal.Signals(-done.returncode).name
        raise VisionError(f"{name}: crashes the interpreter ({died_of} in a trial run); use another model")
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
        raise VisionError(f"{name}: the trial run failed ({said[-1]})")


def main() -> None:
    """The child: the model's bytes on stdin, its name as the argument."""
    name = sys.argv[1]
    try:
        model = Model(sys.stdin.buffer.read(), name, 1)
        model.run(np.zeros(model.input_shape, np.float32))
    except VisionError as error:
        sys.stdout.buffer.write(os.fsencode(str(error)))
        sys.exit(_REFUSED)
