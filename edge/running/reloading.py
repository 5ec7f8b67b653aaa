"""A changed configuration, taken over between two frames."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge.config import Config, Reload
from edge.errors import MienError
from edge.running.notify import Notifier

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Rereading:
    """How to read the configuration anew.

    read: given the one that holds; raises MienError where the new one is wrong. wanted: set it and it is read between
    two frames. A plain flag, because a signal's handler, which interrupts the frame loop anywhere, must take no lock.
    """

    read: Callable[[Config], Reload]
    wanted: bool = False


class Reloader:
    """Hands a configuration that was read anew to those whom it concerns, in the frame loop's thread.

    adopt: who takes it over, in order; the first may raise MienError, and then the old one stays.
    """

    def __init__(
        self, config: Config, reread: Rereading, notifier: Notifier, adopt: Sequence[Callable[[Config], None]]
    ) -> None:
        self._config = config
        self._reread = reread
        self._notifier = notifier
        self._adopt = tuple(adopt)

    def tick(self) -> None:
        """Reads it anew where that is wanted."""
        if not self._reread.wanted:
            return
        self._reread.wanted = False
        self._notifier.reloading()
        try:
            self._reload()
        except MienError as error:
            for line in str(error).splitlines():  # several for a configuration with several mistakes
                log.error("not reloaded: %s", line)
        finally:
            self._notifier.reloaded()

    def _reload(self) -> None:
        result = self._reread.read(self._config)
        for adopt in self._adopt:
            adopt(result.new)
        self._config = result.new
        taken = [key for key in result.changed if key not in result.needs_restart]
        log.info("reloaded: %s", ", ".join(taken) or "nothing to take over")
        if result.needs_restart:
            log.warning("reloaded, but these wait for the next start: %s", ", ".join(result.needs_restart))
