"""Fetching ahead: while one thing is worked on, the next ones are made ready in a thread of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from typing import Generic, TypeVar

Thing = TypeVar("Thing")

#: So many things are fetched ahead at most. With fewer, whoever is done first, this thread or the other, waits for the
#: slower more often, as now one eye is read in a frame and now two, and the mesh in every second. Frames a second of a
#: clip with 8 over those with 4, 2 and 1: 1.05, 1.13, 1.25.
MOST = 8


class Ahead(Generic[Thing]):
    """Things in their order, those that are at hand fetched ahead; for use from one thread.

    fetch: makes the next thing ready; never called by two threads at once. at_hand: of how many this takes no waiting.
    """

    def __init__(self, fetch: Callable[[], Thing], at_hand: Callable[[], int]) -> None:
        self._fetch = fetch
        self._at_hand = at_hand
        self._coming: deque[Future[Thing]] = deque()
        self._unwanted = 0

    def begin(self, thread: Executor) -> None:
        """Has ``thread``, a single one, fetch the next things, as far as they are at hand now."""
        while len(self._coming) < min(self._at_hand(), MOST):
            self._coming.append(thread.submit(self._fetch))

    def next(self) -> tuple[Thing, bool]:
        """The next thing, fetched ahead or now; and whether it was not to be dropped."""
        if not self._coming:
            return self._fetch(), True
        wanted, self._unwanted = self._unwanted == 0, max(self._unwanted - 1, 0)
        return self._coming.popleft().result(), wanted

    def drop(self) -> None:
        """What is fetched or on its way is to be dropped."""
        self._unwanted = len(self._coming)

    def settle(self) -> None:
        """Waits until nothing is on its way."""
        wait(self._coming)
