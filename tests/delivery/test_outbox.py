"""The outbox: what is put stays until it is deleted, whatever dies in between."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from edge.delivery import Outbox, OutboxError, OutboxSettings
from edge.events import DeviceIdentity, Event
from edge.state.types import Severity

from .parts import REPOSITORY, child, make_event


def test_events_come_out_in_the_order_they_went_in_until_deleted(outbox: Outbox) -> None:
    device = DeviceIdentity("cab-7")
    events = [make_event(device, t) for t in range(5)]
    for event in events:
        outbox.put(event)
    assert [waiting.id for waiting in outbox.pending(10)] == [event.id for event in events]
    assert [Event.model_validate_json(waiting.payload) for waiting in outbox.pending(2)] == events[:2]
    outbox.delete([events[0].id, "no such id"])
    second = outbox.pending(1)[0]
    assert second.id == events[1].id
    assert [waiting.id for waiting in outbox.pending(10, after=second.row)] == [event.id for event in events[2:]]
    assert outbox.depth() == 4


def test_what_waits_is_there_after_a_restart(tmp_path: Path) -> None:
    settings = OutboxSettings(path=tmp_path / "new" / "folder" / "outbox.sqlite")
    event = make_event(DeviceIdentity("pc"))
    with Outbox(settings) as outbox:
        outbox.put(event)
        outbox.put(event)
    with Outbox(settings) as outbox:
        assert [waiting.id for waiting in outbox.pending(10)] == [event.id]


def test_a_full_outbox_gives_up_the_least_severe_and_oldest_and_counts_them(tmp_path: Path) -> None:
    settings = OutboxSettings(path=tmp_path / "outbox.sqlite", max_events=4)
    device = DeviceIdentity("pc")
    info = [make_event(device, t, Severity.INFO) for t in range(3)]
    alerts = [make_event(device, t, Severity.CRITICAL) for t in range(3)]
    with Outbox(settings) as outbox:
        for event in (alerts[0], *info, *alerts[1:]):
            outbox.put(event)
        assert [waiting.id for waiting in outbox.pending(10)] == [alerts[0].id, info[2].id, alerts[1].id, alerts[2].id]
        assert outbox.dropped() == 2
    with Outbox(settings) as outbox:
        assert outbox.dropped() == 2


def test_old_events_are_given_up_but_never_alerts(tmp_path: Path) -> None:
    settings = OutboxSettings(path=tmp_path / "outbox.sqlite", max_age_days=0.1 / 86400)
    device = DeviceIdentity("pc")
    old = [make_event(device, 1, Severity.INFO), make_event(device, 2, Severity.WARNING)]
    new = make_event(device, 3, Severity.INFO)
    with Outbox(settings) as outbox:
        for event in old:
            outbox.put(event)
        time.sleep(0.15)
        outbox.put(new)
        assert [waiting.id for waiting in outbox.pending(10)] == [old[1].id, new.id]
        assert outbox.dropped() == 1


def test_several_threads_may_put_at_once(outbox: Outbox) -> None:
    device = DeviceIdentity("pc")
    heard: list[int] = []
    outbox.listen(lambda: heard.append(1))

    def put() -> None:
        for t in range(20):
            outbox.put(make_event(device, t))

    threads = [threading.Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outbox.depth() == len(heard) == 80


def test_a_process_killed_in_the_midst_of_putting_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    put: list[str] = []
    for _ in range(3):
        with child(str(path)) as process:
            assert process.stdout is not None
            put += [process.stdout.readline().strip() for _ in range(25)]
            process.kill()
            put += process.stdout.read().split()
    with sqlite3.connect(path) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    raw.close()
    with Outbox(OutboxSettings(path=path)) as outbox:
        kept = [waiting.id for waiting in outbox.pending(100_000)]
    assert len(put) >= 75
    # One more may be in it than was reported: killed between the commit and the report.
    assert [id_ for id_ in kept if id_ in set(put)] == put
    assert len(kept) - len(put) <= 3


def _message(settings: OutboxSettings) -> str:
    with pytest.raises(OutboxError) as error:
        Outbox(settings)
    message = str(error.value)
    assert "\n" not in message
    return message


def test_a_file_that_is_no_outbox_is_refused_in_one_line_and_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("milk, eggs, bread\n" * 100)
    assert "file is not a database" in _message(OutboxSettings(path=text))
    assert text.read_text().startswith("milk")

    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as raw:
        raw.execute("CREATE TABLE events (id)")
    raw.close()
    assert "another program's database" in _message(OutboxSettings(path=other))

    assert "unable to open" in _message(OutboxSettings(path=tmp_path))
    assert "cannot be made" in _message(OutboxSettings(path=text / "outbox.sqlite"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_file_that_must_not_be_written_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    Outbox(OutboxSettings(path=path)).close()
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    assert "mien must be allowed to write it" in _message(OutboxSettings(path=path))
    tmp_path.chmod(0o755)


_FILL_THE_DISK = """
import resource, sys
from pathlib import Path
from edge.delivery import Outbox, OutboxError, OutboxSettings
from parts import make_event
from edge.events import DeviceIdentity
device = DeviceIdentity("pc")
with Outbox(OutboxSettings(path=Path(sys.argv[1]))) as outbox:
    for t in range(20):
        outbox.put(make_event(device, t))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    stored = 20
    try:
        while True:
            outbox.put(make_event(device, stored))
            stored += 1
    except OutboxError as error:
        print("refused:", error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert outbox.depth() == stored, (outbox.depth(), stored)
    outbox.put(make_event(device, -1.0))
    print("goes on")
"""


def test_a_disk_that_refuses_a_write_is_reported_and_loses_nothing_stored(tmp_path: Path) -> None:

    done = subprocess.run(
        [sys.executable, "-c", _FILL_THE_DISK, str(tmp_path / "outbox.sqlite")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PYTHONPATH": f"{REPOSITORY}:{Path(__file__).parent}", "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    assert "refused: outbox" in done.stdout
    assert "goes on" in done.stdout
