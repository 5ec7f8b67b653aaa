"""What is told of few people: nothing, and nothing from which it could be worked out."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.events.audience import AudienceWindow
from edge.events.windows import Minute, Totals, snapshot, sum_told, windows

HOUR = 1_800_000_000 // 3600 * 3600
FLOOR = 3


def minute(k: int, arrivals: int = 0, departures: int | None = None, **others: Any) -> Minute:
    left = arrivals if departures is None else departures
    given: dict[str, Any] = {"observed_s": 60.0, "present_s": 20.0 * arrivals, "dwell_s": 20.0 * left} | others
    return Minute(HOUR + 60 * k, True, Totals(arrivals=arrivals, departures=left, **given))


def told(minutes: list[Minute], name: str, floor: int = FLOOR) -> list[AudienceWindow]:
    return windows(minutes, name, floor)  # type: ignore[arg-type]


def test_a_busy_window_is_told_in_full() -> None:
    totals = Totals(
        observed_s=60,
        present_s=90,
        attentive_s=30,
        arrivals=5,
        departures=4,
        attracted=3,
        dwell_s=80,
        attention_s=20,
        expression_s=(0, 0, 0, 15, 0, 0, 5),
        present_at_start=2,
        peak_present=6,
        peak_attentive=3,
    )
    (window,) = told([Minute(HOUR, True, totals)], "1m")
    assert window.model_dump(exclude={"expressions"}) == {
        "start": datetime.fromtimestamp(HOUR, UTC),
        "seconds": 60,
        "time_synced": True,
        "observed_s": 60,
        "visitors": 7,
        "arrivals": 5,
        "departures": 4,
        "attracted": 3,
        "peak_present": 6,
        "mean_present": 1.5,
        "mean_dwell_s": 20,
        "mean_attention_s": 5,
        "attentive_share": 0.33,
        "suppressed": False,
    }
    assert window.expressions is not None
    assert (window.expressions["happiness"], window.expressions["neutral"]) == (0.75, 0.25)


def test_nobody_is_told_as_nobody() -> None:
    (window,) = told([minute(0)], "1m")
    assert (window.visitors, window.arrivals, window.peak_present, window.mean_present) == (0, 0, 0, 0)
    assert window.mean_dwell_s is None
    assert not window.suppressed


@pytest.mark.parametrize("few", [1, 2])
def test_of_one_or_two_neither_number_nor_anything_else_is_told(few: int) -> None:
    one = minute(0, few, attentive_s=10.0, attention_s=9.0, attracted=few, expression_s=(0, 0, 0, 9.0, 0, 0, 0))
    (window,) = told([one], "1m")
    kept = window.model_dump(exclude={"start", "seconds", "time_synced", "observed_s", "suppressed"})
    assert set(kept.values()) == {None}
    assert window.suppressed
    (window,) = told([one], "1m", floor=1)
    assert (window.arrivals, window.suppressed) == (few, False), "a floor of 1 hides nothing"


def test_of_a_crowd_in_which_one_looks_the_ones_face_is_not_told() -> None:
    crowd = minute(0, 10, attracted=1, attentive_s=9.0, peak_attentive=1, expression_s=(0, 0, 0, 9.0, 0, 0, 0))
    (window,) = told([crowd], "1m")
    assert (window.arrivals, window.attracted, window.attentive_share, window.expressions) == (10, None, None, None)
    assert window.suppressed


def test_the_hour_does_not_give_the_one_hidden_minute_away() -> None:
    minutes = [minute(k, 5) for k in range(60)]
    assert told(minutes, "1h")[0].arrivals == 300
    minutes[17] = minute(17, 1)
    assert told(minutes, "1m")[17].arrivals is None
    (hour,) = told(minutes, "1h")
    assert (hour.arrivals, hour.departures, hour.mean_dwell_s) == (None, None, None), "296 less 59 times 5 would be 1"
    minutes[42] = minute(42, 2)
    quarters = told(minutes, "15m")
    assert [quarter.arrivals for quarter in quarters] == [75, None, None, 75]
    assert told(minutes, "1h")[0].arrivals == 293, "that three hide in two minutes tells of none of them"


def test_the_day_does_not_give_the_one_hidden_hour_away() -> None:
    hours = [Minute(HOUR + 3600 * k, True, Totals(arrivals=5 if k else 1, departures=5)) for k in range(5)]
    day = sum_told(hours, 86_400, FLOOR)
    assert day is not None
    assert (day.arrivals, day.departures) == (None, 25)
    assert sum_told([], 86_400, FLOOR) is None


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_no_difference_of_told_counts_lies_below_the_floor(seed: int) -> None:
    """Whoever subtracts all that is told within an hour from the hour is left with nobody or enough."""
    rng = random.Random(seed)
    minutes = [minute(k, rng.choice([0, 0, 0, 1, 2, 3, 4]), rng.choice([0, 1, 5])) for k in range(60)]
    ones, quarters, (hour,) = (told(minutes, name) for name in ("1m", "15m", "1h"))
    for name in ("arrivals", "departures"):
        count = {m.start: getattr(m.totals, name) for m in minutes}

        def left(
            first: int, beyond: int, parts: list[AudienceWindow], counts: dict[int, int] = count, n: str = name
        ) -> int:
            whole = sum(counts[HOUR + 60 * k] for k in range(first, beyond))
            return whole - sum(getattr(part, n) or 0 for part in parts)

        for k, quarter in enumerate(quarters):
            if getattr(quarter, name) is not None:
                hidden = left(15 * k, 15 * k + 15, ones[15 * k : 15 * k + 15])
                assert hidden == 0 or hidden >= FLOOR
        if getattr(hour, name) is not None:
            finest = [
                part
                for k, quarter in enumerate(quarters)
                for part in ([quarter] if getattr(quarter, name) is not None else ones[15 * k : 15 * k + 15])
            ]
            hidden = left(0, 60, finest)
            assert hidden == 0 or hidden >= FLOOR


def test_a_minute_in_two_parts_is_one() -> None:
    parts = [minute(0, 2), Minute(HOUR, False, Totals(arrivals=2, departures=2, observed_s=10, present_at_start=1))]
    (window,) = told(parts, "1m")
    assert (window.arrivals, window.observed_s, window.time_synced) == (4, 70, False)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (None, (False, None, None, False)),
        ((0, 0), (True, 0, 0, False)),
        ((1, 0), (True, None, 0, True)),
        ((2, 2), (True, None, None, True)),
        ((3, 2), (True, 3, None, True)),
        ((9, 4), (True, 9, 4, False)),
    ],
)
def test_the_present_counts_obey_the_floor(
    now: tuple[int, int] | None, said: tuple[bool, int | None, int | None, bool]
) -> None:
    message = snapshot(datetime.now(UTC), now, {}, synced=True, floor=FLOOR)
    assert (message.watching, message.present, message.attentive, message.suppressed) == said
