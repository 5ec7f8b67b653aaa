"""What the daemon does with the audience: tells it, keeps its minutes, and plays by the rules."""

from __future__ import annotations

import math
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge.closing import Closing
from edge.config import Config
from edge.delivery import Delivery, OutboxError
from edge.delivery.history import History, HistoryWriter
from edge.delivery.playback import Playback
from edge.events import DeviceIdentity, Topics, system_clock_synced
from edge.events.audience import WINDOWS, AudienceSnapshot, AudienceWindow, WindowName
from edge.events.catalogue import AUDIENCE_STATE
from edge.events.windows import Minute, snapshot, windows
from edge.running.minutes import Minutes
from edge.state import People
from edge.state.audience import Audience
from edge.state.types import Episode

if TYPE_CHECKING:
    from edge.daemon import Step

#: The contract's highest rate for audience/state, as a period, and how often it is said anew without a change.
STATE_EVERY_S = 1.0
STATE_ANEW_S = 60.0
#: Without a frame for so long nobody watches any more.
BLIND_S = 5.0
#: The playback's figures of sliding windows. These never leave the device: two that overlap tell of the few between.
_SLIDING: dict[str, WindowName] = {f"visitors_{name}": name for name in WINDOWS}
#: The longest window and the one that runs beside it.
_REMEMBERED_S = 2 * 3600


class Turnout(Closing):
    """Listens beside the frame loop, in its thread; a context manager that keeps the last minute at its end."""

    def __init__(
        self, config: Config, topics: Topics, publisher: Delivery, people: People, device: DeviceIdentity
    ) -> None:
        self._on = config.state.audience
        self._floor = config.audience.floor
        self._topic = topics.state("audience")
        self._publisher = publisher
        self._people = people
        self._playback = Playback(config.playback, self._play)
        self._stack = ExitStack()
        history = History(config.outbox.path)
        days = config.audience.history_days
        self._writer = self._stack.enter_context(HistoryWriter(history, days)) if days else None
        self._minutes = Minutes(str(device.boot_id), self._keep)
        self._recent = self._remembered(history) if days and self._on else {}
        self._windows: dict[str, AudienceWindow] = {}
        self._frame_s = -math.inf
        self._zero_s = time.time() - time.monotonic()
        self._told_until = 0
        self._said: AudienceSnapshot | None = None
        self._said_s = -math.inf
        self._tell_windows()

    def adopt(self, config: Config) -> None:
        """Another configuration holds: whether the audience is counted at all."""
        self._on = config.state.audience

    def count(self, step: Step) -> None:
        """Takes a step into account; tells what is due."""
        audience = self._people.audience()
        if step.observation is None or audience is None:
            return
        self._frame_s = time.monotonic()
        self._zero_s = step.clock.zero_wall_s + step.observation.t_s - self._frame_s
        self._minutes.follow(audience, step.clock)
        self._say(audience)

    def tick(self) -> list[Episode]:
        """Time has passed, with a frame or without; returns what that has ended."""
        audience = self._people.audience()
        ended: list[Episode] = []
        if audience is not None and not audience.over and time.monotonic() - self._frame_s > BLIND_S:
            ended = self._people.end_audience()
        if audience is None or audience.over:
            self._minutes.close()
            self._say(None)
        return ended

    def close(self) -> None:
        """Nobody watches any more: says so, and keeps the last minute as far as it went. Closing twice is harmless."""
        self._people.end_audience()
        self._minutes.close()
        self._say(None, at_once=True)
        self._stack.close()

    def _say(self, audience: Audience | None, *, at_once: bool = False) -> None:
        """Tells the audience where it has changed; None: nobody watches."""
        now_s = time.monotonic()
        state = audience.state if audience is not None else None
        if audience is None or state is None:
            self._playback.update(now_s, None)
            self._tell_windows()  # nothing more can come to the minutes that are over
            now = None
        else:
            self._playback.update(now_s, lambda name: _figure(audience, name))
            now = (state.present, state.attentive)
        since_s = now_s - self._said_s
        if (since_s < STATE_EVERY_S and not at_once) or not (self._on or self._said):
            return
        wall = time.time()
        lasting = {
            name: window
            for name, window in self._windows.items()
            if window.start.timestamp() > self._zero_s + now_s - 2 * window.seconds
        }
        said = snapshot(
            datetime.fromtimestamp(wall, UTC), now, lasting, synced=system_clock_synced(), floor=self._floor
        )
        if (
            since_s < STATE_ANEW_S
            and self._said is not None
            and said.model_copy(update={"time": self._said.time}) == (self._said)
        ):
            return
        self._said, self._said_s = said, now_s
        channel = AUDIENCE_STATE
        self._publisher.state(self._topic, said, qos=channel.qos, retain=channel.retain, expiry_s=channel.expiry_s)

    def _keep(self, run: str, minute: Minute, settled: bool) -> None:
        if self._writer is not None:
            self._writer.put(run, [minute])
        self._recent[run, minute.start] = minute
        if settled:
            self._recent = {
                key: kept for key, kept in self._recent.items() if kept.start > minute.start - _REMEMBERED_S
            }
            self._tell_windows(minute.start + 60)

    def _tell_windows(self, known: float = math.inf) -> None:
        """The last of each length that is over, and known for good until ``known``, Unix time."""
        until = int(min(known, self._zero_s + time.monotonic()) // 60) * 60
        if until == self._told_until:
            return
        self._told_until = until
        for name, length in WINDOWS.items():
            end = until - until % length
            minutes = [minute for minute in self._recent.values() if end - length <= minute.start < end]
            if made := windows(minutes, name, self._floor):
                self._windows[name] = made[-1]

    def _remembered(self, history: History) -> dict[tuple[str, int], Minute]:
        now = time.time()
        try:
            kept = history.read(now - _REMEMBERED_S, now)
        except OutboxError:
            kept = []  # the writer tells
        return {(f"before:{k}", minute.start): minute for k, minute in enumerate(kept)}

    def _play(self, topic: str, payload: str, retain: bool) -> None:
        self._publisher.state(topic, payload, qos=1, retain=retain)


def _figure(audience: Audience, name: str) -> int:
    """One of the playback's figures."""
    if name in _SLIDING:
        return audience.sliding(WINDOWS[_SLIDING[name]]).visitors
    value: int = getattr(audience.state, name)
    return value
