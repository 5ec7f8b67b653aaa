"""The audience's minutes on disk: none twice, none lost but the running one, readable while they are written."""

from __future__ import annotations

import csv
import io
import json
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edge.cli import main
from edge.delivery import Outbox, OutboxError, OutboxSettings
from edge.delivery.history import History, HistoryWriter
from edge.events.windows import Minute, Totals

from .parts import REPOSITORY, wait_for

HOUR = int(time.time() // 3600 - 30) * 3600


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An outbox's file."""
    path = tmp_path / "outbox.sqlite"
    Outbox(OutboxSettings(path=path)).close()
    return path


def minute(k: int, arrivals: int = 4, *, synced: bool = True) -> Minute:
    shown = (0.0, 0.0, 0.0, 6.0, 0.0, 0.0, 2.0)
    figures: dict[str, Any] = {"observed_s": 59.9, "present_s": 80.0, "attentive_s": 8.0, "dwell_s": 77.0}
    totals = Totals(arrivals=arrivals, departures=arrivals, attracted=arrivals, expression_s=shown, **figures)
    return Minute(HOUR + 60 * k, synced, totals)


def everything(file: Path) -> list[Minute]:
    return History(file).read(0, 1e12)


def test_what_is_written_is_read_again(file: Path) -> None:
    minutes = [minute(0), minute(1, synced=False), minute(2, 0)]
    History(file).write("run", minutes, oldest=0)
    assert everything(file) == minutes
    assert History(file).read(HOUR + 60, HOUR + 120) == minutes[1:2]


def test_a_minute_written_again_replaces_itself_and_no_other_runs(file: Path) -> None:
    History(file).write("one", [minute(0, 3)], oldest=0)
    History(file).write("one", [minute(0, 5)], oldest=0)
    History(file).write("two", [minute(0, 7)], oldest=0)
    assert sorted(kept.totals.arrivals for kept in everything(file)) == [5, 7]


def test_minutes_older_than_the_retention_go(file: Path) -> None:
    History(file).write("run", [minute(k) for k in range(60)], oldest=0)
    History(file).write("run", [minute(60)], oldest=HOUR + 600)
    assert [kept.start for kept in everything(file)] == [HOUR + 60 * k for k in range(10, 61)]


def test_an_outbox_without_a_history_has_none_and_no_outbox_is_a_mistake(file: Path, tmp_path: Path) -> None:
    assert everything(file) == []
    with pytest.raises(OutboxError, match=r"nowhere.sqlite: .*no such file: name --config or --outbox"):
        everything(tmp_path / "nowhere.sqlite")
    assert not (tmp_path / "nowhere.sqlite").exists()


def test_a_disk_that_refuses_for_a_while_costs_nothing(file: Path) -> None:
    blocker = sqlite3.connect(file, isolation_level=None)
    aside = file.with_suffix(".away")
    file.rename(aside)
    with HistoryWriter(History(file), days=90) as writer:
        writer.put("run", [minute(0)])
        time.sleep(0.2)
        aside.rename(file)
        writer.put("run", [minute(1)])
        assert wait_for(lambda: len(everything(file)) == 2)
    blocker.close()


_COUNTER = """
import sys
from pathlib import Path
from edge.delivery.history import History
from edge.events.windows import Minute, Totals
history, start = History(Path(sys.argv[1])), int(sys.argv[2])
for k in range(10_000):
    for arrivals in (2, 3):
        history.write(sys.argv[3], [Minute(start + 60 * k, True, Totals(arrivals=arrivals))], oldest=0)
    print(k, flush=True)
"""


def test_kills_in_the_middle_lose_no_minute_that_is_over_and_write_none_twice(file: Path) -> None:
    over = {}
    for run in range(3):
        start = HOUR + run * 600_000
        command = [sys.executable, "-c", _COUNTER, str(file), str(start), f"run{run}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
            assert process.stdout is not None
            over[start] = next(k for k, _ in enumerate(process.stdout) if k >= 4 + 3 * run)
            process.send_signal(signal.SIGKILL)
    kept = everything(file)
    for start, last in over.items():
        mine = [found for found in kept if start <= found.start < start + 600_000]
        assert [found.start for found in mine] == [start + 60 * k for k in range(len(mine))], "one twice, or a gap"
        assert len(mine) > last, "one that was over is lost"
        assert all(found.totals.arrivals == 3 for found in mine[: last + 1])


# mien audience


def exported(capsys: pytest.CaptureFixture[str], file: Path, *arguments: str) -> str:
    assert main(["audience", "export", "--outbox", str(file), *arguments]) == 0
    return capsys.readouterr().out


def since(k: int = 0) -> str:
    return datetime.fromtimestamp(HOUR + 60 * k, UTC).isoformat()


def test_export_writes_whole_windows_as_csv(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    History(file).write("run", [minute(k) for k in range(120)], oldest=0)
    rows = list(csv.DictReader(io.StringIO(exported(capsys, file, "--since", since(), "--csv"))))
    assert len(rows) == 2
    assert rows[0] == {
        "start": datetime.fromtimestamp(HOUR, UTC).isoformat().replace("+00:00", "Z"),
        "seconds": "3600",
        "time_synced": "true",
        "observed_s": "3594.0",
        "visitors": "240",
        "arrivals": "240",
        "departures": "240",
        "attracted": "240",
        "peak_present": "0",
        "mean_present": "1.34",
        "mean_dwell_s": "19.2",
        "mean_attention_s": "0.0",
        "attentive_share": "0.1",
        "suppressed": "false",
        "anger": "0.0",
        "disgust": "0.0",
        "fear": "0.0",
        "happiness": "0.75",
        "sadness": "0.0",
        "surprise": "0.0",
        "neutral": "0.25",
    }


def test_export_leaves_out_what_lies_across_its_ends_and_obeys_the_floor(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    History(file).write("run", [minute(k, 1 if k == 20 else 4) for k in range(60)], oldest=0)

    def told(*arguments: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in exported(capsys, file, "--json", *arguments).splitlines()]

    quarters = told("--since", since(1), "--until", since(59), "--window", "15m")
    assert [quarter["arrivals"] for quarter in quarters] == [None, 60], "the first and the last are cut"
    minutes = told("--since", since(19), "--until", since(22), "--window", "1m")
    assert [one["arrivals"] for one in minutes] == [4, None, 4]
    assert [one["suppressed"] for one in minutes] == [False, True, False]
    assert told("--since", since(), "--window", "1h")[0]["arrivals"] is None


def test_an_hour_that_still_runs_is_not_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = int(time.time() // 60) * 60
    running = [Minute(now - 60 * k, True, Totals(arrivals=9, observed_s=60)) for k in range(200)]
    History(file).write("run", running, oldest=0)
    lines = exported(capsys, file, "--since", datetime.fromtimestamp(now - 12_000, UTC).isoformat(), "--json")
    ends = [json.loads(line)["start"] for line in lines.splitlines()]
    assert ends
    assert max(datetime.fromisoformat(end).timestamp() for end in ends) + 3600 <= time.time()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--since", "yesterday"), "--since yesterday: no time; write 2026-11-01 or 2026-11-01T09:00"),
        (("--since", "2026-11-02", "--until", "2026-11-01"), "--until 2026-11-01 is not after --since 2026-11-02"),
    ],
)
def test_a_time_that_is_none_is_told_in_a_line(
    file: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert main(["audience", "export", "--outbox", str(file), *arguments]) == 2
    assert said in capsys.readouterr().err


def test_today_at_a_glance(file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    midnight = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    monkeypatch.setattr(time, "time", lambda: midnight + 12 * 3600 + 120)
    assert main(["audience", "--outbox", str(file)]) == 0
    assert "nothing was counted yet today" in capsys.readouterr().out
    day = [Minute(int(midnight) + 3600 * 9 + 60 * k, True, minute(0).totals) for k in range(150)]
    History(file).write("run", day, oldest=0)
    assert main(["audience", "--outbox", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["09:00", "10:00", "11:00", "today"]
    assert lines[2].split()[1:5] == ["60", "min", "240", "240"]
    assert lines[-1].split()[1:5] == ["150", "min", "600", "600"]
    assert "happiness 75%" in lines[2]


def test_the_history_is_read_while_it_is_written(file: Path) -> None:
    with Outbox(OutboxSettings(path=file)), HistoryWriter(History(file), 90) as writer:
        for k in range(50):
            writer.put("run", [minute(k)])
            if k % 10 == 0:
                everything(file)
        assert wait_for(lambda: len(everything(file)) == 50)
    assert file.stat().st_size < 200_000
