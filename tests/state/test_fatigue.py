"""The fatigue score: bounded, monotone in each of its signs, and silent where it cannot know."""

from __future__ import annotations

from dataclasses import asdict, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.state.fatigue import Signs, fatigue
from edge.state.settings import FatigueSettings
from tests.state.scenes import drive, people, play, times

SHARES = st.floats(0, 1)
COUNTS = st.integers(0, 50)
SIGNS = st.builds(
    Signs,
    perclos_60s=SHARES,
    perclos_180s=SHARES | st.none(),
    microsleeps=COUNTS,
    long_blinks=COUNTS | st.none(),
    blink_mean_s=st.floats(0, 1.5) | st.none(),
    yawns=COUNTS | st.none(),
    nods=COUNTS | st.none(),
)
SETTINGS = st.builds(
    FatigueSettings,
    **{name: SHARES for name in FatigueSettings.model_fields if name.endswith("_weight")},
    yawns_full=st.floats(0.5, 50),
    perclos_full=st.floats(0.01, 1),
)


def score(signs: Signs, settings: FatigueSettings | None = None) -> float:
    value = fatigue(signs, settings or FatigueSettings())
    assert value is not None
    return value


@given(signs=SIGNS, settings=SETTINGS, more=st.floats(0, 10))
def test_more_of_any_sign_never_lowers_the_score(signs: Signs, settings: FatigueSettings, more: float) -> None:
    before = score(signs, settings)
    assert 0 <= before <= 100
    for field in fields(Signs):
        value = getattr(signs, field.name) or 0
        risen = Signs(**asdict(signs) | {field.name: value + (round(more) if isinstance(value, int) else more)})
        assert score(risen, settings) >= before - 1e-9


@given(signs=SIGNS)
def test_without_perclos_there_is_no_score(signs: Signs) -> None:
    assert fatigue(replace(signs, perclos_60s=None), FatigueSettings()) is None


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        (Signs(0.0), 0),
        (Signs(0.0, 0.0, 0, 0, 0.15, 0, 0), 0),  # an alert driver's blinks
        (Signs(0.08), 100 * 0.7 * 0.08 / 0.15),  # where the notice comes: 37
        (Signs(0.15), 70),
        (Signs(0.4), 70),  # no sign alone says more than its weight
        (Signs(0.0, 0.15), 70),  # one good minute after three bad ones
        (Signs(0.0, microsleeps=1), 30),
        (Signs(0.0, microsleeps=2), 60),
        (Signs(0.0, yawns=9, nods=9), 100 * (1 - 0.85 * 0.85)),  # they corroborate: 28 alone
        (Signs(0.15, 0.12, 2, 6, 0.5, 3, 3), 100 * (1 - 0.3 * 0.4 * 0.7 * 0.8 * 0.85 * 0.85)),  # all of them: 95
    ],
)
def test_what_the_score_says(signs: Signs, expected: float) -> None:
    assert score(signs) == pytest.approx(expected, abs=1e-6)


def test_a_drivers_score_rises_with_a_microsleep_and_is_forgotten_in_five_minutes() -> None:
    watch = people()
    play(watch, drive(times(30, 10), []))
    unknown = watch.driver()
    play(watch, drive(times(58, 10, from_s=30.1), []))
    awake = watch.driver()
    play(watch, drive(times(66, 10, from_s=58.1), [(60, 62)]))
    slept = watch.driver()
    play(watch, drive(times(370, 5, from_s=66.2), []))
    rested = watch.driver()
    assert unknown is not None
    assert awake is not None
    assert slept is not None
    assert rested is not None
    assert unknown.fatigue is None
    assert awake.fatigue == 0
    # 2 s of 62 are 0.03 of the time, and one microsleep is half of what microsleeps may add.
    assert slept.fatigue == pytest.approx(100 * (1 - (1 - 0.7 * 2 / 60 / 0.15) * 0.7), abs=2)
    assert rested.fatigue == 0
