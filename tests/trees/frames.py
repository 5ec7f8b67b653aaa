"""How many instructions a frame takes, on a processor that qemu emulates with the plugin of count.c.

``qemu-aarch64 -cpu CPU -plugin count.so,to=FILE python frames.py FILE`` in an environment with ``mien[demo]``. The
puppet at 15 frames a second, one thread, counted in its second second: its face is known, the models are ready.
"""

from __future__ import annotations

import os
import sys
from collections import Counter as Calls
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2

from edge.camera import Frame
from edge.daemon import open_reader
from edge.demo.puppet import Script, frames
from edge.state import People, StateSettings
from edge.vision import VisionSettings, interpreter
from edge.vision.types import Observation

#: What count.c listens for.
WHO_ASKS = 0x6D69656E
FPS = 15.0
SCRIPT = Script(duration_s=2.0)
COUNTED_FROM_S = 1.0
#: The models by the height of their input.
MODELS = {128: "face detector", 192: "face mesh", 64: "iris model", 48: "expression, int8"}


class Instructions:
    """Instructions executed in a stretch of this program, as the plugin tells them."""

    def __init__(self, told: Path) -> None:
        self._told = told

    def __call__(self, stretch: Callable[[], object]) -> int:
        """Runs ``stretch``; returns its instructions, with the few thousand of asking."""
        self._ask()
        stretch()
        self._ask()
        before, after = self._told.read_text().split()[-2:]
        return int(after) - int(before)

    def _ask(self) -> None:
        try:
            os.getpriority(os.PRIO_PROCESS, WHO_ASKS)
        except ProcessLookupError:
            return
        raise RuntimeError(f"process {WHO_ASKS} cannot be; Linux numbers them to 4194304")


def main(told: Path) -> None:
    """Print a table in millions of instructions a frame."""
    cv2.setNumThreads(1)
    counted = Instructions(told)
    ran: list[Any] = []
    interpreter.listener = lambda model, _: ran.append(model)
    people = People(StateSettings())
    vision, state, count = 0, 0, 0
    with open_reader(VisionSettings(threads=1), seed=0) as reader:
        for seq, (t_s, image) in enumerate(frames(SCRIPT, FPS)):
            frame = Frame(image, t_s, wall_time=t_s, seq=seq, camera="puppet")
            if t_s < COUNTED_FROM_S:
                people.update(reader.read(frame))
                ran.clear()
                continue
            observations: list[Observation] = []
            vision += counted(lambda: observations.append(reader.read(frame)))  # noqa: B023 - called at once
            state += counted(lambda: people.update(observations[0]))  # noqa: B023
            count += 1
        # Each model once more and bare: how many instructions a run takes does not hang on what the model sees.
        models = {MODELS[model.get_input_details()[0]["shape"][1]]: model for model in ran}
        calls = Calls(MODELS[model.get_input_details()[0]["shape"][1]] for model in ran)
        bare = {name: counted(model.invoke) for name, model in models.items()}

    print(f"{f'{count} frames, millions of instructions':40}{'calls':>8}{'a call':>9}{'a frame':>9}")
    for name, each in bare.items():
        print(f"{name:40}{calls[name]:8d}{each / 1e6:9.2f}{each * calls[name] / count / 1e6:9.2f}")
    alone = sum(each * calls[name] for name, each in bare.items())
    for name, spent in (
        ("the models, bare", alone),
        ("vision around them", vision - alone),
        ("state", state),
        ("a frame, all", vision + state),
    ):
        print(f"{name:57}{spent / count / 1e6:9.2f}")
    print(f"{'all over the models bare':57}{(vision + state) / alone:9.3f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
