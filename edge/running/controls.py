"""What the commands do to a running daemon; all of it between two frames, in the frame loop's thread."""

from __future__ import annotations

import logging
import re
import time
from typing import Any

from edge.camera import CameraError
from edge.config import Config
from edge.config.errors import masked
from edge.delivery import CommandError
from edge.delivery.commands import Facts
from edge.events import Info
from edge.events.requests import SWITCHES
from edge.running.memory import Memory
from edge.running.schedule import Schedule
from edge.running.shutter import Shutter
from edge.running.siren import Siren
from edge.running.tally import Tally
from edge.state import People
from edge.state.types import Episode
from edge.vision import FaceReader

PRIVACY, DRIVER, EXPRESSIONS = SWITCHES

#: How often the schedule is looked at, and how long a camera that could not be opened by it is left alone.
SCHEDULE_EVERY_S = 1.0
REOPEN_EVERY_S = 10.0

log = logging.getLogger(__name__)

# What a URL's query or a program's arguments may hold; user and password of a URL are masked elsewhere.
_SECRET = re.compile(r"(?i)(\b[\w-]*(?:pass|pwd|token|secret|key|auth)[\w-]*=)[^&\s\"']+")


class Controls:
    """The ``Actions`` of the daemon."""

    def __init__(
        self,
        config: Config,
        info: Info,
        memory: Memory,
        *,
        shutter: Shutter,
        reader: FaceReader,
        people: People,
        siren: Siren,
        tally: Tally,
        schedule: Schedule,
    ) -> None:
        self._config = config
        self._info = info
        self._memory = memory
        self._shutter = shutter
        self._reader = reader
        self._people = people
        self._siren = siren
        self._tally = tally
        self._schedule = schedule
        self._look_at_s = 0.0
        self._changes: list[Episode] = []
        self._switch_rules()
        for name in SWITCHES:
            tally.switch(name, on=self._on(name))
        if shutter.closed:
            tally.blind("camera_off")

    def changes(self) -> list[Episode]:
        """What the commands since the last call have ended."""
        changes, self._changes = self._changes, []
        return changes

    def tick(self) -> None:
        """Time has passed: the hour may have come to close the camera, or to open it."""
        now_s = time.monotonic()
        if now_s < self._look_at_s:
            return
        self._look_at_s = now_s + SCHEDULE_EVERY_S
        try:
            self._set_shutter()
        except CameraError as error:
            log.error("%s; tried again", error)
            self._look_at_s = now_s + REOPEN_EVERY_S

    def adopt(self, config: Config) -> None:
        """Another configuration holds: its rules, as far as the switches leave them on."""
        watched = self._on(DRIVER)
        self._config = config
        told = self._on(EXPRESSIONS) and config.state.expressions
        state = {"driver": self._on(DRIVER), "expressions": told}
        self._changes += self._people.adopt(config.state.model_copy(update=state))
        self._switch_rules()
        for name in SWITCHES:
            self._tally.switch(name, on=self._on(name))
        if watched and not self._on(DRIVER):
            self._tally.blind("driver_not_watched")

    def recalibrate(self) -> Facts:
        """See Actions."""
        if not self._on(DRIVER):
            raise CommandError("the driver is not watched")
        if self._shutter.closed:
            raise CommandError("the camera is closed; the driver is learnt anew when it is open again")
        self._changes += self._people.recalibrate()
        return {}

    def snooze(self, seconds: float) -> Facts:
        """See Actions."""
        limit_s = self._config.alarm.snooze_limit_s
        if seconds > limit_s:
            raise CommandError(f"seconds: at most {limit_s:g} (alarm.snooze_limit_s)")
        self._siren.snooze(seconds)
        return {"seconds": seconds}

    def identify(self) -> Facts:
        """See Actions."""
        self._siren.beep()
        return self._info.model_dump(mode="json")

    def config(self) -> Facts:
        """See Actions."""
        return {"config": _without_logins(self._config.model_dump(mode="json"))}

    def switch(self, name: str, *, on: bool) -> Facts:
        """See Actions."""
        if name == PRIVACY:
            return self._set_privacy(on=on)
        if on != self._on(name):
            if on and not self._allows(name):
                raise CommandError(f"{name}: the device's configuration rules it out")
            if name == DRIVER and not on:
                self._tally.blind("driver_not_watched")
        lost = self._memory.switch(name, on=on)
        self._switch_rules()
        self._tally.switch(name, on=self._on(name))
        return {} if lost is None else {"note": f"until the next start only: {lost}"}

    def _allows(self, name: str) -> bool:
        """A switch only takes away from what the configuration allows.

        An order must not begin to read expressions where whoever set the device up ruled that out.
        """
        return self._config.state.driver if name == DRIVER else self._config.reads_expressions

    def _on(self, name: str) -> bool:
        if name == PRIVACY:
            return self._shutter.closed
        return self._allows(name) and self._memory.now.switches.get(name, True)

    def _set_privacy(self, *, on: bool) -> Facts:
        before = self._memory.now.switches.get(PRIVACY, False)
        lost = self._memory.switch(PRIVACY, on=on)
        try:
            told = self._set_shutter()
        except CameraError:
            self._memory.switch(PRIVACY, on=before)
            raise
        if not told:  # whoever sets a switch wants to hear where it stands, moved or not, but once
            self._tally.switch(PRIVACY, on=self._shutter.closed)
        notes = [] if lost is None else [f"until the next start only: {lost}"]
        if not on and self._shutter.closed:
            notes.append(f"the camera stays closed; {self._shutter.reason}")
        return {"note": "; ".join(notes)} if notes else {}

    def _set_shutter(self) -> bool:
        """Closes the camera where the switch or the schedule says so, and opens it where neither does.

        Returns whether anything changed, which is then said.
        """
        scheduled = self._schedule.reason()
        switched = self._memory.now.switches.get(PRIVACY, False)
        closed, reason = switched or scheduled is not None, None if switched else scheduled
        if (closed, reason) == (self._shutter.closed, self._shutter.reason):
            return False
        if not closed:
            self._shutter.open()
        elif not self._shutter.closed:
            self._shutter.close(reason)
            self._reader.drop_ahead()
            self._changes += self._people.finish()
            self._tally.blind("camera_off")
        else:
            self._shutter.reason = reason
            self._tally.camera("off", reason)
        self._tally.switch(PRIVACY, on=closed)
        log.info("camera %s%s", "off" if closed else "on", f": {reason}" if reason else "")
        return True

    def _switch_rules(self) -> None:
        driver, expressions = self._on(DRIVER), self._on(EXPRESSIONS)
        told = expressions and self._config.state.expressions
        self._changes += self._people.switch(driver=driver, expressions=told)
        self._reader.reads_expressions = expressions


def _without_logins(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """A camera's address or a program's arguments may hold what no SecretStr masks."""
    if isinstance(value, str):
        return _SECRET.sub(r"\1********", masked(value))
    if isinstance(value, dict):
        return {key: _without_logins(inner) for key, inner in value.items()}
    return [_without_logins(inner) for inner in value] if isinstance(value, list) else value
