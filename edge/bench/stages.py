"""Seconds spent on each frame, stage by stage."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

#: In a frame's order. lids: the eyes' contours against what the pixels show. other: the rest of vision, as the head's
#: pose and who is who.
STAGES = (
    *("capture", "detect", "mesh", "iris", "lids", "landmarker", "crop", "expression", "quality", "other"),
    *("state", "outbox"),
)
#: Those that hold a model, and its input and output with it.
WITH_MODELS = frozenset({"detect", "mesh", "iris", "landmarker", "expression"})
#: Those within the time of finding and observing faces, which the iris model may run beside.
_WITHIN = frozenset(STAGES[1 : STAGES.index("other")]) - {"iris"}


class Stages:
    """A stopwatch for vision and what lies around it."""

    def __init__(self) -> None:
        self._now: dict[str, float] = defaultdict(float)
        self._frames: list[dict[str, float]] = []
        self._captured_s: deque[float] = deque()

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Times one run of a stage; several in one frame add up."""
        started_s = time.perf_counter()
        try:
            yield
        finally:
            self._now[stage] += time.perf_counter() - started_s

    def captured(self, seconds: float) -> None:
        """The next frame that was not captured yet took so long to come by."""
        self._captured_s.append(seconds)

    def frame(self) -> None:
        """A frame is done. Time of finding and observing faces that belongs to no stage of its own is "other".

        Where two frames are worked on at once, what is found of the next counts as this one's: it evens out.
        """
        spent_s, self._now = self._now, defaultdict(float)
        if spent_s.keys() & {"find", "observe"}:
            whole_s = spent_s.pop("find", 0.0) + spent_s.pop("observe", 0.0)
            spent_s["other"] = whole_s - sum(spent_s[stage] for stage in _WITHIN)
        if self._captured_s:
            spent_s["capture"] = self._captured_s.popleft()
        self._frames.append(spent_s)

    def forget(self) -> None:
        """Begins anew, after a warm-up."""
        self._frames.clear()

    def per_frame_s(self) -> dict[str, list[float]]:
        """Each stage's seconds in each frame, 0 where it did not run; without the stages that never ran."""
        ran = [stage for stage in STAGES if any(frame.get(stage) for frame in self._frames)]
        return {stage: [frame.get(stage, 0.0) for frame in self._frames] for stage in ran}


def percentiles(seconds: list[float]) -> tuple[float, float]:
    """Median and 95th percentile."""
    p50, p95 = np.percentile(seconds, [50, 95]).tolist()
    return p50, p95
