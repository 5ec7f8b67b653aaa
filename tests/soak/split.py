"""Kills ``mien publish`` and what fills its outbox in vision's stead, alone and together, while events flow.

Held: whatever vision accepted arrives, in its order, and under one id each; nobody waits for anybody. After every
third round both are killed at once and the kernel's caches dropped, as after a power cut (root only; what a disk
itself loses with the power is not imitated). Linux, mosquitto on the PATH.

    python -m tests.soak.split --rounds 100
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.delivery.parts import REPOSITORY, Mosquitto, find_mosquitto, wait_for, without_repeats
from tests.soak.delivery import PERSISTENT, Faithful

EVENTS_A_SECOND = 50
#: Seconds between two kills.
LIFE_S = (0.3, 1.5)


@dataclass(frozen=True, slots=True)
class Outcome:
    """accepted: events that vision had in the outbox. repeats: those that came more than once.

    stop_s: how long SIGTERM took to end publish.
    """

    rounds: int
    accepted: int
    received: int
    repeats: int
    stop_s: float

    def __str__(self) -> str:
        return (
            f"{self.rounds} rounds: {self.accepted} events accepted, {self.received} received, none lost, in order; "
            f"{self.repeats} repeats under the same id; SIGTERM ended publish in {self.stop_s:.2f} s"
        )


class Half:
    """One of the two processes, started anew as systemd would; what vision says it has accepted is kept in a file."""

    def __init__(self, folder: Path, name: str, *command: str | Path) -> None:
        self._command = [sys.executable, *map(str, command)]
        self._out = folder / f"{name}.out"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Runs it, if it does not run."""
        if self._process is None:
            with self._out.open("ab") as out:
                self._process = subprocess.Popen(self._command, cwd=REPOSITORY, stdout=out, stderr=subprocess.DEVNULL)

    def end(self, number: int) -> float:
        """Sends a signal and waits; returns how long that took in seconds."""
        if self._process is None:
            return 0.0
        began_s = time.monotonic()
        self._process.send_signal(number)
        self._process.wait(30)
        self._process = None
        return time.monotonic() - began_s

    def said(self) -> list[str]:
        """The lines that it has said, whole ones."""
        text = self._out.read_text() if self._out.exists() else ""
        return [line for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def says_more_than(self, lines: int) -> bool:
        """Whether it comes to that within a minute."""
        return wait_for(lambda: len(self.said()) > lines, 60)


def survive(folder: Path, *, rounds: int, seed: int) -> Outcome:
    """Kills so many times; returns when all that was accepted has arrived.

    Raises:
        AssertionError: an event is lost, out of order, or came under two ids.
    """
    binary = find_mosquitto()
    assert binary is not None, "mosquitto is not installed: apt install mosquitto"
    chance = random.Random(seed)
    broker = Mosquitto(binary, folder, (*PERSISTENT, f"persistence_location {folder}/")).start()
    subscriber = Faithful(broker.port)
    config = folder / "mien.toml"
    config.write_text(
        f'device = "cab"\n[broker]\nurl = "{broker.url}"\nreconnect_min_s = 0.1\nsettle_s = 0.0\n'
        f'[outbox]\npath = "{folder}/outbox.sqlite"\n'
    )
    vision = Half(folder, "vision", "-m", "tests.delivery.apart", config, str(EVENTS_A_SECOND))
    publish = Half(folder, "publish", "-m", "edge.cli", "publish", "--config", config)
    halves = (vision, publish)
    try:
        for number in range(rounds):
            said = len(vision.said())
            for half in halves:
                half.start()
            assert vision.says_more_than(said), "vision does not come up again"
            time.sleep(chance.uniform(*LIFE_S))
            both = number % 3 == 2
            for half in halves if both else (chance.choice(halves),):
                half.end(signal.SIGKILL)
            if both:
                _drop_caches()
        for half in halves:
            half.start()
        said = len(vision.said())
        assert vision.says_more_than(said + 10), "vision does not come up again"
        vision.end(signal.SIGKILL)
        accepted = [line.strip() for line in vision.said()]
        assert wait_for(lambda: set(accepted) <= set(subscriber.ids()), 60), "events are lost"
        stop_s = publish.end(signal.SIGTERM)
    finally:
        for half in halves:
            half.end(signal.SIGKILL)
        subscriber.close()
        broker.kill()
    events = subscriber.events("cab")
    first = without_repeats([event.id for event in events])
    known = set(accepted)
    assert [id_ for id_ in first if id_ in known] == accepted, "the events came out of order"
    places = {(str(event.data.boot_id), event.data.seq) for event in events}
    assert len(places) == len(first), "one event came under two ids"
    return Outcome(rounds, len(accepted), len(first), len(events) - len(first), stop_s)


def _drop_caches() -> None:
    if os.geteuid() == 0:
        try:
            Path("/proc/sys/vm/drop_caches").write_text("1")
        except OSError:
            pass  # a container's


def main() -> None:
    """Runs it and prints what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.split", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=100, help="how often something is killed (default: 100)")
    parser.add_argument("--seed", type=int, default=1, help="of what happens at random (default: 1)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(survive(Path(folder), rounds=arguments.rounds, seed=arguments.seed))


if __name__ == "__main__":
    main()
