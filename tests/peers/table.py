"""The comparison as a page of Markdown."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from edge import host
from edge.vision.ahead import MOST

if TYPE_CHECKING:
    from tests.peers.__main__ import Peer

_WHAT = {
    "mien": "mien: faces, eyes, head, expression, the driver's rules, events on disk",
    "fer": "fer 25.10.3, Haar: faces, expression",
    "deepface": "deepface, OpenCV's detector: faces, expression",
    "facemesh": "mediapipe 0.10.21 FaceMesh, refined: landmarks",
    "facemesh_xception": "the same, and a Keras mini-Xception: landmarks, expression",
}


def report(peers: list[Peer], clips: dict[str, dict[str, Any]], rounds: int) -> str:
    """All of it; clips: their entries in clips.toml."""
    lines = [
        "# mien beside its peers",
        "",
        f"`make bench-peers`, {rounds} rounds, each peer in an environment of its own, as pip installs it; "
        f"{host.processor()}, {host.system()}; commit {host.commit() or 'unknown'}, {datetime.now(UTC):%Y-%m-%d}.",
        "Frames a second and CPU seconds are of the calls alone, on pictures that were decoded before; from the file, "
        "of OpenCV's decoder as well, on the same two processors. mien has up to "
        f"{MOST + 1} pictures in hand at a time, FaceMesh has threads of its own. RSS is the process's peak less the "
        "decoded pictures. The first result, of one picture, counts from the process's start. Medians of the rounds.",
    ]
    measured = [peer for peer in peers if peer.trouble is None]
    for clip, truth in clips.items():
        lines += ["", f"## {clip}", "", *_clip_table(measured, clip, truth)]
    lines += ["", "## Expression models", "", *_accuracy(measured)]
    missing = [f"- {_WHAT[peer.name]}: {peer.trouble}" for peer in peers if peer.trouble is not None]
    if missing:
        lines += ["", "## Not measured", "", *missing]
    return "\n".join(lines) + "\n"


def _clip_table(peers: list[Peer], clip: str, truth: dict[str, Any]) -> list[str]:
    mien = next((peer for peer in peers if peer.name == "mien"), None)
    has_truth = "expressions" in truth
    lines = [
        "| | frames/s | mien is | from the file, frames/s | mien is | CPU ms a frame | peak RSS MB | installed MB "
        "| first result s | face found | label flips in 100 frames |"
        f"{' right label | wrong label |' if has_truth else ''}",
        f"|---|---|---|---|---|---|---|---|---|---|---|{'---|---|' if has_truth else ''}",
    ]
    for peer in peers:
        run = peer.runs[clip][0]
        row = [_WHAT[peer.name]]
        for figure in ("fps", "fps_from_file"):
            fps = peer.median(clip, figure)
            row += [f"{fps:.0f}", "" if mien in (None, peer) else f"{mien.median(clip, figure) / fps:.3g}×"]
        row += [
            f"{peer.median(clip, 'cpu_s_per_frame') * 1000:.1f}",
            f"{peer.median(clip, 'rss_mb'):.0f}",
            f"{peer.size_mb:.0f}",
            f"{peer.median(clip, 'first_s'):.1f}",
            f"{_found(run['labels']):.0%}",
            _flips(run["labels"]),
        ]
        if has_truth:
            row += _right(run["labels"], run["clip_fps"], truth["expressions"])
        lines.append("| " + " | ".join(row) + " |")
    return lines


def _accuracy(peers: list[Peer]) -> list[str]:
    scored = [peer for peer in peers if peer.accuracy is not None]
    if not scored:
        return ["Not measured in this run (`python -m tests.peers --faces FOLDER` does)."]
    lines = ["| FER2013 PrivateTest, 3,589 faces as cropped there | accuracy |", "|---|---|"]
    return lines + [f"| {_WHAT[peer.name].split(':')[0]} | {peer.accuracy:.1%} |" for peer in scored]


def _found(labels: list[str | None]) -> float:
    return sum(label is not None for label in labels) / len(labels)


def _named(labels: list[str | None]) -> list[str]:
    return [label for label in labels if label is not None and label != "a face"]


def _flips(labels: list[str | None]) -> str:
    """Changes from one named frame to the next."""
    named = _named(labels)
    if not named:
        return "–"
    return f"{100 * sum(a != b for a, b in pairwise(named)) / len(named):.1f}"


def _right(labels: list[str | None], fps: float, spans: list[list[Any]]) -> list[str]:
    """Shares of the frames in the spans that carry the span's label, and another one; some carry none."""
    hits = misses = total = 0
    for label, start_s, end_s in spans:
        within = labels[round(start_s * fps) : round(end_s * fps)]
        total += len(within)
        hits += within.count(label)
        misses += len(_named(within)) - within.count(label)
    return [f"{hits / total:.0%}", f"{misses / total:.0%}"] if len(_named(labels)) else ["–", "–"]
