"""The hours at which the camera is closed: by days, past midnight, on the nights when the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from edge.config import ConfigError, load
from edge.running.schedule import Schedule, ScheduleSettings

BERLIN = "Europe/Berlin"


def closed(off: list[str], utc: str, zone: str | None = BERLIN) -> bool:
    """Whether the camera is closed at a time in UTC."""
    moment = datetime.fromisoformat(utc).replace(tzinfo=UTC).timestamp()
    settings = ScheduleSettings(off=tuple(off), time_zone=zone)
    return Schedule(settings, now=lambda: moment, is_synced=lambda: True).reason() is not None


@pytest.mark.parametrize(
    ("utc", "off"),
    [
        ("2026-11-23T20:59", False),
        ("2026-11-23T21:00", True),  # 22:00 in Berlin's winter
        ("2026-11-24T05:59", True),
        ("2026-11-24T06:00", False),
        ("2026-07-01T19:59", False),
        ("2026-07-01T20:00", True),  # 22:00 in its summer
        ("2026-07-02T05:00", False),
    ],
)
def test_the_night_is_the_local_night_in_winter_and_in_summer(utc: str, off: bool) -> None:
    assert closed(["22:00-07:00"], utc) == off


def test_days_are_those_on_which_a_span_begins() -> None:
    weekend = ["sat 20:00-08:00"]
    assert not closed(weekend, "2026-11-27T22:00")  # Friday
    assert closed(weekend, "2026-11-28T19:30")
    assert closed(weekend, "2026-11-29T06:59"), "Sunday morning belongs to Saturday's night"
    assert not closed(weekend, "2026-11-29T19:30")
    assert closed(["sat,sun 00:00-24:00"], "2026-11-28T23:30"), "Sunday, 00:30 in Berlin"
    assert not closed(["sat,sun 00:00-24:00"], "2026-11-29T23:30"), "Monday, 00:30"
    assert closed(["fri-mon 12:00-13:00"], "2026-11-29T11:30")
    assert not closed(["fri-mon 12:00-13:00"], "2026-11-25T11:30")


def hours_closed(off: str, first_utc: str) -> float:
    """How many hours of the next 24 the camera is closed."""
    begin = datetime.fromisoformat(first_utc)
    return sum(closed([off], (begin + timedelta(minutes=m)).isoformat()) for m in range(0, 24 * 60, 15)) / 4


def test_the_night_is_an_hour_longer_or_shorter_when_the_clocks_change() -> None:
    assert hours_closed("22:00-07:00", "2026-11-23T12:00") == 9
    assert hours_closed("22:00-07:00", "2026-10-24T12:00") == 10, "25 October 2026: 03:00 is 02:00 again"
    assert hours_closed("22:00-07:00", "2026-03-28T12:00") == 8, "29 March 2026: 02:00 is 03:00"
    assert hours_closed("02:15-02:45", "2026-10-24T12:00") == 1, "the hour that comes twice is off twice"


@given(st.integers(0, 366 * 24 * 4 - 1), st.integers(0, 95), st.integers(0, 95))
def test_a_span_and_its_complement_are_never_both_off_nor_both_on(quarter: int, a: int, b: int) -> None:
    if a == b:
        return
    one, other = (f"{k // 4:02}:{k % 4 * 15:02}" for k in (a, b))
    utc = (datetime(2026, 1, 1) + timedelta(minutes=15 * quarter)).isoformat()
    assert closed([f"{one}-{other}"], utc) != closed([f"{other}-{one}"], utc)


def test_without_a_zone_the_machines_own_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert closed(["22:00-07:00"], "2026-11-24T03:00", None)
        assert not closed(["22:00-07:00"], "2026-11-24T12:00", None)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_until_the_clock_was_set_the_camera_stays_closed() -> None:
    synced = False
    noon = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
    settings = ScheduleSettings(off=("22:00-07:00",))
    schedule = Schedule(settings, now=lambda: noon, is_synced=lambda: synced)
    assert schedule.reason() == "schedule: the clock is not known to be set"
    synced = True
    assert schedule.reason() is None
    synced = False
    assert schedule.reason() is None, "a clock that was set goes on, network or not"
    trusting = ScheduleSettings(off=("22:00-07:00",), trust_clock=True)
    assert Schedule(trusting, now=lambda: noon, is_synced=lambda: False).reason() is None


def test_without_hours_nothing_is_asked_of_the_clock() -> None:
    def ask() -> bool:
        raise AssertionError

    assert Schedule(ScheduleSettings(), is_synced=ask).reason() is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("22-7", "is no span of hours: write"),
        ("25:00-07:00", "no clock shows that"),
        ("22:60-07:00", "no clock shows that"),
        ("07:00-07:00", "is no time at all"),
        ("someday 22:00-07:00", "'someday' is no day"),
    ],
)
def test_a_span_that_makes_no_sense_is_told_so(text: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ScheduleSettings(off=(text,))


def test_a_wrong_schedule_is_told_by_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text('preset = "kiosk"\n[schedule]\noff = ["22:00-7"]\ntime_zone = "Europe/Berln"\n')
    with pytest.raises(ConfigError) as error:
        load(file, environment={})
    lines = str(error.value).splitlines()
    assert lines[0].endswith(
        'kiosk.toml:3: schedule.off: \'22:00-7\' is no span of hours: write "22:00-07:00", or "sat,sun 00:00-24:00"'
    )
    assert "kiosk.toml:4: schedule.time_zone: 'Europe/Berln' is no time zone" in lines[1]
