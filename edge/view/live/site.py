"""What the page's server does within its event loop: answers requests, and hangs out what is new."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any

from edge.errors import MienError
from edge.events import Event
from edge.view.live.diary import Diary
from edge.view.live.look import Look, picture, text

try:
    from websockets.asyncio.server import ServerConnection, serve
    from websockets.exceptions import ConnectionClosed, WebSocketException
    from websockets.http11 import Request, Response
except ImportError:
    raise MienError("the live page needs websockets, which is not installed: pip install 'mien[view]'") from None

from edge.view.live.access import Access
from edge.view.live.board import Board, Parts
from edge.view.live.files import Files, answer
from edge.view.live.viewer import Viewer

#: Where the page's script connects to.
LIVE = "/live"
#: Given to everybody: the form that asks for the token needs them.
_PUBLIC = frozenset({"/style.css", "/icon.svg"})
#: Connections beside the viewers' own: a browser fetches the page's files through six.
SPARE_CONNECTIONS = 24
#: How long a request, or the end of a connection, may take.
REQUEST_S = 5.0
#: How long viewers may take to let go when the page closes.
GOODBYE_S = 0.5
#: What a browser says is a word.
_MAX_HEARD = 64
HEALTH_EVERY_S = 1.0
#: A picture that nothing followed for so long is shown to no new viewer.
STALE_S = 2.0

_REFUSED = {
    "host": (HTTPStatus.MISDIRECTED_REQUEST, "This page is for this machine: open it as http://localhost.\n"),
    "origin": (HTTPStatus.FORBIDDEN, "Another site's page asked for this.\n"),
}

Health = Callable[[], Mapping[str, Any]]


class Site:
    """The page and its viewers. Made in any thread; all but ``watched`` and ``viewers`` is for the event loop's own.

    most_viewers: how many may watch at once. The others are as of ``LivePage``.
    """

    def __init__(
        self, access: Access, *, pixels: bool, most_viewers: int, about: Mapping[str, Any], health: Health
    ) -> None:
        self.watched = False
        self._access = access
        self._pixels = pixels
        self._most_viewers = most_viewers
        self._about = about
        self._health = health
        self._files = Files()
        self._diary = Diary()
        self.viewers = 0
        self._shown_s = 0.0

    @asynccontextmanager
    async def serve(self, listening: socket.socket) -> AsyncIterator[None]:
        """Answers on this socket meanwhile; all connections are closed at the end."""
        held: set[ServerConnection] = set()
        self._board = Board()
        self.describe(self._about)
        self.tell(())
        ticking = asyncio.create_task(self._tick())
        server = await serve(
            self._attend,
            sock=listening,
            process_request=self._answer,
            server_header=None,
            compression=None,  # JPEG can't be compressed further
            open_timeout=REQUEST_S,
            close_timeout=REQUEST_S,
            max_size=_MAX_HEARD,
            max_queue=4,
            create_connection=_door(held, self._most_viewers + SPARE_CONNECTIONS),
            logger=_quiet_logger(),
        )
        try:
            yield
        finally:
            ticking.cancel()
            server.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await server.wait_closed()
            # Who says nothing, or takes nothing, does not keep the daemon from ending.
            for connection in tuple(held):
                connection.transport.abort()
            await server.wait_closed()

    def show(self, look: Look) -> None:
        """The newest frame; it is encoded once somebody takes it."""
        pixels = self._pixels

        def make() -> Parts:
            described = text(look, pixels=pixels)
            return (described, picture(look.frame)) if pixels else (described,)

        self._shown_s = time.monotonic()
        self._board.put("frame", make)

    def tell(self, events: Iterable[Event]) -> None:
        """What happened."""
        self._diary.add(events)
        self._board.put("episodes", lambda: (self._diary.text(),))

    def describe(self, about: Mapping[str, Any]) -> None:
        """What the device is."""
        message = {"type": "about", "pixels": self._pixels, **about}
        self._board.put("about", lambda: (json.dumps(message),))

    async def _tick(self) -> None:
        while True:
            if time.monotonic() - self._shown_s > STALE_S:
                self._board.take_down("frame")
            if self.watched:
                said = json.dumps({"type": "health", "viewers": self.viewers, **self._health()})
                self._board.put("health", lambda said=said: (said,))  # type: ignore[misc]
            await asyncio.sleep(HEALTH_EVERY_S)

    def _answer(self, _connection: ServerConnection, request: Request) -> Response | None:
        """A file, a refusal, or None for a viewer that is welcome."""
        path, _, query = request.path.partition("?")
        headers = request.headers
        verdict = self._access.judge(
            query,
            host=_only(headers.get_all("Host")),
            origin=_only(headers.get_all("Origin")),
            cookies=headers.get_all("Cookie"),
            authorization=headers.get_all("Authorization"),
        )
        if verdict in _REFUSED:
            return answer(*_REFUSED[verdict])
        if verdict == "new" and path != LIVE:
            # Out of the address at once: addresses are kept, and shown to whoever looks over the shoulder.
            return answer(HTTPStatus.SEE_OTHER, Location="/", Set_Cookie=self._access.cookie)
        if verdict == "token" and path not in _PUBLIC:
            return self._files.give("/login.html", HTTPStatus.UNAUTHORIZED)
        if path != LIVE:
            return self._files.give("/index.html" if path == "/" else path)
        if self.viewers >= self._most_viewers:
            return answer(HTTPStatus.SERVICE_UNAVAILABLE, "Too many are watching (view.viewers).\n")
        return None

    async def _attend(self, connection: ServerConnection) -> None:
        self.viewers += 1
        if not self.watched:
            for kind in ("frame", "health"):  # of the last time that somebody watched
                self._board.take_down(kind)
            self.watched = True
        try:
            with suppress(ConnectionClosed):  # gone
                await Viewer(connection, self._board).attend()
        finally:
            self.viewers -= 1
            self.watched = self.viewers > 0


def _door(held: set[ServerConnection], most: int) -> type[ServerConnection]:
    """A kind of connection that is in ``held`` while it lasts, and hung up on at once where there are ``most``."""

    class Connection(ServerConnection):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            if len(held) < most:
                held.add(self)
            else:
                self.transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            held.discard(self)
            super().connection_lost(exc)

    return Connection


def _only(values: list[str]) -> str | None:
    """A header's value; one that stands there twice becomes one that nobody could mean."""
    return ", ".join(values) if values else None


def _quiet_logger() -> logging.Logger:
    """Websockets' own, without the news that somebody sent nonsense."""

    def worth_it(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, WebSocketException | OSError | EOFError)

    logger = logging.getLogger(f"{__name__}.websockets")
    logger.setLevel(logging.WARNING)
    logger.filters = [worth_it]
    return logger
