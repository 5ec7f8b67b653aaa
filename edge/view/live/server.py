"""The live page, served in a thread of its own: what is shown to it costs the frame loop a hand-over, and no more."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from edge.events import Event
from edge.view.live.access import Access
from edge.view.live.listening import listen
from edge.view.live.look import Look
from edge.view.live.settings import ViewSettings
from edge.view.live.site import Health, Site


class LivePage:
    """The page while it is served: a context manager.

    about: what the page is told of the device once. health: asked once a second while somebody watches, in the page's
    thread. pixels: whether pictures are shown.

    Raises:
        ViewError: the address cannot be listened on, or the token file not be read.
    """

    def __init__(self, settings: ViewSettings, *, pixels: bool, about: Mapping[str, Any], health: Health) -> None:
        self._settings = settings
        self._period_s = 1.0 / settings.fps
        self._due_s = 0.0
        access = Access(settings.secret(), loopback=settings.loopback)
        self._site = Site(access, pixels=pixels, most_viewers=settings.viewers, about=about, health=health)
        self._socket = listen(settings)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="view", daemon=True)

    @property
    def watched(self) -> bool:
        """Whether anybody watches: the one thing that the frame loop asks for with each frame."""
        return self._site.watched

    @property
    def viewers(self) -> int:
        """How many watch."""
        return self._site.viewers

    @property
    def address(self) -> str:
        """Where a browser on this machine finds it; for a Unix socket, its path."""
        if self._settings.socket_path is not None:
            return self._settings.listen
        here = self._settings.listen
        host = {"0.0.0.0": "localhost", "::": "localhost"}.get(here, here)  # noqa: S104 - nothing is bound here
        return f"http://[{host}]:{self._settings.port}/" if ":" in host else f"http://{host}:{self._settings.port}/"

    def due(self) -> bool:
        """Whether the page takes another frame now. One call a frame, by one thread."""
        now_s = time.monotonic()
        if not self._site.watched or now_s < self._due_s:
            return False
        # From when it was due, so that a camera's own beat does not thin them further; but what was missed is missed.
        self._due_s = max(self._due_s + self._period_s, now_s)
        return True

    def show(self, look: Look) -> None:
        """Shows a frame to whoever watches; encoding is left to the page's thread."""
        self._call(self._site.show, look)

    def tell(self, events: Iterable[Event]) -> None:
        """Takes events into the list of episodes, watched or not."""
        self._call(self._site.tell, tuple(events))

    def describe(self, about: Mapping[str, Any]) -> None:
        """What the page is told of the device has changed."""
        self._call(self._site.describe, about)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call(self._stop.set)
        self._thread.join()
        if (path := self._settings.socket_path) is not None:
            path.unlink(missing_ok=True)

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(function, *arguments)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with self._site.serve(self._socket):
            self._ready.set()
            await self._stop.wait()
