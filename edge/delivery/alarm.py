"""The driver's alarm: sounds on the device itself, before anything is written to disk or sent.

Every output has a thread of its own, so that neither the frame loop nor another output ever waits for one.
"""

from __future__ import annotations

import logging
import math
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Literal, TextIO

from edge.closing import Closing
from edge.delivery.alarm_outputs import TICK_S, Bell, Buzzer, Output, Program, Sound
from edge.delivery.settings import AlarmSettings, AlarmSeverity
from edge.events import Event
from edge.events.models import SEVERITIES, EventData

log = logging.getLogger(__name__)

# An alarm whose episode ends at once is still heard for this long.
_SHORTEST_S = 0.15

# How long closing waits for an output that hangs.
_CLOSE_S = 2.0


class Ladder:
    """Which alarm sounds: the most severe of the episodes that run, of equals the newest. Pure: time is handed in."""

    def __init__(self) -> None:
        self._running: dict[str, EventData] = {}
        self._sound: Sound | None = None
        self._quiet_until_s = -math.inf

    def heed(self, events: Iterable[EventData], now_s: float) -> None:
        """Takes events that happened together. An episode alarms when it starts and when its severity rises."""
        fresh: EventData | None = None
        for data in events:
            before = self._running.pop(data.episode_id, None)
            if data.severity == "info" or data.phase == "end":
                continue
            self._running[data.episode_id] = data
            risen = before is None or _rank(data) > _rank(before)
            if risen and (fresh is None or _rank(data) >= _rank(fresh)):
                fresh = data
        highest = max(map(_rank, self._running.values()), default=0)
        if fresh is not None and _rank(fresh) >= highest and not self._silenced(fresh, now_s):
            self._sound = _sound(fresh, "start", now_s)

    def snooze(self, for_s: float, now_s: float) -> None:
        """Silences notices and warnings, those that run and those to come; critical alarms sound on."""
        self._quiet_until_s = now_s + for_s

    def beep(self, now_s: float) -> None:
        """One notice that is about nothing, to find a device by its sound; never in place of an alarm."""
        if self.sound(now_s) is None:
            self._sound = Sound("notice", "identify", "identify", "start", now_s)

    def sound(self, now_s: float) -> Sound | None:
        """What sounds now."""
        if self._sound is None or not self._goes_on(self._sound, now_s):
            # What waited under a higher alarm or a snooze; a notice was for the moment in which it came.
            waiting = [data for data in self._running.values() if data.severity != "notice"]
            audible = [data for data in reversed(waiting) if not self._silenced(data, now_s)]
            highest = max(audible, key=_rank, default=None)
            self._sound = _sound(highest, "update", now_s) if highest is not None else None
        return self._sound

    def changes_in_s(self, now_s: float) -> float:
        """Seconds after which time alone may change what sounds."""
        waits_s = [math.inf]
        if self._sound is not None:
            waits_s.append(self._sound.since_s + _SHORTEST_S - now_s)
        if self._running:
            waits_s.append(self._quiet_until_s - now_s)
        return min((wait_s for wait_s in waits_s if wait_s > 0), default=math.inf)

    def _goes_on(self, sound: Sound, now_s: float) -> bool:
        running = self._running.get(sound.episode_id)
        if running is None or running.severity != sound.severity:
            return now_s < sound.since_s + _SHORTEST_S
        return not self._silenced(running, now_s)

    def _silenced(self, data: EventData, now_s: float) -> bool:
        return data.severity != "critical" and now_s < self._quiet_until_s


class Alarm(Closing):
    """Wakes the driver, network and disk or not; a context manager.

    terminal: where the bell rings, by default stderr.

    Raises:
        DeliveryError: the GPIO line cannot be had; the message names the way out.
    """

    def __init__(self, settings: AlarmSettings, *, terminal: TextIO | None = None) -> None:
        self._longest_snooze_s = settings.snooze_limit_s
        self._players = [_Player(name, output) for name, output in _outputs(settings, terminal or sys.stderr)]

    def tell(self, events: Iterable[Event]) -> None:
        """Takes the events of one frame; returns at once."""
        told = [event.data for event in events]
        if told:
            self._post(lambda ladder, now_s: ladder.heed(told, now_s))

    def snooze(self, for_s: float) -> None:
        """Silences all but critical alarms for so many seconds, up to the limit set; 0 ends a snooze."""
        seconds = min(max(0.0, for_s), self._longest_snooze_s)
        self._post(lambda ladder, now_s: ladder.snooze(seconds, now_s))

    def beep(self) -> None:
        """Makes itself heard once, as a notice does, even while snoozed; not while an alarm sounds."""
        self._post(lambda ladder, now_s: ladder.beep(now_s))

    def close(self) -> None:
        """Falls silent."""
        for player in self._players:
            player.close()

    def _post(self, message: Callable[[Ladder, float], None]) -> None:
        for player in self._players:
            player.post(message)


class _Player:
    """One output and its thread, with a ladder of its own: nothing is shared, so nothing can be waited for."""

    def __init__(self, name: str, output: Output) -> None:
        self._name = name
        self._output = output
        self._messages: queue.SimpleQueue[Callable[[Ladder, float], None] | None] = queue.SimpleQueue()
        self._trouble = ""
        self._thread = threading.Thread(target=self._run, name=f"mien-alarm-{name}", daemon=True)
        self._thread.start()

    def post(self, message: Callable[[Ladder, float], None]) -> None:
        self._messages.put(message)

    def close(self) -> None:
        self._messages.put(None)
        self._thread.join(_CLOSE_S)

    def _run(self) -> None:
        ladder = Ladder()
        wait_s = math.inf
        while True:
            try:
                message = self._messages.get(timeout=None if math.isinf(wait_s) else max(0.0, wait_s))
                if message is None:
                    break
                message(ladder, time.monotonic())
            except queue.Empty:
                pass
            wait_s = self._turn(ladder)
        try:
            self._output.close()
        except OSError as error:
            log.error("alarm.%s: %s", self._name, error)

    def _turn(self, ladder: Ladder) -> float:
        now_s = time.monotonic()
        try:
            sound = ladder.sound(now_s)
            if sound is None:
                self._trouble = ""
            wait_s = self._output.turn(sound, now_s)
        except OSError as error:
            wait_s = TICK_S
            if self._trouble != str(error):
                self._trouble = str(error)
                log.error("alarm.%s: %s; monitoring goes on", self._name, error)
        return min(wait_s, ladder.changes_in_s(now_s))


def _outputs(settings: AlarmSettings, terminal: TextIO) -> list[tuple[str, Output]]:
    outputs: list[tuple[str, Output]] = []
    if settings.command:
        outputs.append(("command", Program(settings)))
    if settings.bell and terminal.isatty():
        outputs.append(("bell", Bell(terminal, settings)))
    elif settings.bell:
        log.error("alarm.bell: mien was not started in a terminal; it will not be heard")
    if settings.gpio_chip is not None:
        outputs.append(("gpio", Buzzer(settings)))
    return outputs


def _rank(data: EventData) -> int:
    return SEVERITIES.index(data.severity)


def _sound(data: EventData, phase: Literal["start", "update"], now_s: float) -> Sound:
    severity: AlarmSeverity = "notice" if data.severity == "info" else data.severity  # never info: see Ladder.heed
    return Sound(severity, data.kind, data.episode_id, phase, now_s)
