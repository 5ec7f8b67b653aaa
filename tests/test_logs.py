"""What mien says on stderr: to people in lines, to machines in JSON."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import pytest

from edge.logs import Form, configure, goes_to_journal


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Logging is the whole process's; the tests beside these need theirs."""
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    level = root.level
    yield
    logging.captureWarnings(False)
    root.handlers[:] = [handler for handler in root.handlers if type(handler) is not logging.StreamHandler]
    root.setLevel(level)
    sys.excepthook, threading.excepthook = hooks


def configured(form: Form, stream: TextIO) -> None:
    """As in a process of its own, where pytest has not set up logging."""
    logging.getLogger().handlers[:] = []
    configure(logging.INFO, form, stream)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_people_read_lines() -> None:
    stream = io.StringIO()
    configured("auto", stream)
    logging.getLogger("edge.delivery").warning("broker %s is gone", "host:1883")
    logging.getLogger("edge.delivery").debug("nobody asked")
    assert stream.getvalue() == "mien: broker host:1883 is gone\n"


def test_machines_read_json_with_time_level_logger_and_fields() -> None:
    stream = io.StringIO()
    configured("json", stream)
    logging.getLogger("edge.camera").warning(
        "camera %s:\nlost – %d %%", "main", 5, extra={"camera": "main", "path": Path("/x")}
    )
    (line,) = lines(stream)
    assert abs(datetime.fromisoformat(line.pop("time")).timestamp() - datetime.now().timestamp()) < 60
    assert line == {
        "level": "warning",
        "logger": "edge.camera",
        "message": "camera main:\nlost – 5 %",
        "camera": "main",
        "path": "/x",
    }


def test_a_traceback_is_a_field_and_no_lines_of_its_own() -> None:
    stream = io.StringIO()
    configured("json", stream)
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("edge").exception("a listener failed")
    (line,) = lines(stream)
    assert line["level"] == "error"
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("ValueError: broken")


def test_what_python_says_by_itself_is_json_as_well() -> None:
    stream = io.StringIO()
    configured("json", stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn("runs slower", RuntimeWarning, stacklevel=1)
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    warning, crash = lines(stream)
    assert "runs slower" in warning["message"]
    assert (crash["level"], crash["message"]) == ("critical", "ZeroDivisionError: division by zero")


def test_under_systemd_it_is_json_with_priorities_and_elsewhere_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "journal").open("w+") as journal, (tmp_path / "terminal").open("w+") as terminal:
        status = os.fstat(journal.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        assert goes_to_journal(journal)
        # A shell started from a service inherits the variable, but not the stream.
        assert not goes_to_journal(terminal)
        configured("auto", journal)
        logging.getLogger("mien").warning("hot")
        logging.getLogger("mien").info("fine")
        configured("human", terminal)
        logging.getLogger("mien").info("fine")
    hot, fine = (tmp_path / "journal").read_text().splitlines()
    assert hot.startswith('<4>{"time"')
    assert json.loads(fine.removeprefix("<6>"))["message"] == "fine"
    assert (tmp_path / "terminal").read_text() == "mien: fine\n"


def test_a_users_mistake_is_one_line_of_json_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "edge.cli", "analyze", "--log", "json", str(tmp_path / "gone.mp4")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    (line,) = [json.loads(line) for line in done.stderr.splitlines()]
    assert line["level"] == "error"
    assert "gone.mp4" in line["message"]
