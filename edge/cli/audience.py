"""``mien audience``: what the device has counted, today at a glance or as a table for other programs."""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from edge.cli.options import Commands, add_config, configured
from edge.errors import MienError

if TYPE_CHECKING:
    from edge.events.audience import AudienceWindow

#: A minute is known for good when the longest absence that ends no visit is over.
_SETTLED_S = 60
_NONE = "–"

_EPILOG = """\
for example:
  mien audience                                                today, hour by hour
  mien audience export --since 2026-11-01 --csv > november.csv
  mien audience export --since 2026-11-22T09:00 --until 2026-11-22T12:00 --window 15m --json
"""


def add(commands: Commands) -> None:
    """Makes it."""
    audience = commands.add(
        "audience",
        _today,
        "who came and looked today; export: any days as CSV or JSON",
        "Tells what the daemon on this machine has counted of its audience today, whether it runs now or not; export "
        "writes other days. Counts below the configured floor (audience.floor) are left out, here as everywhere.",
        epilog=_EPILOG,
    )
    _add_where(audience)
    export = Commands(audience, "[export]", required=False).add(
        "export",
        _export,
        "the windows of some days as CSV or JSON lines",
        "Writes one line for each window by the clock that is over and lies within the given time. Times without a "
        "zone are of the configured one (schedule.time_zone), else the machine's.",
    )
    _add_where(export)
    export.add_argument("--since", required=True, metavar="TIME", help="from here on: 2026-11-01 or 2026-11-01T09:00")
    export.add_argument("--until", metavar="TIME", help="up to here (default: now)")
    export.add_argument("--window", choices=("1m", "15m", "1h"), default="1h", help="its length (default: 1h)")
    form = export.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="comma-separated values with a head line (the default)")
    form.add_argument("--json", action="store_true", help="a JSON object a line, as in audience/state")


def _add_where(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument("--outbox", metavar="FILE", help="where the mien run that counted keeps its events")


def _export(arguments: argparse.Namespace) -> int:
    from edge.delivery.history import History
    from edge.events.audience import WINDOWS
    from edge.events.windows import windows

    config = configured(arguments)
    zone = _zone(config.schedule.time_zone)
    over = time.time() - _SETTLED_S
    since = _moment(arguments.since, "--since", zone)
    until = _moment(arguments.until, "--until", zone) if arguments.until else over
    if until <= since:
        raise MienError(f"--until {arguments.until or 'now'} is not after --since {arguments.since}")
    length = WINDOWS[arguments.window]
    # Whole windows alone: of a window cut anywhere else, the difference to the whole would tell of the few between.
    first, beyond = -(-since // length) * length, min(until, over) // length * length
    minutes = History(config.outbox.path).read(first, beyond)
    made = windows(minutes, arguments.window, config.audience.floor)
    if arguments.json:
        for window in made:
            print(window.model_dump_json())
    else:
        _write_csv(made)
    return 0


def _write_csv(made: list[AudienceWindow]) -> None:
    from edge.events.audience import AudienceWindow
    from edge.events.windows import Totals

    plain = [name for name in AudienceWindow.model_fields if name != "expressions"]
    shown = list(Totals().expressions)
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow([*plain, *shown])
    for window in made:
        row: dict[str, Any] = json.loads(window.model_dump_json())
        expressions = row["expressions"] or {}
        cells = [*(row[name] for name in plain), *(expressions.get(name) for name in shown)]
        table.writerow([str(cell).lower() if isinstance(cell, bool) else cell for cell in cells])


def _today(arguments: argparse.Namespace) -> int:
    from edge.delivery.history import History
    from edge.events.windows import sum_told, windows

    config = configured(arguments)
    floor = config.audience.floor
    zone = _zone(config.schedule.time_zone)
    midnight = datetime.now(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    beyond = (time.time() - _SETTLED_S) // 3600 * 3600
    minutes = History(config.outbox.path).read(midnight.timestamp(), beyond)
    print(f"{midnight:%A, %d %B %Y}: the hours that are over; {_NONE}: unknown, or fewer than {floor} people")
    rows = [(f"{_local(window, zone):%H:%M}", window) for window in windows(minutes, "1h", floor)]
    if (day := sum_told(minutes, 86_400, floor)) is None:
        print("nothing was counted yet today")
        return 0
    head = ("", "seen", "came", "left", "looked", "at once", "stayed", "looked for")
    print("{:6} {:>8} {:>5} {:>5} {:>6} {:>7} {:>7} {:>10}".format(*head), " mostly")
    for name, window in [*rows, ("today", day)]:
        print(
            f"{name:6} {window.observed_s / 60:4.0f} min {_count(window.arrivals):>5} {_count(window.departures):>5} "
            f"{_count(window.attracted):>6} {_count(window.peak_present):>7} {_seconds(window.mean_dwell_s):>7} "
            f"{_seconds(window.mean_attention_s):>10}  {_mostly(window)}"
        )
    return 0


def _zone(name: str | None) -> ZoneInfo | None:
    return ZoneInfo(name) if name else None


def _local(window: AudienceWindow, zone: ZoneInfo | None) -> datetime:
    return window.start.astimezone(zone)


def _moment(text: str, option: str, zone: ZoneInfo | None) -> float:
    """Unix time of a time that somebody typed."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None and zone is not None:
            moment = moment.replace(tzinfo=zone)
        return moment.timestamp()  # without a zone: the machine's
    except (ValueError, OverflowError):
        raise MienError(f"{option} {text}: no time; write 2026-11-01 or 2026-11-01T09:00") from None


def _count(count: int | None) -> str:
    return _NONE if count is None else str(count)


def _seconds(seconds: float | None) -> str:
    return _NONE if seconds is None else f"{timedelta(seconds=round(seconds))!s}"[2:] if seconds < 3600 else "> 1 h"


def _mostly(window: AudienceWindow) -> str:
    shares = sorted((window.expressions or {}).items(), key=lambda share: -share[1])[:2]
    return ", ".join(f"{name} {share:.0%}" for name, share in shares) or _NONE
