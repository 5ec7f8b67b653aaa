"""Every recipe's network at full size, converted to int8 and run in LiteRT: a table.

    python -m tests.quantize.every_recipe [NAME …]

Untrained, since what is shown is that each converts, runs and says what its float file says; minutes and 2 GB for
cao_fusion's 88 million parameters, at the 96 pixels that suit two cores.
"""

from __future__ import annotations

import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

from quantize import golden
from quantize.calibration import as_the_device_feeds
from quantize.convert import Parent
from quantize.graph import float_layers, operators, partitions
from quantize.measure import latencies, logits
from train.fusion import fuse
from train.recipes import SUMMARIES, cao_fusion, load

_PICTURES = 24
_CALIBRATION = 12


def build(name: str) -> keras.Model:
    """A recipe's untrained network, the same each time."""
    keras.utils.set_random_seed(0)
    if name == "cao_fusion":
        return fuse([cao_fusion.build(part, 96, "none") for part in cao_fusion.PARTS], [0.2, 0.3, 0.5])
    made = load(name).build
    if made is None:
        raise ValueError(f"{name} has no network of its own")
    return made()


def row(name: str) -> str:
    """One network as a line of a Markdown table."""
    start = time.monotonic()
    parent = Parent(build(name))
    pictures = golden.faces(0, _PICTURES)
    inputs = as_the_device_feeds(pictures)
    float_answers = np.asarray(parent.model.predict(inputs, verbose=0))
    cells = [name, f"{parent.model.count_params():,}"]
    errors, files = [], {"float32": parent.float32}
    for tool in parent.tools("int8"):
        content = files[tool] = parent.convert("int8", tool, inputs[:_CALIBRATION])
        off = logits(content, pictures, name) - float_answers
        errors.append(f"{tool} {100 * np.sqrt(np.square(off).mean() / np.square(float_answers).mean()):.1f} %")
    tool = parent.tools("int8")[-1]
    graph = operators(files[tool], parent.layers)
    latency = latencies(files, threads=(1,))
    cells += [f"{len(files[tool]) / 1024:,.0f}", f"{len(graph)}", f"{len(partitions(files[tool]))}"]
    cells += [", ".join(float_layers(graph)) or "none", ", ".join(errors)]
    cells += [f"{latency.ms['float32', 1]:.1f}", f"{latency.ms[tool, 1]:.1f}", f"{time.monotonic() - start:.0f}"]
    return "| " + " | ".join(cells) + " |"


def main(names: list[str]) -> None:
    """Print the table, a line as soon as it is known."""
    head = ["recipe", "parameters", "KiB", "operators", "pieces", "left float", "off by"]
    head += ["ms float32", "ms int8", "seconds in all"]
    print("| " + " | ".join(head) + " |\n|" + " --- |" * len(head), flush=True)
    for name in names or SUMMARIES:
        print(row(name), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
