"""The live page as whoever runs the frame loop has it: opened, shown frames, told how the device fares."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from edge.camera import Condition
from edge.config import Config
from edge.delivery import Delivery, Outbox
from edge.running import Heat
from edge.state import People
from edge.version import version
from edge.view.live.look import Look
from edge.vision.eye import MIN_EYE_WIDTH_PX
from edge.vision.types import EXPRESSIONS

if TYPE_CHECKING:
    from edge.daemon import Step
    from edge.running.shutter import Shutter
    from edge.running.vitals import Vitals

log = logging.getLogger(__name__)

#: Nobody asked for the frame rate for so long: what was counted meanwhile says nothing of now.
FORGOTTEN_S = 3.0

Facts = Mapping[str, Any]


class Window:
    """Serves the page from when it is made, as a context manager; ``[view]`` says where.

    Raises:
        MienError: the page's packages are not installed, or its address cannot be listened on.
    """

    def __init__(self, config: Config) -> None:
        from edge.view.live.server import LivePage  # an extra

        self._page = LivePage(config.view, pixels=shows_pixels(config), about=about(config), health=self._health)
        self._ask: Callable[[], Facts] = dict
        self._frames = 0
        self._latency_s = 0.0
        self._asked = (0.0, 0)

    @property
    def address(self) -> str:
        """Where a browser on this machine finds the page."""
        return self._page.address

    @property
    def viewers(self) -> int:
        """How many watch."""
        return self._page.viewers

    def ask(self, condition: Callable[[], Condition], more: Callable[[], Facts] = dict) -> None:
        """From now on the page tells how the camera fares, and more; both are asked in the page's thread."""

        def facts() -> Facts:
            now = condition()
            return {"camera": now.kind, "camera_reason": now.reason, **more()}

        self._ask = facts

    def adopt(self, config: Config) -> None:
        """Another configuration holds."""
        self._page.describe(about(config))

    def show(self, step: Step, people: People) -> None:
        """A step has been taken; in the frame loop's thread. With nobody watching it is over at once."""
        if step.events:
            self._page.tell(step.events)
        if not self._page.watched or step.observation is None or step.frame is None:
            return
        self._frames += 1
        self._latency_s = time.time() - step.observation.wall_time
        if self._page.due():
            audience = people.audience()
            look = Look(
                frame=step.frame,
                observation=step.observation,
                driver=people.driver(),
                driver_track=people.driver_track,
                expressions=tuple(people.expressions()),
                audience=None if audience is None else audience.state,
            )
            self._page.show(look)

    def __enter__(self) -> Self:
        self._page.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._page.__exit__(kind, error, trace)

    def _health(self) -> Facts:
        """How the device fares; once a second while somebody watches."""
        now_s, (asked_s, frames) = time.monotonic(), self._asked
        self._asked = (now_s, self._frames)
        known = now_s - asked_s < FORGOTTEN_S
        came = self._frames - frames
        return {
            "fps": round(came / (now_s - asked_s), 1) if known else None,
            "latency_ms": round(max(0.0, self._latency_s) * 1000) if known and came else None,
            **self._ask(),
        }


def device_facts(shutter: Shutter, vitals: Vitals, outbox: Outbox, publisher: Delivery) -> Facts:
    """The daemon's own health, beside the camera's."""
    heat: Heat = vitals.heat
    outcome = publisher.outcome
    return {
        "dropped": shutter.dropped,
        "temperature_c": heat.temperature_c,
        "throttled": heat.throttled,
        "shedding": vitals.shedding,
        "broker": "connected" if publisher.connected else (outcome.reason if outcome else "") or "not connected",
        "broker_connected": publisher.connected,
        "outbox": outbox.depth(),
        "outbox_trouble": outbox.trouble,
    }


def about(config: Config) -> Facts:
    """What the page is told of the device once: names, and the limits that its chart and its advice go by."""
    state = config.state
    return {
        "version": version(),
        "device": config.device,
        "camera": config.camera.id,
        "preset": config.preset,
        "driver": state.driver,
        "expressions": list(EXPRESSIONS) if state.expressions and config.vision.expression else None,
        "limits": {
            "closed_below": state.eyes.closed_below,
            "drowsy": state.drowsiness.notice_60s,
            "dark_below": state.sensing.dark_below,
            "blurred_below": state.sensing.blurred_below,
            "turned_deg": state.sensing.turned_deg,
            "eye_px": MIN_EYE_WIDTH_PX,
        },
    }


def serves_page(config: Config, *, apart: bool) -> bool:
    """Whether this process serves the page. apart: it has no network, but a Unix socket needs none."""
    if not config.view.enabled:
        return False
    if apart and config.view.socket_path is None:
        log.warning("no live page: this process has no network; set view.listen to unix:/run/mien/view.sock")
        return False
    return True


def shows_pixels(config: Config) -> bool:
    """Whether the page shows the camera's picture: not in a cab, unless that is asked for."""
    pixels = config.view.pixels
    return config.preset != "driver" if pixels == "auto" else pixels == "on"
