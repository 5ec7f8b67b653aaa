"""``make bench-peers``: mien beside its peers, each in an environment of its own, on the same clips in one run.

Every round runs every peer on every clip in turn, so that a busy hour hits all alike; figures are medians.
Decoding the clip is counted for none. A peer that cannot be installed or cannot run is listed with what it said.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
import venv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from tests.peers.table import report

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
ENVIRONMENTS = ROOT / ".venv-peers"

#: What pip is asked for.
PEERS: dict[str, tuple[str, ...]] = {
    "mien": (str(ROOT),),
    "fer": ("fer==25.10.3",),
    "deepface": ("deepface", "tf-keras", "flask"),  # it imports flask and does not ask for it
    "facemesh": ("mediapipe==0.10.21",),
    "facemesh_xception": ("mediapipe==0.10.21", "tensorflow-cpu<2.20"),
}


@dataclass(slots=True)
class Peer:
    """A peer and what was measured of it. trouble: why there are no figures."""

    name: str
    wants: tuple[str, ...]
    python: Path
    size_mb: float = 0.0
    trouble: str | None = None
    runs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    accuracy: float | None = None

    def median(self, clip: str, figure: str) -> float:
        """Over the rounds."""
        return float(statistics.median(run[figure] for run in self.runs[clip]))


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tests.peers", description=__doc__)
    parser.add_argument("--clips", nargs="+", default=["eyes-close", "sad-to-happy"], help="names in clips.toml")
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=PEERS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--faces", type=Path, help="a folder with fer2013.csv: accuracy on its PrivateTest as well")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "speed", help="folder of peers.md and peers.json")
    arguments = parser.parse_args()
    clips = SHARED / "data" / "clips"
    if not clips.is_dir():
        sys.exit(f"{clips} is missing: the clips that are compared on lie there")
    truth = tomllib.loads((clips / "clips.toml").read_text())
    peers = [_install(name) for name in arguments.peers]
    work = [
        (peer, clip)
        for _ in range(arguments.rounds)
        for clip in arguments.clips
        for peer in peers
        if peer.trouble is None
    ]
    for peer, clip in tqdm(work, desc="rounds", unit="run"):
        if peer.trouble is None:
            figures = _run(peer, clips / truth[clip]["file"])
            if figures is not None:
                peer.runs.setdefault(clip, []).append(figures)
    if arguments.faces is not None:
        _score(peers, arguments.faces)
    arguments.out.mkdir(parents=True, exist_ok=True)
    text = report(peers, {clip: truth[clip] for clip in arguments.clips}, arguments.rounds)
    (arguments.out / "peers.md").write_text(text)
    (arguments.out / "peers.json").write_text(json.dumps([_plain(peer) for peer in peers], indent=1) + "\n")
    print(text)


def _install(name: str) -> Peer:
    """The peer's environment, made where it is not there yet."""
    folder = ENVIRONMENTS / name
    peer = Peer(name, PEERS[name], folder / "bin" / "python")
    ready = folder / ".ready"
    if not ready.exists():
        tqdm.write(f"Installing {name} …")
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        pip = [str(peer.python), "-m", "pip", "--disable-pip-version-check", "install", "-q", *peer.wants]
        done = subprocess.run(pip, capture_output=True, text=True, check=False)
        if done.returncode:
            peer.trouble = f"cannot be installed: {_complaint(done.stderr)}"
            return peer
        if name == "mien":
            subprocess.run([peer.python, "-m", "edge.cli", "models", "install"], check=True, capture_output=True)
        ready.touch()
    peer.size_mb = sum(path.lstat().st_blocks * 512 for path in folder.rglob("*")) / 1e6
    return peer


def _run(peer: Peer, source: Path) -> dict[str, Any] | None:
    """The figures of one run; notes in the peer why there are none."""
    command = [peer.python, "-m", "tests.peers.measure", peer.name, source, "--models", SHARED / "models"]
    # Nobody waits for the answers of a network that is not there, and none of the peers may tell of us.
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    try:
        done = subprocess.run(
            [*map(str, command), "--started", str(time.time())],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )
    except subprocess.TimeoutExpired:
        peer.trouble = "gave no answer in 20 minutes"
        return None
    if done.returncode:
        peer.trouble = _complaint(done.stderr) or f"ended with {done.returncode}"
        return None
    figures: dict[str, Any] = json.loads(_last_line(done.stdout))
    return figures


def _score(peers: list[Peer], folder: Path) -> None:
    """Each peer's expression model on FER2013's PrivateTest, as FER2013 cropped it."""
    import numpy as np

    from train.data import Split, load_fer2013

    test = load_fer2013(folder).split(Split.PRIVATE_TEST)
    with tempfile.TemporaryDirectory() as place:
        faces = Path(place) / "faces.npz"
        np.savez(faces, faces=test.pixels, labels=test.labels)
        for peer in tqdm(peers, desc="FER2013", unit="peer"):
            if peer.trouble is None and (figures := _run(peer, faces)) is not None:
                peer.accuracy = figures["accuracy"]


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def _complaint(stderr: str) -> str:
    """What it said last, without where the home folder of whoever measures lies."""
    return _last_line(stderr).replace(str(Path.home()), "~")[:300]


def _plain(peer: Peer) -> dict[str, Any]:
    return {
        "name": peer.name,
        "installed": list(peer.wants if peer.name != "mien" else ("this checkout",)),
        "size_mb": round(peer.size_mb),
        "trouble": peer.trouble,
        "private_test_accuracy": peer.accuracy,
        "runs": peer.runs,
    }


if __name__ == "__main__":
    main()
