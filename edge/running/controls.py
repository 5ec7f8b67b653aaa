"""What the commands do to a running daemon; all of it between two frames, in the frame loop's thread."""

from __future__ import annotations

import re
from typing import Any

from edge.config import Config
from edge.config.errors import masked
from edge.delivery import CommandError
from edge.delivery.commands import Facts
from edge.events import Info
from edge.events.requests import SWITCHES
from edge.running.memory import Memory
from edge.running.shutter import Shutter
from edge.running.siren import Siren
from edge.running.tally import Tally
from edge.state import People
from edge.state.types import Episode
from edge.vision import FaceReader

PRIVACY, DRIVER, EXPRESSIONS = SWITCHES

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
    ) -> None:
        self._config = config
        self._info = info
        self._memory = memory
        self._shutter = shutter
        self._reader = reader
        self._people = people
        self._siren = siren
        self._tally = tally
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

    def adopt(self, config: Config) -> None:
        """Another configuration holds: its rules, as far as the switches leave them on."""
        watched = self._on(DRIVER)
        self._config = config
        state = {"driver": self._on(DRIVER), "expressions": self._on(EXPRESSIONS)}
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
        if on != self._on(name):
            if name == PRIVACY:
                self._set_privacy(on=on)
            elif on and not self._allows(name):
                raise CommandError(f"{name}: the device's configuration rules it out")
            elif name == DRIVER and not on:
                self._tally.blind("driver_not_watched")
        lost = self._memory.switch(name, on=on)
        self._switch_rules()
        self._tally.switch(name, on=self._on(name))
        return {} if lost is None else {"note": f"until the next start only: {lost}"}

    def _allows(self, name: str) -> bool:
        """A switch only takes away from what the configuration allows.

        An order must not begin to read expressions where whoever set the device up ruled that out.
        """
        state = self._config.state
        return state.driver if name == DRIVER else state.expressions and self._config.vision.expression

    def _on(self, name: str) -> bool:
        if name == PRIVACY:
            return self._shutter.closed
        return self._allows(name) and self._memory.now.switches.get(name, True)

    def _set_privacy(self, *, on: bool) -> None:
        if on:
            self._shutter.close()
            self._changes += self._people.finish()
            self._tally.blind("camera_off")
        else:
            self._shutter.open()

    def _switch_rules(self) -> None:
        driver, expressions = self._on(DRIVER), self._on(EXPRESSIONS)
        self._changes += self._people.switch(driver=driver, expressions=expressions)
        self._reader.reads_expressions = expressions


def _without_logins(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """A camera's address or a program's arguments may hold what no SecretStr masks."""
    if isinstance(value, str):
        return _SECRET.sub(r"\1********", masked(value))
    if isinstance(value, dict):
        return {key: _without_logins(inner) for key, inner in value.items()}
    return [_without_logins(inner) for inner in value] if isinstance(value, list) else value
