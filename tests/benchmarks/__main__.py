"""``make bench``: where a frame's time goes on this machine, on the puppet. Figures, no verdict."""

from __future__ import annotations

import platform
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from edge.camera import Frame
from edge.daemon import open_reader
from edge.delivery import Outbox, OutboxSettings
from edge.demo.puppet import Script, frames
from edge.events import ClockMapping, DeviceIdentity
from edge.events.convert import to_event
from edge.state import People, StateSettings
from edge.vision import VisionSettings

SCRIPT = Script(duration_s=10.0, blinks=(1.0, 2.0), closures=((3.0, 8.0),))


class Stages:
    """Seconds spent, by name."""

    def __init__(self) -> None:
        self.spent_s: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        started_s = time.perf_counter()
        yield
        self.spent_s[name].append(time.perf_counter() - started_s)

    def table(self) -> str:
        """Median, 95th percentile and mean per frame, in milliseconds."""
        lines = [f"{'':24}{'p50 ms':>9}{'p95 ms':>9}{'count':>8}"]
        for name, spent_s in self.spent_s.items():
            p50, p95 = np.percentile(spent_s, [50, 95]) * 1000
            lines.append(f"{name:24}{p50:9.2f}{p95:9.2f}{len(spent_s):8d}")
        return "\n".join(lines)


def main() -> None:
    """Print the table for one and two threads."""
    pictures = list(frames(SCRIPT))
    print(f"{platform.machine()}, Python {platform.python_version()}, the puppet, 512 × 512, {len(pictures)} frames")
    for threads in (1, 2):
        stage = Stages()
        device, clock = DeviceIdentity("bench"), ClockMapping(0.0, synced=False)
        with (
            tempfile.TemporaryDirectory() as folder,
            Outbox(OutboxSettings(path=Path(folder) / "outbox.sqlite")) as outbox,
            open_reader(VisionSettings(threads=threads), seed=0) as reader,
        ):
            people = People(StateSettings())
            for seq, (t_s, image) in enumerate(pictures):
                frame = Frame(image, t_s, wall_time=t_s, seq=seq, camera="puppet")
                with stage("frame to events"):
                    with stage("  vision"):
                        observation = reader.read(frame)
                    with stage("  state"):
                        changes = people.update(observation)
                    for change in changes:
                        with stage("  outbox, an event"):
                            outbox.put(to_event(change, device, clock))
        print(f"\n{threads} thread{'s' * (threads > 1)}\n{stage.table()}")


if __name__ == "__main__":
    main()
