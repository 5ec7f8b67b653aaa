"""A whole bench: a scene with every number of faces at every number of threads, and where and when it was."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from edge import host
from edge.bench.measure import Result, measure
from edge.bench.scene import Scene


class Made(BaseModel):
    """How a bench was made. load: the machine's load average over a minute when it began; commit: None outside git."""

    model_config = ConfigDict(frozen=True)

    command: str
    date: datetime
    processor: str
    system: str
    versions: dict[str, str]
    commit: str | None
    load: float


class Bench(BaseModel):
    """All that was measured; ``model_dump_json`` is ``mien bench --json``."""

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = 1
    scene: str
    made: Made
    results: tuple[Result, ...]


def bench(
    scene: Scene,
    faces: Sequence[int],
    threads: Sequence[int],
    *,
    command: str,
    on_frame: Callable[[], None] = lambda: None,
) -> Bench:
    """Measures every number of faces at every number of threads. Raises MienError for what the user can mend."""
    made = Made(
        command=command,
        date=datetime.now(UTC).replace(microsecond=0),
        processor=host.processor(),
        system=host.system(),
        versions=host.versions(),
        commit=host.commit(),
        load=os.getloadavg()[0],
    )
    results = [measure(scene, count, each, on_frame=on_frame) for each in threads for count in faces]
    return Bench(scene=scene.name, made=made, results=tuple(results))
