"""One browser that watches, at its own speed."""

from __future__ import annotations

import asyncio

from websockets.asyncio.server import ServerConnection

from edge.view.live.board import Board

#: What a viewer is sent; when several are new, in this order.
KINDS = ("about", "episodes", "health", "frame")
#: So many pictures may be on their way to one browser: a slow one skips frames, and what it shows is new all the same.
ON_THE_WAY = 2
#: A browser that has taken nothing for so long is let go of; one that was only away comes back by itself.
STALL_S = 10.0
#: What it answers to each frame that it has taken.
TAKEN = "taken"


class Viewer:
    """Sends one browser what is new."""

    def __init__(self, connection: ServerConnection, board: Board) -> None:
        self._connection = connection
        self._board = board
        self._on_the_way = 0
        self._answered = asyncio.Event()

    async def attend(self) -> None:
        """Until it is gone or stalls.

        Raises:
            ConnectionClosed: it is gone.
        """
        doing = [asyncio.create_task(self._send_all()), asyncio.create_task(self._listen())]
        try:
            done, _ = await asyncio.wait(doing, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in doing:
                task.cancel()
        try:
            for task in done:
                task.result()
        except TimeoutError:
            self._connection.transport.abort()

    async def _send_all(self) -> None:
        seen: dict[str, int] = {}
        while True:
            if self._on_the_way >= ON_THE_WAY:
                self._answered.clear()
                async with asyncio.timeout(STALL_S):
                    await self._answered.wait()
            kind, parts = await self._board.newer(seen, KINDS)
            async with asyncio.timeout(STALL_S):
                for part in parts:
                    await self._connection.send(part)
            self._on_the_way += kind == "frame"

    async def _listen(self) -> None:
        async for message in self._connection:
            if message == TAKEN:
                self._on_the_way = max(0, self._on_the_way - 1)
                self._answered.set()
