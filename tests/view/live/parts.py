"""A page that is served, and something to show on it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.camera import CameraSettings, open_camera
from edge.config import Config
from edge.daemon import follow, open_reader
from edge.events import DeviceIdentity
from edge.running.window import about
from edge.state import People
from edge.view.live.look import Look
from edge.view.live.server import LivePage
from edge.view.live.settings import ViewSettings
from tests.delivery.parts import free_port

TOKEN = "correct-horse-battery"


def looks_of(clip: Path) -> list[Look]:
    """What the pipeline makes of each frame of a clip."""
    config = Config(camera=CameraSettings(source=str(clip), realtime=False))
    people = People(config.state)
    device = DeviceIdentity("cab")
    with open_camera(config.camera) as camera, open_reader(config.vision, seed=0) as reader:
        return [
            Look(step.frame, step.observation, people.driver(), people.driver_track, tuple(people.expressions()))
            for step in follow(camera, reader, people, device, is_synced=lambda: True)
            if step.frame is not None and step.observation is not None
        ]


@contextmanager
def serving(*, pixels: bool = True, **settings: Any) -> Iterator[LivePage]:
    """A page on a free port, unless the settings say otherwise."""
    if not str(settings.get("listen", "")).startswith("unix:"):
        settings.setdefault("port", free_port())
    health = {"camera": "running", "camera_reason": None, "fps": 30.0, "latency_ms": 12}
    with LivePage(
        ViewSettings(**settings), pixels=pixels, about=about(Config(device="cab")), health=lambda: health
    ) as page:
        yield page


class Feeding:
    """Shows looks again and again, time running on, as a frame loop would; in a thread of its own."""

    def __init__(self, page: LivePage, looks: Sequence[Look], fps: float = 30.0) -> None:
        self._page = page
        self._looks = looks
        self._period_s = 1 / fps
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.shown = 0

    def _run(self) -> None:
        at = 0
        while not self._stop.wait(self._period_s):
            look = self._looks[at % len(self._looks)]
            at += 1
            if self._page.due():
                self._page.show(replace(look, observation=replace(look.observation, t_s=at * self._period_s)))
                self.shown += 1

    def __enter__(self) -> Feeding:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def say(port: int, request: bytes, *, host: str = "127.0.0.1") -> bytes:
    """What a server answers to these bytes, to the end; empty where it hangs up without a word."""
    answer = b""
    with socket.create_connection((host, port), timeout=10) as connection:
        try:
            connection.sendall(request)
            while more := connection.recv(65536):
                answer += more
        except ConnectionError:
            pass  # hung up while we still talked
    return answer


def get(port: int, path: str, *headers: str, host: str = "localhost") -> bytes:
    """The answer to a GET, head and body."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}:{port}", *headers, "", ""]
    return say(port, "\r\n".join(lines).encode())


def until(condition: Any, seconds: float = 10.0) -> bool:
    """Waits until something holds."""
    ends_s = time.monotonic() + seconds
    while time.monotonic() < ends_s:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())
