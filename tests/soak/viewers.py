"""What the live page costs the frame loop: frames a second without it, and with 0, 1 and 10 viewers, one stalled.

Blocks of a few seconds take turns within one run, as a shared machine's speed wanders; what counts is the median over
the rounds of each round's ratio to its block without a page. Once at full speed, once on a source that gives 30 frames
a second. The viewers are processes of their own at the lowest priority (nice 19): they take frames and answer for them
but draw nothing, and on the machine that they watch they cost processor time themselves, which a browser elsewhere
would not. 0 where the bounds hold at full speed, 1 where not.

    python -m tests.soak.viewers --rounds 15
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tqdm import tqdm
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from edge.camera import CameraSettings, open_camera
from edge.config import Config
from edge.daemon import TICK_S, Step, follow, open_reader
from edge.demo.puppet import DEMO, write_clip
from edge.events import DeviceIdentity
from edge.running.window import Window
from edge.state import People
from edge.view.live.settings import ViewSettings
from edge.view.live.viewer import TAKEN
from tests.delivery.parts import REPOSITORY, free_port, wait_for

#: Viewers, of which stalled, and the most that they may cost; None is no page at all.
CASES: tuple[tuple[int | None, int, float], ...] = ((None, 0, 0.0), (0, 0, 0.03), (1, 0, 0.10), (10, 1, 0.25))
BLOCK_S = 2.0
SETTLE_S = 0.5


@dataclass(frozen=True, slots=True)
class Block:
    """One stretch: frames a second, and this process's own processor time for a frame."""

    fps: float
    cpu_ms: float


class Viewers:
    """Processes that wait to be viewers; starting one would take longer than a block."""

    def __init__(self, window: Window, wanted: Path, most: int, stalled: int) -> None:
        self._window = window
        self._wanted = wanted
        self.become(0)
        address = window.address.replace("http", "ws") + "live"
        command = [sys.executable, "-m", "tests.soak.viewers", "--watch", address, "--wanted", str(wanted)]
        self._processes = [
            subprocess.Popen(
                [*command, "--number", str(number), *(["--stalled"] if number > most - stalled else [])],
                cwd=REPOSITORY,
            )
            for number in range(1, most + 1)
        ]

    def become(self, count: int) -> None:
        """From now on so many watch."""
        aside = self._wanted.with_suffix(".new")
        aside.write_text(str(count))
        aside.replace(self._wanted)
        if not wait_for(lambda: self._window.viewers == count, 120):
            raise SystemExit(f"{self._window.viewers} viewers, not {count}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._processes:
            each.kill()
            each.wait()


def watch(address: str, wanted: Path, number: int, *, stalled: bool) -> None:
    """The viewer of this number: watches while so many are wanted. A stalled one takes nothing."""
    os.nice(19)

    def is_wanted() -> bool:
        return int(wanted.read_text()) >= number

    while wanted.exists():
        if not is_wanted():
            time.sleep(0.2)
            continue
        with suppress(OSError, WebSocketException), connect(address, compression=None) as connection:
            while is_wanted():
                with suppress(TimeoutError):
                    message = connection.recv(0.2)
                    if not stalled and isinstance(message, str) and message.startswith('{"type":"frame"'):
                        connection.send(TAKEN)


def block(steps: Iterator[Step], people: People, window: Window | None) -> Block:
    """Runs the loop for a while; the first moments are not counted."""
    starts_s = time.monotonic() + SETTLE_S
    while time.monotonic() < starts_s:
        take(next(steps), people, window)
    frames, began_s, cpu_s = 0, time.monotonic(), time.process_time()
    while (took_s := time.monotonic() - began_s) < BLOCK_S:
        step = next(steps)
        take(step, people, window)
        frames += step.observation is not None
    return Block(frames / took_s, (time.process_time() - cpu_s) / frames * 1000)


def take(step: Step, people: People, window: Window | None) -> None:
    """What the daemon does with a step, as far as the page is concerned."""
    if window is not None:
        window.show(step, people)


def measure(clip: Path, *, realtime: bool, rounds: int) -> list[list[Block]]:
    """By case, its block of each round."""
    config = Config(
        camera=CameraSettings(source=str(clip), realtime=realtime, loop=True),
        view=ViewSettings(port=free_port()),
    )
    found: list[list[Block]] = [[] for _ in CASES]
    most, stalled, _ = CASES[-1]
    with (
        Window(config) as window,
        open_camera(config.camera) as camera,
        open_reader(config.vision) as reader,
        Viewers(window, clip.with_name("wanted"), most or 0, stalled) as viewers,
    ):
        window.ask(lambda: camera.health)
        people = People(config.state)
        steps = follow(camera.frames(TICK_S), reader, people, DeviceIdentity("soak"), is_synced=lambda: True)
        for turn in tqdm(range(rounds), unit=" rounds", leave=False):
            for at in range(len(CASES)):
                case = (at + turn) % len(CASES)  # so that no case always comes after the same one
                count, _, _ = CASES[case]
                viewers.become(count or 0)
                found[case].append(block(steps, people, None if count is None else window))
    return found


def report(found: list[list[Block]], *, bounded: bool) -> bool:
    """Prints a table; whether all bounds hold."""
    fine = True
    for (count, stalled, most), blocks in zip(CASES, found, strict=True):
        name = "no page" if count is None else f"{count} viewers" + (f", {stalled} stalled" if stalled else "")
        cost = 1 - statistics.median(one.fps / none.fps for one, none in zip(blocks, found[0], strict=True))
        holds = cost <= most
        verdict = "" if count is None or not bounded else f"  {'ok' if holds else 'NO'}: at most {most:.0%}"
        fine = fine and (holds or not bounded)
        fps, cpu_ms = (statistics.median(values) for values in zip(*((b.fps, b.cpu_ms) for b in blocks), strict=True))
        print(f"  {name:24} {fps:7.1f} frames/s  {cost:+6.1%}  {cpu_ms:6.2f} ms of processor a frame{verdict}")
    return fine


def main() -> int:
    """Measure, and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--watch", metavar="ADDRESS", help=argparse.SUPPRESS)
    parser.add_argument("--wanted", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--number", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--stalled", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.watch is not None:
        watch(arguments.watch, arguments.wanted, arguments.number, stalled=arguments.stalled)
        return 0
    with tempfile.TemporaryDirectory(prefix="mien-soak-") as folder:
        clip = Path(folder) / "puppet.mp4"
        write_clip(clip, DEMO)
        cores, load = os.cpu_count(), os.getloadavg()[0]
        print(f"{cores} cores, load {load:.1f}; {arguments.rounds} rounds of blocks of {BLOCK_S:g} s.\nAt full speed:")
        fine = report(measure(clip, realtime=False, rounds=arguments.rounds), bounded=True)
        print("A source of 30 frames a second:")
        report(measure(clip, realtime=True, rounds=max(1, arguments.rounds // 2)), bounded=False)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
