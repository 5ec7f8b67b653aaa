"""One bench: the whole pipeline over a scene, block by block, in turns with the bare models."""

from __future__ import annotations

import gc
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import mean, median

import numpy as np
from pydantic import BaseModel, ConfigDict

from edge.bench.scene import Scene, tiled
from edge.bench.stages import STAGES, Stages, percentiles
from edge.bench.tape import Spent, Tape
from edge.camera import Frame
from edge.daemon import open_reader, to_events
from edge.delivery import Outbox, OutboxSettings, OutboxWriter
from edge.errors import MienError
from edge.events import ClockMapping, DeviceIdentity
from edge.running.thermal import Thermometer
from edge.state import People, StateSettings
from edge.state.types import UNKNOWN_VEHICLE
from edge.vision import FaceReader, VisionSettings

#: Frames that the pipeline reads before the models have their turn: some tenths of a second, in which the machine's
#: other work hits both alike.
BLOCK = 10
_PAGE_MIB = 4096 / 2**20


class Stage(BaseModel):
    """One stage's milliseconds a frame. share: of all stages' time, 0..1."""

    model_config = ConfigDict(frozen=True)

    p50_ms: float
    p95_ms: float
    mean_ms: float
    share: float


class Ratio(BaseModel):
    """The pipeline's time over that of the bare models, a block at a time: median, and the middle half's ends.

    pipeline_ms, models_ms: means a frame.
    """

    model_config = ConfigDict(frozen=True)

    median: float
    low: float
    high: float
    pipeline_ms: float
    models_ms: float


class Result(BaseModel):
    """One bench.

    fps: frames a second, capture included. calls: of models, a frame. faces_found: mean a frame.
    rss_mib: of this process, which holds the models twice. temperature_c: None where no sensor tells.
    """

    model_config = ConfigDict(frozen=True)

    faces: int
    threads: int
    size: tuple[int, int]
    frames: int
    events: int
    faces_found: float
    calls: float
    fps: float
    rss_mib: float
    temperature_c: float | None
    cpu: Ratio
    wall: Ratio
    stages: dict[str, Stage]


def measure(scene: Scene, faces: int, threads: int, *, on_frame: Callable[[], None] = lambda: None) -> Result:
    """Bench a scene with so many faces and so many threads, as ``VisionSettings`` has them.

    A second reader goes ahead over each block and keeps what it gives to the models; then the pipeline reads the block
    and the bare models get the same inputs again, in turns as to who is first. Raises MienError where the scene has too
    few frames.
    """
    settings = VisionSettings(threads=threads)
    settings = settings.model_copy(update={"max_faces": max(settings.max_faces, faces)})
    stages, tape = Stages(), Tape()
    pairs: list[tuple[Spent, Spent]] = []
    calls = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        Outbox(OutboxSettings(path=Path(folder) / "outbox.sqlite")) as outbox,
        open_reader(settings, seed=0) as ahead,
        _Pipeline(open_reader(settings, seed=0, stopwatch=stages), outbox, stages) as pipeline,
    ):
        gc.freeze()  # as the daemon does
        for number, block in enumerate(_blocks(scene, faces, stages)):
            with tape.recording():
                for frame in block:
                    ahead.read(frame)
            if number % 2:
                ours, bare = pipeline.run(block), tape.replay()
            else:
                bare, ours = tape.replay(), pipeline.run(block)
            if number == 0:  # the first one warms up
                stages.forget()
                pipeline.faces.clear()
                continue
            pairs.append((ours, bare))
            calls += len(tape)
            for _ in block:
                on_frame()
        if not pairs or not calls:
            raise MienError(f"{scene.name}: no {2 * BLOCK} frames of it could be read; name a longer clip")
        frames = len(pairs) * BLOCK
        per_frame_s = stages.per_frame_s()
        total_s = sum(map(sum, per_frame_s.values()))
        return Result(
            faces=faces,
            threads=threads,
            size=pipeline.size,
            frames=frames,
            events=pipeline.events,
            faces_found=mean(pipeline.faces),
            calls=calls / frames,
            fps=frames / (sum(ours.wall_s for ours, _ in pairs) + sum(per_frame_s.get("capture", ()))),
            rss_mib=_rss_mib(),
            temperature_c=Thermometer().read().temperature_c,
            cpu=_ratio([(ours.cpu_s, bare.cpu_s) for ours, bare in pairs]),
            wall=_ratio([(ours.wall_s, bare.wall_s) for ours, bare in pairs]),
            stages={stage: _stage(per_frame_s[stage], total_s) for stage in STAGES if stage in per_frame_s},
        )


class _Pipeline:
    """Everything after decoding, as the daemon does it: vision, state, events, outbox; a context manager."""

    def __init__(self, reader: FaceReader, outbox: Outbox, stages: Stages) -> None:
        self._reader = reader
        self._stages = stages
        self._people = People(StateSettings(), rng=random.Random(0))  # noqa: S311 - ids, not secrets
        self._device, self._clock = DeviceIdentity("bench"), ClockMapping(0.0, synced=False)
        self._kept = 0
        self._writer = OutboxWriter(outbox, self._keep)
        self.events = 0
        self.faces: list[int] = []
        self.size = (0, 0)

    def run(self, block: Sequence[Frame]) -> Spent:
        """Reads a block. The outbox's own thread may still write at its end: that counts as processor time alone."""
        start = Spent.now()
        for result in self._reader.read_ahead(block):
            if result is None:
                continue  # blocks hold frames only
            _, observation = result
            with self._stages("state"):
                changes = self._people.update(observation)
            with self._stages("outbox"):
                for event in to_events(changes, self._device, self._clock, UNKNOWN_VEHICLE):
                    self._writer.put(event)
                    self.events += 1
            self._stages.frame()
            self.faces.append(len(observation.faces))
        wall_s = time.perf_counter() - start.wall_s
        while self._kept < self.events:
            time.sleep(0.001)
        self.size = observation.size
        return Spent(wall_s, Spent.now().since(start).cpu_s)

    def __enter__(self) -> _Pipeline:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()
        self._reader.close()

    def _keep(self, _event: object) -> None:
        self._kept += 1


def _blocks(scene: Scene, faces: int, stages: Stages) -> Iterator[list[Frame]]:
    """Whole blocks; each frame's time of decoding goes to ``stages``."""
    frames = scene.frames()
    block: list[Frame] = []
    while True:
        started_s = time.perf_counter()
        frame = next(frames, None)
        if frame is None:
            return
        if scene.decoded:
            stages.captured(time.perf_counter() - started_s)
        block.append(tiled(frame, faces))
        if len(block) == BLOCK:
            yield block
            block = []


def _ratio(pairs: list[tuple[float, float]]) -> Ratio:
    ratios = [ours / bare for ours, bare in pairs]
    low, high = np.percentile(ratios, [25, 75]).tolist()
    ours_ms, bare_ms = (sum(side) / len(pairs) / BLOCK * 1000 for side in zip(*pairs, strict=True))
    return Ratio(median=median(ratios), low=low, high=high, pipeline_ms=ours_ms, models_ms=bare_ms)


def _stage(per_frame_s: list[float], total_s: float) -> Stage:
    p50_s, p95_s = percentiles(per_frame_s)
    return Stage(
        p50_ms=p50_s * 1000,
        p95_ms=p95_s * 1000,
        mean_ms=mean(per_frame_s) * 1000,
        share=sum(per_frame_s) / total_s,
    )


def _rss_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_MIB
