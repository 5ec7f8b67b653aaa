"""One peer on one clip, or on FER2013's test faces: figures as a line of JSON. Runs in the peer's environment."""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.peers.readers import LABELS, READERS


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=READERS)
    parser.add_argument("source", type=Path, help="a clip, or an .npz with faces [n, 48, 48] and labels [n]")
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--started", type=float, required=True, help="Unix time at which this process was started")
    arguments = parser.parse_args()
    figures = (_faces if arguments.source.suffix == ".npz" else _clip)(arguments)
    # Peers print of their own accord; the last line is ours.
    print("\n" + json.dumps(figures), flush=True)
    # Some peers hang in their threads' ends; all is measured.
    os._exit(0)


def _clip(arguments: argparse.Namespace) -> dict[str, Any]:
    read, _ = READERS[arguments.peer](arguments.models)
    capture = cv2.VideoCapture(str(arguments.source))
    fps = capture.get(cv2.CAP_PROP_FPS)
    labels: list[str | None] = []
    wall_s, cpu_s, first_s = [], [], 0.0
    while True:
        good, image = capture.read()
        if not good:
            break
        cpu, wall = time.process_time(), time.perf_counter()
        labels.append(read(image))
        wall_s.append(time.perf_counter() - wall)
        cpu_s.append(time.process_time() - cpu)
        first_s = first_s or time.time() - arguments.started
    # The first frames pay for what is made once.
    warm = slice(min(5, len(wall_s) // 2), None)
    return {
        "fps": 1 / float(np.mean(wall_s[warm])),
        "cpu_s_per_frame": float(np.mean(cpu_s[warm])),
        "first_s": first_s,
        "rss_mb": _peak_mb(),
        "clip_fps": fps,
        "labels": labels,
    }


def _faces(arguments: argparse.Namespace) -> dict[str, Any]:
    _, classify = READERS[arguments.peer](arguments.models)
    if classify is None:
        return {"accuracy": None}
    with np.load(arguments.source) as file:
        faces, labels = file["faces"], file["labels"]
    right = sum(classify(face) == LABELS[label] for face, label in zip(faces, labels, strict=True))
    return {"accuracy": right / len(labels)}


def _peak_mb() -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found, "Linux tells it"
    return int(found[1]) / 1024


if __name__ == "__main__":
    main()
