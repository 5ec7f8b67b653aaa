"""Stories of drivers who do not come back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.state.types import Episode, Severity, Vehicle
from edge.vision.types import Face, Observation
from tests.state.scenes import Spans, ends, face, lids, people, play, ragged, seen, starts, times, within

RATES = pytest.mark.parametrize("fps", [10, 24])
#: So long a driver looks ahead before a story begins, that looking away for 9 s then leaves no doubt where the road is.
BEFORE_S = 22.0


def at_the_wheel(t_s: float, shut: Spans, away: Spans = (), hidden: Spans = ()) -> Face:
    """Eyes shut in ``shut``, head to the side in ``away``, eyes unreadable in ``hidden``."""
    ratio = None if within(t_s, hidden) else lids(t_s, shut)
    return face(ratio, ratio, pitch_deg=-5, yaw_deg=40 if within(t_s, away) else 0)


def at_rate(until_s: float, fps: float) -> list[float]:
    """Times at this rate from just before the story on, and at 5 a second before that."""
    return [*times(BEFORE_S - 1.2, 5), *times(until_s, fps, from_s=BEFORE_S - 1)]


def story(at: list[float], shut: Spans, away: Spans = (), hidden: Spans = ()) -> list[Observation]:
    return [seen(t_s, at_the_wheel(t_s, shut, away, hidden)) for t_s in at]


@RATES
def test_a_sleeper_who_ignores_the_warning_is_unresponsive_3_s_after_it(fps: int) -> None:
    """Closed from 22 s on: warned at 23.5 s, critical at 26.5 s, awake at 30 s."""
    changes = play(people(), story(at_rate(32, fps), [(22, 30)]))
    (start,) = starts(changes, "unresponsive")
    assert start.severity is Severity.CRITICAL
    assert start.t_s == pytest.approx(26.5, abs=0.15)
    assert start.started_s == pytest.approx(22, abs=0.1)
    assert start.measures["since_warning_s"] == pytest.approx(3, abs=0.11)
    assert start.measures["eyes_closed"] is True
    (end,) = ends(changes, "unresponsive")
    assert end.ended_s == pytest.approx(30, abs=0.1)
    assert end.measures["reason"] == "returned"
    assert end.episode_id == start.episode_id


@RATES
def test_who_looks_away_and_ignores_the_warning_is_unresponsive(fps: int) -> None:
    """Head aside from 22 s on: distracted at 25 s, and 3 s later still."""
    changes = play(people(), story(at_rate(34, fps), [], away=[(22, 31)]))
    (warned,) = starts(changes, "distraction")
    (start,) = starts(changes, "unresponsive")
    assert start.t_s == pytest.approx(warned.t_s + 3, abs=0.11)
    assert start.t_s == pytest.approx(28, abs=0.25)
    assert start.measures["eyes_closed"] is False
    (end,) = ends(changes, "unresponsive")
    assert end.ended_s == pytest.approx(31, abs=1 / fps + 1e-6)


def in_town(observations: list[Observation]) -> list[Episode]:
    watch = people()
    return [change for o in observations for change in watch.update(o, Vehicle(30.0))]


@RATES
def test_in_town_who_looks_away_has_three_seconds_from_the_warning_on(fps: int) -> None:
    """From 20 to 50 km/h the warning comes after 6 s: what is critical waits for 3 s more, blinks or not."""
    changes = in_town(story(at_rate(34, fps), [(28.5, 28.7), (30.2, 30.4)], away=[(22, 33)]))
    (warned,) = starts(changes, "distraction")
    (start,) = starts(changes, "unresponsive")
    assert warned.t_s == pytest.approx(28, abs=0.15)
    assert start.t_s == pytest.approx(31, abs=0.25)


@RATES
def test_in_town_who_is_back_within_three_seconds_of_the_warning_is_not_unresponsive(fps: int) -> None:
    changes = in_town(story(at_rate(36, fps), [], away=[(22, 30.5)]))
    assert len(starts(changes, "distraction")) == 1
    assert starts(changes, "unresponsive") == []


@RATES
def test_in_town_a_sleeper_is_unresponsive_as_soon_as_anywhere(fps: int) -> None:
    (start,) = starts(in_town(story(at_rate(32, fps), [(22, 30)])), "unresponsive")
    assert start.t_s == pytest.approx(26.5, abs=0.15)


@RATES
def test_away_with_open_eyes_then_closed_adds_up_to_6_s(fps: int) -> None:
    """Away for 2.8 s, asleep for 1.4 s, away again: no warning came that could have been ignored for 3 s."""
    changes = play(people(), story(at_rate(31, fps), [(24.8, 26.2)], away=[(22, 24.8), (26.2, 28.9)]))
    (start,) = starts(changes, "unresponsive")
    assert start.t_s == pytest.approx(28, abs=1 / fps + 0.15)
    assert start.measures["gone_s"] == pytest.approx(6, abs=0.11)
    assert starts(changes, "microsleep") == []


@RATES
def test_who_opens_the_eyes_at_the_warning_has_returned(fps: int) -> None:
    changes = play(people(), story(at_rate(30, fps), [(22, 24.5), (26, 28.4)]))
    assert len(starts(changes, "microsleep")) == 2
    assert starts(changes, "unresponsive") == []


@RATES
def test_lids_that_flutter_at_the_warning_are_no_return(fps: int) -> None:
    """Open for 0.3 s at 25 s, too short to take anything in; shut for 3 s after the warning all told."""
    changes = play(people(), story(at_rate(30, fps), [(22, 25), (25.3, 29)]))
    (start,) = starts(changes, "unresponsive")
    assert start.t_s == pytest.approx(26.8, abs=0.3)


@RATES
def test_a_head_back_on_the_road_is_a_return_even_behind_dark_glasses(fps: int) -> None:
    """Never an eye to be seen: distracted twice, each time back within 3 s of the warning."""
    clip = story(at_rate(38, fps), [], away=[(26.0, 30.5), (32.0, 36.5)], hidden=[(BEFORE_S, 39)])
    changes = play(people(), clip)
    assert len(starts(changes, "distraction")) == 2
    assert starts(changes, "unresponsive") == []


@RATES
def test_a_driver_who_sinks_out_of_sight_after_the_warning_is_unresponsive_3_s_after_it(fps: int) -> None:
    """Closed for 2 s, so warned after 1.5 s; then out of sight, and no return."""
    clip = [seen(t_s, *([at_the_wheel(t_s, [(22, 24)])] if t_s < 23.9 else [])) for t_s in at_rate(44, fps)]
    (start,) = starts(play(people(), clip), "unresponsive")
    assert start.t_s == pytest.approx(26.5, abs=0.3)
    assert start.sensing == "lost"


@RATES
def test_unknown_time_without_a_warning_makes_nobody_unresponsive(fps: int) -> None:
    """Closed for 1 s, out of sight for 20 s: nothing is known of the rest."""
    clip = [seen(t_s, *([at_the_wheel(t_s, [(22.9, 24)])] if t_s < 23.9 else [])) for t_s in at_rate(44, fps)]
    assert starts(play(people(), clip), "unresponsive") == []


@RATES
def test_a_warned_driver_who_comes_back_into_sight_awake_is_not_unresponsive(fps: int) -> None:
    """Closed for 2 s, out of sight for 1.5 s, then awake."""
    hidden = (23.9, 25.4)
    clip = [
        seen(t_s, *([] if hidden[0] <= t_s < hidden[1] else [at_the_wheel(t_s, [(22, 24)])]))
        for t_s in at_rate(44, fps)
    ]
    assert starts(play(people(), clip), "unresponsive") == []


@RATES
def test_closed_before_and_after_a_long_gap_does_not_add_up(fps: int) -> None:
    """1.2 s without a warning, a gap of 1 s, 1.2 s, and so on: six closures, no six seconds."""
    shut = [(22 + 2.2 * k, 23.2 + 2.2 * k) for k in range(6)]
    hidden = [(23.1 + 2.2 * k, 24.2 + 2.2 * k) for k in range(6)]
    assert starts(play(people(), story(at_rate(36, fps), shut, hidden=hidden)), "unresponsive") == []


@pytest.mark.parametrize("vehicle", [Vehicle(0.0), Vehicle(2.0, reverse=True), Vehicle(8.0)])
def test_looking_away_is_no_silence_where_nothing_is_missed(vehicle: Vehicle) -> None:
    """Parked, or looking back while reversing; asleep at a red light is another matter."""
    watch, told = people(), []
    for observation in story(at_rate(45, 10), [(36, 44)], away=[(22, 34)]):
        told += watch.update(observation, vehicle if observation.t_s > 20 else Vehicle())
    assert [start.t_s for start in starts(told, "unresponsive")] == pytest.approx([40.5], abs=0.3)


def test_an_unresponsive_driver_who_sinks_out_of_sight_stays_it_for_10_s() -> None:
    clip = [seen(t_s, *([at_the_wheel(t_s, [(22, 60)])] if t_s < 28 else [])) for t_s in at_rate(40, 20)]
    (end,) = ends(play(people(), clip), "unresponsive")
    assert (end.measures["reason"], end.sensing) == ("eyes_lost", "lost")
    assert end.ended_s == pytest.approx(28, abs=0.06)
    assert end.t_s == pytest.approx(38, abs=0.11)


def test_when_the_source_ends_so_does_it() -> None:
    (end,) = ends(play(people(), story(at_rate(28, 20), [(22, 40)]), finish=True), "unresponsive")
    assert end.measures["reason"] == "source_ended"
    assert end.ended_s == 28


@settings(max_examples=6, deadline=None)
@given(
    shut_s=st.one_of(st.floats(0.6, 4.0), st.floats(5.0, 9.0)),
    pause_s=st.floats(1.2, 3.0),
    seed=st.integers(0, 1000),
)
def test_every_frame_rate_tells_the_same(shut_s: float, pause_s: float, seed: int) -> None:
    """The warning waits for a frame, and what follows 3 s after it for another."""
    shut = [(3.0, 3.0 + shut_s), (3.0 + shut_s + pause_s, 3.0 + 2 * shut_s + pause_s)]
    due = shut if shut_s > 4.5 else []
    for fps in (10, 15, 30):
        frames = ragged(shut[-1][1] + 1.5, fps, seed)
        told = play(people(), story(frames, shut))
        begun, ended = starts(told, "unresponsive"), ends(told, "unresponsive")
        for change, (a, _) in zip(begun, due, strict=True):
            warned_s = next(t_s for t_s in frames if t_s >= a + 0.15 + 1.5)
            assert a + 4.5 - 0.15 <= change.t_s <= next(t_s for t_s in frames if t_s >= warned_s + 3.0)
        assert [change.started_s for change in begun] == pytest.approx([a for a, _ in due], abs=0.15)
        assert [change.ended_s for change in ended] == pytest.approx([b for _, b in due], abs=0.15)
