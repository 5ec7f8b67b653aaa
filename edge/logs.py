"""How the program speaks on stderr: lines for people on a terminal, JSON lines for machines."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal, TextIO

Form = Literal["auto", "human", "json"]
FORMS: tuple[Form, ...] = ("auto", "human", "json")

_HUMAN = "mien: %(message)s"
# What every record has; the rest are fields that the call gave in ``extra``.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def configure(level: int, form: Form = "auto", stream: TextIO | None = None) -> Callable[[str], None]:
    """Sets up logging for the whole program, unless whoever embeds it has done so.

    form: ``auto`` is ``json`` where stream (stderr, unless given) goes to systemd's journal, else ``human``. Returns
    what tells the user of a mistake: in this form, and heard in any case.
    """
    stream = stream or sys.stderr
    journal = goes_to_journal(stream)
    as_json = form == "json" or (form == "auto" and journal)
    handler = logging.StreamHandler(stream)
    formatter = JsonLines(priorities=journal) if as_json else logging.Formatter(_HUMAN)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler])
    if as_json:
        # Whatever else Python would write to stderr on its own.
        logging.captureWarnings(True)
        sys.excepthook = _log_uncaught
        threading.excepthook = _log_uncaught_in_thread

    def tell(mistake: str) -> None:
        record = logging.LogRecord("mien", logging.ERROR, __file__, 0, mistake, None, None)
        print(formatter.format(record), file=stream, flush=True)

    return tell


def goes_to_journal(stream: TextIO) -> bool:
    """Whether a stream is the one that systemd connected to its journal (systemd.exec(5), JOURNAL_STREAM)."""
    device, _, inode = os.environ.get("JOURNAL_STREAM", "").partition(":")
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return (device, inode) == (str(status.st_dev), str(status.st_ino))


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, the fields given in ``extra``, and exception.

    priorities: begin each line with its priority as systemd takes it off again (sd-daemon(3)), for ``journalctl -p``.
    """

    def __init__(self, *, priorities: bool = False) -> None:
        super().__init__()
        self._priorities = priorities

    def format(self, record: logging.LogRecord) -> str:
        """The record's line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _OWN and name not in line}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        text = json.dumps(line, ensure_ascii=False, default=str)
        return f"<{_priority(record.levelno)}>{text}" if self._priorities else text


def _priority(level: int) -> int:
    """syslog(3)'s number for a level."""
    steps = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
    return next((priority for least, priority in steps if level >= least), 7)


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger("mien").critical("%s: %s", kind.__name__, error, exc_info=(kind, error, trace))


def _log_uncaught_in_thread(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value is not None:
        _log_uncaught(failed.exc_type, failed.exc_value, failed.exc_traceback)
