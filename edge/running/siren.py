"""The alarm, which can be exchanged for one with other settings while it sounds."""

from __future__ import annotations

import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from edge.delivery import Alarm, DeliveryError
from edge.delivery.settings import AlarmSettings
from edge.events import Event


class Siren:
    """An ``Alarm`` and what the next one has to know: the episodes that run, and for how long it is snoozed.

    All calls from one thread; a context manager.
    """

    def __init__(self, settings: AlarmSettings) -> None:
        self._settings = settings
        self._alarm = Alarm(settings)
        self._running: dict[str, Event] = {}
        self._quiet_until_s = 0.0

    def tell(self, events: Iterable[Event]) -> None:
        """As ``Alarm.tell``."""
        told = list(events)
        self._alarm.tell(told)
        for event in told:
            self._running.pop(event.data.episode_id, None)
            if event.data.phase != "end":
                self._running[event.data.episode_id] = event

    def snooze(self, for_s: float) -> None:
        """As ``Alarm.snooze``."""
        self._alarm.snooze(for_s)
        self._quiet_until_s = time.monotonic() + for_s

    def beep(self) -> None:
        """As ``Alarm.beep``."""
        self._alarm.beep()

    def adopt(self, settings: AlarmSettings) -> None:
        """Other settings hold from now on, for what sounds at the moment, too.

        Raises:
            DeliveryError: they cannot be used, and those of before still hold.
        """
        if settings == self._settings:
            return
        self._alarm.close()  # first: the new one may want the same GPIO line
        try:
            self._alarm, self._settings = Alarm(settings), settings
        except DeliveryError:
            self._alarm = Alarm(self._settings)
            raise
        finally:
            if (left_s := self._quiet_until_s - time.monotonic()) > 0:
                self._alarm.snooze(left_s)
            self._alarm.tell(self._running.values())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._alarm.close()
