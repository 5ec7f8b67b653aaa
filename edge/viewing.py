"""``mien view``: the live page over any source, with no broker, no outbox and no configuration."""

from __future__ import annotations

import threading
from collections.abc import Callable

from edge.camera import open_camera
from edge.config import Config
from edge.daemon import TICK_S, follow, open_reader
from edge.events import DeviceIdentity, system_clock_synced
from edge.running.window import Window
from edge.state import People


def view(config: Config, *, stop: threading.Event, on_open: Callable[[str], None]) -> None:
    """Shows what ``config.camera`` sees until ``stop``, or until a source that does not loop has ended.

    on_open: called with the page's address once it is served. Raises MienError for what the user can mend.
    """
    with (
        Window(config) as window,
        open_camera(config.camera) as camera,
        open_reader(config.vision) as reader,
    ):
        window.ask(lambda: camera.health, lambda: {"dropped": camera.dropped})
        on_open(window.address)
        people = People(config.state)
        device = DeviceIdentity(config.device, model_sha256=reader.expression_sha256)
        frames = camera.frames(TICK_S)
        for step in follow(
            frames, reader, people, device, is_synced=system_clock_synced, stop=stop, at_hand=camera.at_hand
        ):
            window.show(step, people)
