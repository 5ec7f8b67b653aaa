"""A daemon whose driver falls asleep: the camera and its reading are made up, all behind them is real.

As a program, ``sleeper.py OUTBOX BROKER_URL ALARM DISK``: ALARM becomes a link that names the alarm's kind and
severity; DISK is ``full``, ``fills`` (once the daemon runs) or ``fine``. It ends when the alarm has sounded.
"""

from __future__ import annotations

import logging
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import edge.daemon
from edge.camera import Camera
from edge.camera.frame import Frame
from edge.config import Config
from edge.vision.types import Observation
from tests.played import PlayedReader
from tests.state.scenes import drive, times

from .parts import wait_for

#: Falls asleep after 40 s and does not wake up; microsleep at 41.5 s, sleep at 43.
ASLEEP_AT_S = 40.0
LINK_THE_ALARM = ("sh", "-c", 'ln -sfn "$MIEN_KIND-$MIEN_SEVERITY" "$0"')


class Pictures(Camera):
    """Frames of the whole drive as fast as they are taken; at the end it waits for ``over``."""

    def __init__(self, observations: list[Observation], over: Callable[[], bool]) -> None:
        super().__init__("cab", (1, 1), 15.0, None)
        self._observations = iter(observations)
        self._over = over
        self.begun: Callable[[], object] = lambda: None

    def __next__(self) -> Frame:
        observation = next(self._observations, None)
        if observation is None:
            wait_for(self._over, 10)
            raise StopIteration
        if observation.t_s == 0:
            self.begun()
        return Frame(np.zeros((1, 1, 3), np.uint8), observation.t_s, time.time(), observation.seq, "cab")

    def close(self) -> None:
        pass


@contextmanager
def sleeping(over: Callable[[], bool], until_s: float = ASLEEP_AT_S + 5) -> Iterator[Pictures]:
    """Meanwhile every daemon of this process sees a driver fall asleep."""
    observations = drive(times(until_s, 15), [(ASLEEP_AT_S, 1000.0)])
    pictures = Pictures(observations, over)
    daemon: Any = edge.daemon
    before = daemon.open_camera, daemon.open_reader
    daemon.open_camera = lambda _settings: pictures
    seen = {observation.t_s: observation for observation in observations}
    daemon.open_reader = lambda settings, **_others: PlayedReader(settings, lambda frame: seen[frame.t_s])
    try:
        yield pictures
    finally:
        daemon.open_camera, daemon.open_reader = before


def config(outbox: Path, broker: str, **tables: Any) -> Config:
    return Config.model_validate(
        {
            "device": "cab-7",
            "outbox": {"path": outbox},
            "broker": {"url": broker, "connect_timeout_s": 1.5, "reconnect_min_s": 0.05, "settle_s": 0.0},
            **tables,
        }
    )


def main() -> None:
    outbox, broker, alarm, disk = sys.argv[1:]
    logging.basicConfig(format="%(message)s")

    def no_file_may_grow() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    with sleeping(lambda: Path(alarm).is_symlink()) as pictures:
        if disk == "full":
            no_file_may_grow()
        elif disk == "fills":
            pictures.begun = no_file_may_grow
        command = {"warning": (*LINK_THE_ALARM, alarm), "critical": (*LINK_THE_ALARM, alarm)}
        edge.daemon.run(config(Path(outbox), broker, alarm={"command": command}), need_broker=False, drain_s=0.0)


if __name__ == "__main__":
    main()
