"""Where the newest message of each kind hangs, for all viewers alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cached_property

Parts = tuple[str | bytes, ...]


class Post:
    """One message of one or more parts, made when the first viewer takes it, once for all of them."""

    def __init__(self, number: int, make: Callable[[], Parts]) -> None:
        self.number = number
        self._make = make

    @cached_property
    def parts(self) -> Parts:
        """What is sent, in order."""
        return self._make()


class Board:
    """The newest post of each kind; all of it within one event loop. What nobody took in time, nobody made."""

    def __init__(self) -> None:
        self._posts: dict[str, Post] = {}
        self._count = 0
        self._changed = asyncio.Event()

    def put(self, kind: str, make: Callable[[], Parts]) -> None:
        """Replaces the post of this kind."""
        self._count += 1
        self._posts[kind] = Post(self._count, make)
        # Whoever waits holds on to the old event, which stays set.
        self._changed.set()
        self._changed = asyncio.Event()

    def take_down(self, kind: str) -> None:
        """Forgets the post of this kind."""
        self._posts.pop(kind, None)

    async def newer(self, seen: dict[str, int], kinds: tuple[str, ...]) -> tuple[str, Parts]:
        """The first of these kinds with a post that is not in ``seen``, which then knows it; waits for one."""
        while True:
            for kind in kinds:
                post = self._posts.get(kind)
                if post is not None and post.number > seen.get(kind, 0):
                    seen[kind] = post.number
                    return kind, post.parts
            await self._changed.wait()
