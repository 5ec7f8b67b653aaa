"""Clips worked through: what is asked of each, one after the other or several at once."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event as ProcessEvent
from pathlib import Path

from edge.analysis.clip import Analysis, analyze
from edge.analysis.clips import Clip
from edge.analysis.findings import Findings, Gatherer
from edge.analysis.rows import FrameRows
from edge.analysis.second import Shots, draw_clip, draw_photo
from edge.analysis.tables import Row
from edge.config import Config
from edge.daemon import Step
from edge.errors import MienError
from edge.recording import limits_of
from edge.state import People
from edge.view.drive import Bar, Drive
from edge.view.plot import draw_drive, duration
from edge.view.sketch import FaceSketch

#: How much of a clip is done, 0 to 1.
Progress = Callable[[float], None]

#: Of the pictures in a report, for one clip.
MOST_PICTURES = 12


@dataclass(frozen=True, slots=True)
class Job:
    """What is wanted of a clip beside its events. annotate, plot: where these go. pictures: of its key moments."""

    clip: Clip
    config: Config
    annotate: Path | None = None
    plot: Path | None = None
    rows: bool = False
    pictures: bool = False

    @property
    def passes(self) -> int:
        """How often the clip is read."""
        return 2 if self.annotate is not None or self.pictures else 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a clip came to. pictures: JPEGs by the moment that they show, in capture time. faces: those in a photo."""

    analysis: Analysis
    findings: Findings
    drive: Drive
    rows: list[Row]
    pictures: dict[float, bytes]
    faces: tuple[FaceSketch, ...] = ()


def work(job: Job, progress: Progress = lambda _share: None) -> Outcome:
    """Does one; raises MienError for what the user can mend."""
    gatherer, drive, rows = Gatherer(), Drive(), FrameRows(job.clip.name)
    shots = Shots() if job.passes > 1 or job.clip.is_photo else None
    read = 0

    def witness(step: Step, people: People) -> None:
        gatherer(step, people)
        if job.rows:
            rows(step, people)
        if shots is not None:
            shots(step, people)
        if step.observation is not None:
            drive.see(step.observation, people.driver(), people.expressions(), step.vehicle)
        drive.tell(step.events, step.clock.zero_wall_s)

    def advance(total: int | None = None) -> None:
        nonlocal read
        read += 1
        if total is not None:
            progress(min(1.0, read / (total * job.passes)))

    analysis = analyze(job.clip.path, job.config, on_frame=advance, witness=witness)
    limits = limits_of(job.config.state)
    pictures: dict[float, bytes] = {}
    faces: tuple[FaceSketch, ...] = ()
    if shots is not None and job.clip.is_photo:
        faces = shots.kept[0].faces
        if job.annotate is not None:
            draw_photo(job.clip.path, job.config, shots, drive, limits, job.annotate)
    elif shots is not None:
        pictures = draw_clip(
            job.clip.path,
            job.config,
            shots,
            drive,
            limits,
            out=job.annotate,
            moments_s=key_moments(drive.bars) if job.pictures else (),
            on_frame=lambda: advance(analysis.frames),
        )
    if job.plot is not None:
        title = f"{job.clip.name}: {duration(analysis.duration_s)}"
        draw_drive(drive, job.plot, title=title, limits=limits)
    return Outcome(analysis, gatherer.findings(), drive, rows.rows, pictures, faces)


def key_moments(bars: Sequence[Bar]) -> list[float]:
    """When each episode was recognized: the most severe ones, in their order."""
    worst = sorted(bars, key=lambda bar: (-bar.worst, bar.start_s))[:MOST_PICTURES]
    return sorted({bar.steps[0][0] for bar in worst})


def work_all(
    jobs: Sequence[Job], processes: int, progress: Callable[[int, float], None]
) -> Iterator[Outcome | MienError]:
    """Does all, and gives in their order what each came to, or why it could not be done.

    progress: called with a job's place and how much of it is done.
    """
    if processes == 1 or len(jobs) == 1:
        for place, job in enumerate(jobs):
            try:
                yield work(job, partial(progress, place))
            except MienError as error:
                yield error
            progress(place, 1.0)
        return
    # A fresh process each: LiteRT's threads don't survive a fork.
    context = multiprocessing.get_context("spawn")
    told: SimpleQueue[tuple[int, float]] = context.SimpleQueue()
    stop = context.Event()
    with ProcessPoolExecutor(
        min(processes, len(jobs)), mp_context=context, initializer=_begin_worker, initargs=(told, stop)
    ) as pool:
        futures = [pool.submit(_work_apart, place, job) for place, job in enumerate(jobs)]
        try:
            for future in futures:
                while not wait([future], timeout=0.1).done:
                    while not told.empty():
                        progress(*told.get())
                try:
                    yield future.result()
                except MienError as error:
                    yield error
        finally:
            stop.set()  # after Ctrl-C those that are at work stop at their next frame and clear up
            pool.shutdown(wait=False, cancel_futures=True)
            while any(not future.done() for future in futures):
                wait(futures, timeout=0.1)
                while not told.empty():  # a full queue would hold them up
                    told.get()


_told: SimpleQueue[tuple[int, float]]
_stop: ProcessEvent


def _begin_worker(told: SimpleQueue[tuple[int, float]], stop: ProcessEvent) -> None:
    global _told, _stop
    _told, _stop = told, stop
    # A terminal's Ctrl-C goes to all processes: the first one tells the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _work_apart(place: int, job: Job) -> Outcome:
    last = 0.0

    def progress(share: float) -> None:
        nonlocal last
        if _stop.is_set():
            raise KeyboardInterrupt
        if share - last >= 0.01:
            last = share
            _told.put((place, share))

    outcome = work(job, progress)
    _told.put((place, 1.0))
    return outcome
