"""What outlasts a restart beside the events: where the switches stand, and what was announced."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

log = logging.getLogger(__name__)


class Remembered(BaseModel):
    """The file's content.

    switches: whether each switch that was ever set is on. announced: the topic on which Home Assistant was told of
    this device, None where it never was.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    switches: Mapping[str, bool] = {}
    announced: str | None = None


class Memory:
    """A small JSON file beside the outbox, put in place whole; what cannot be written lasts as long as the process.

    now: what is remembered. Where the file is there but cannot be read, the privacy switch counts as on: whoever closed
    the camera must not find it open because of a broken file.
    """

    def __init__(self, outbox: Path) -> None:
        self._path = outbox.expanduser().with_suffix(".memory.json")
        try:
            self.now = Remembered.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            self.now = Remembered()
        except (OSError, ValidationError) as error:
            self.now = Remembered(switches={"privacy": True})
            why = (isinstance(error, OSError) and error.strerror) or "damaged"
            log.error("%s: %s; the camera stays closed until the privacy switch is set OFF", self._path, why)

    def switch(self, name: str, *, on: bool) -> str | None:
        """Remembers where a switch stands; returns why that will not last, None where it will."""
        return self._remember(self.now.model_copy(update={"switches": {**self.now.switches, name: on}}))

    def announce(self, topic: str | None) -> None:
        """Remembers the topic of an announcement, or that it was taken back."""
        self._remember(self.now.model_copy(update={"announced": topic}))

    def _remember(self, what: Remembered) -> str | None:
        self.now = what
        try:
            aside = self._path.with_name(f"{self._path.name}.new")
            with aside.open("wb") as file:
                file.write(what.model_dump_json().encode())
                file.flush()
                os.fsync(file.fileno())
            aside.replace(self._path)
        except OSError as error:
            log.error("%s: %s; what was switched is forgotten with this process", self._path, error.strerror or error)
            return f"{self._path.name} cannot be written: {error.strerror or error}"
        return None
