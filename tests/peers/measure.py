"""One peer on one clip, or on FER2013's test faces: figures as a line of JSON. Runs in the peer's environment."""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.peers.readers import LABELS, READERS

#: The first pictures pay for what is made once.
WARM_UP = 20


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
    list(read(islice(_pictures(arguments.source), 1)))
    first_s = time.time() - arguments.started
    pictures = list(_pictures(arguments.source))  # so that decoding counts for nobody
    labels: list[str | None] = []
    wall = cpu = 0.0
    for label in read(pictures):
        labels.append(label)
        if len(labels) == WARM_UP:
            cpu, wall = time.process_time(), time.perf_counter()
    cpu_s, wall_s = time.process_time() - cpu, time.perf_counter() - wall
    warm = len(labels) - WARM_UP
    rss_mb = _peak_mb() - sum(picture.nbytes for picture in pictures) / 2**20
    began_s = time.perf_counter()
    from_file = sum(1 for _ in read(_pictures(arguments.source)))
    return {
        "fps": warm / wall_s,
        "fps_from_file": from_file / (time.perf_counter() - began_s),
        "cpu_s_per_frame": cpu_s / warm,
        "first_s": first_s,
        "rss_mb": rss_mb,
        "clip_fps": cv2.VideoCapture(str(arguments.source)).get(cv2.CAP_PROP_FPS),
        "labels": labels,
    }


def _pictures(source: Path) -> Iterator[np.ndarray[Any, Any]]:
    """The clip's pictures, each decoded when it is asked for."""
    capture = cv2.VideoCapture(str(source))
    while (read := capture.read())[0]:
        yield read[1]
    capture.release()


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
