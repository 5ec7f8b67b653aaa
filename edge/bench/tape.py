"""What the models alone would have taken: every call's input is kept, and the bare calls are made again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.vision import interpreter


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of wall clock, and of the processor in all of the process's threads."""

    wall_s: float
    cpu_s: float

    @classmethod
    def now(cls) -> Spent:
        """Both clocks' readings."""
        return cls(time.perf_counter(), time.process_time())

    def since(self, start: Spent) -> Spent:
        """What passed from ``start`` to this."""
        return Spent(self.wall_s - start.wall_s, self.cpu_s - start.cpu_s)


class Tape:
    """The inputs of all models' calls, in their order."""

    def __init__(self) -> None:
        self._calls: list[tuple[Any, int, NDArray[Any]]] = []

    def __len__(self) -> int:
        return len(self._calls)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Begins anew, and keeps the input of every call of any model while it lasts."""
        self._calls.clear()
        interpreter.listener = self._keep
        try:
            yield
        finally:
            interpreter.listener = None

    def replay(self) -> Spent:
        """Calls the models again; only ``invoke()`` itself counts, not the filling of its input."""
        wall_s = cpu_s = 0.0
        for model, index, given in self._calls:
            model.set_tensor(index, given)
            start = Spent.now()
            model.invoke()
            took = Spent.now().since(start)
            wall_s += took.wall_s
            cpu_s += took.cpu_s
        return Spent(wall_s, cpu_s)

    def _keep(self, model: Any, index: int) -> None:  # noqa: ANN401 - LiteRT ships no types
        self._calls.append((model, index, np.array(model.get_tensor(index))))
