"""What the programs that hold crowds against their truth are asked: how many people, at what rate, for how long."""

from __future__ import annotations

import argparse


def parser(prog: str, description: str | None) -> argparse.ArgumentParser:
    """With the arguments that they share; ``rows`` are what two of them come to."""
    made = argparse.ArgumentParser(prog=prog, description=description)
    made.add_argument("--people", type=int, nargs="+", default=[2, 4, 8, 12], help="how many at once")
    made.add_argument("--fps", type=float, nargs="+", default=[10, 15, 30], help="frames a second")
    made.add_argument("--seconds", type=float, default=180, help="how long each crowd lasts")
    made.add_argument("--crowds", type=int, default=3, help="how many crowds a row")
    return made


def rows(asked: argparse.Namespace) -> list[tuple[int, float]]:
    """Each number of people at each frame rate."""
    return [(people, fps) for people in asked.people for fps in asked.fps]
