"""Stories of drivers who look elsewhere."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.state.people import People
from edge.state.settings import AttentionSettings, StateSettings
from edge.state.types import Episode, Phase, Severity, Vehicle
from edge.vision.types import Gaze, Observation
from tests.state.scenes import Spans, ends, face, heading, people, play, ragged, ride, seen, starts, times, within

RATES = pytest.mark.parametrize("fps", [10, 15, 30])
AHEAD = (0.0, -4.0)
ASIDE = (45.0, -6.0)
LAP = (3.0, -34.0)
#: Seconds of driving before each story's 0 s, at whose end the road is known for good.
BEFORE_S = 6.0

#: Where a head points at a time (yaw, pitch in degrees), None where there is no face.
Heading = Callable[[float], tuple[float, float] | None]


def rules(refractory_s: float = 5.0) -> StateSettings:
    return StateSettings(attention=AttentionSettings(usual_frozen_s=5.0, refractory_s=refractory_s))


def driver() -> People:
    return people(rules())


def drive(until_s: float, fps: float) -> list[float]:
    return times(until_s, fps, from_s=-BEFORE_S)


def looking(away: Spans, to: tuple[float, float] = ASIDE, unknown: Spans = ()) -> Heading:
    return lambda t_s: None if within(t_s, unknown) else to if within(t_s, away) else AHEAD


def at_speed(kmh: float | None, reverse: bool | None = None) -> Callable[[float], Vehicle]:
    return lambda _t_s: Vehicle(speed_kmh=kmh, reverse=reverse)


def distractions(changes: list[Episode]) -> list[Episode]:
    """Without what other rules make of a long look away."""
    return [change for change in changes if change.kind.startswith("distraction")]


def kinds(changes: list[Episode]) -> list[tuple[str, Phase]]:
    return [(change.kind, change.phase) for change in changes]


@RATES
@pytest.mark.parametrize("to", [ASIDE, LAP, (-45.0, 0.0)])
def test_three_seconds_off_the_road_are_a_distraction(fps: int, to: tuple[float, float]) -> None:
    """Euro NCAP's long distraction, in a car that tells no speed."""
    changes = distractions(play(driver(), heading(drive(6, fps), looking([(0, 4.5)], to))))
    assert kinds(changes) == [("distraction", Phase.START), ("distraction", Phase.END)]
    start, end = changes
    frame = 1 / fps + 1e-6
    assert start.t_s == pytest.approx(3, abs=frame)
    assert start.started_s == end.started_s == pytest.approx(0, abs=frame)
    assert end.ended_s == pytest.approx(4.5, abs=frame)
    assert end.t_s - 4.5 < 0.3 + 2 * frame
    assert start.severity is Severity.WARNING
    assert start.episode_id == end.episode_id
    assert start.measures["speed_unknown"] is True
    assert start.measures["limit_s"] == 3.0
    assert start.measures["yaw_off_deg"] == pytest.approx(to[0] - AHEAD[0], abs=1.1)
    assert end.measures["reason"] == "back_on_road"
    assert start.confidence == pytest.approx(1.0)


@RATES
@pytest.mark.parametrize(("kmh", "after_s"), [(20.0, 6.0), (50.0, 6.0), (51.0, 3.5), (130.0, 3.5)])
def test_a_long_look_is_six_seconds_in_town_and_three_and_a_half_beyond(fps: int, kmh: float, after_s: float) -> None:
    """EU 2023/2590: 6 s from 20 to 50 km/h, 3.5 s above."""
    changes = ride(driver(), heading(drive(8, fps), looking([(0, 7)])), at_speed(kmh))
    (start,) = starts(changes, "distraction")
    assert start.t_s == pytest.approx(after_s, abs=1 / fps + 1e-6)
    assert start.measures["speed_unknown"] is False
    assert len(ends(changes, "distraction")) == 1


@pytest.mark.parametrize(
    "vehicle", [at_speed(0.0), at_speed(1.5), at_speed(12.0), at_speed(None, reverse=True), at_speed(6.0, reverse=True)]
)
def test_who_stands_creeps_or_reverses_may_look_anywhere(vehicle: Callable[[float], Vehicle]) -> None:
    clip = heading(drive(40, 10), looking([(0, 9), (11, 20), (21, 39)]))
    assert distractions(ride(driver(), clip, lambda t_s: Vehicle(60.0) if t_s < -1 else vehicle(t_s))) == []


def test_a_distraction_ends_when_the_vehicle_stops_and_begins_from_nothing_when_it_goes() -> None:
    """The driver looks aside throughout; the car goes, stands from 6 to 20 s, and goes again."""
    clip = heading(drive(25, 20), looking([(0, 31)]))
    changes = distractions(ride(driver(), clip, lambda t_s: Vehicle(0.0 if 6 <= t_s < 20 else 80.0)))
    assert kinds(changes) == [("distraction", phase) for phase in (Phase.START, Phase.END, Phase.START)]
    first, end, second = changes
    assert end.measures["reason"] == "standing"
    assert end.ended_s == pytest.approx(6, abs=0.051)
    assert second.t_s == pytest.approx(23.5, abs=0.051)
    assert second.started_s == pytest.approx(20, abs=0.051)
    assert first.episode_id != second.episode_id


@RATES
def test_ten_seconds_of_glances_within_thirty_are_a_distraction(fps: int) -> None:
    """Euro NCAP's visual attention time sharing: two seconds at the screen, one on the road, and again."""
    glances = [(3 * k, 2 + 3 * k) for k in range(6)]
    changes = distractions(play(driver(), heading(drive(20, fps), looking(glances))))
    assert kinds(changes) == [("distraction_cumulative", Phase.START), ("distraction_cumulative", Phase.END)]
    start, end = changes
    # The fifth glance ends just as the limit is reached; the sixth begins a second later.
    assert 14 - 1 / fps <= start.t_s <= 15 + 1 / fps
    assert start.started_s == pytest.approx(0, abs=1 / fps + 1e-6)
    assert start.severity is Severity.WARNING
    assert start.measures["off_s"] == pytest.approx(10, abs=1 / fps + 1e-6)
    assert end.ended_s == pytest.approx(17, abs=1 / fps + 1e-6)
    assert end.t_s == pytest.approx(19, abs=2 / fps)


def test_two_seconds_on_the_road_reset_the_glances() -> None:
    glances = [(4.2 * k, 2 + 4.2 * k) for k in range(12)]
    assert distractions(play(driver(), heading(drive(55, 15), looking(glances)))) == []


def test_glances_spread_over_more_than_thirty_seconds_do_not_add_up() -> None:
    """0.7 s off in every 2.5 s is 8.4 s in any half minute."""
    glances = [(2.5 * k, 0.7 + 2.5 * k) for k in range(24)]
    assert distractions(play(driver(), heading(drive(60, 15), looking(glances)))) == []


@RATES
def test_a_glance_of_less_than_three_seconds_is_none(fps: int) -> None:
    assert distractions(play(driver(), heading(drive(20, fps), looking([(0, 2.8), (7, 9.8), (14, 16.8)])))) == []


@RATES
def test_unknown_time_counts_neither_as_off_the_road_nor_as_on_it(fps: int) -> None:
    """Two seconds aside, one and a half without a face, aside again: three seconds aside come one later."""
    changes = play(driver(), heading(drive(7, fps), looking([(0, 5.5)], unknown=[(2, 3.5)])))
    (start,) = starts(changes, "distraction")
    assert start.t_s == pytest.approx(4.5, abs=3 / fps)
    assert start.measures["off_s"] == pytest.approx(3, abs=1.1 / fps)
    assert start.confidence < 0.8


@RATES
def test_a_glance_out_of_sight_for_long_is_forgotten(fps: int) -> None:
    assert distractions(play(driver(), heading(drive(9, fps), looking([(0, 7.5)], unknown=[(2, 5)])))) == []


@RATES
def test_a_distraction_that_goes_out_of_sight_says_so_and_is_given_up_in_the_end(fps: int) -> None:
    changes = distractions(play(driver(), heading(drive(18, fps), looking([(0, 4)], unknown=[(4, 21)]))))
    assert [change.phase for change in changes] == [Phase.START, Phase.UPDATE, Phase.END]
    _, update, end = changes
    assert update.sensing == "lost"
    assert update.t_s == pytest.approx(6, abs=3 / fps)
    assert (end.measures["reason"], end.sensing) == ("lost", "lost")
    assert end.ended_s == pytest.approx(4, abs=1.1 / fps)
    assert end.t_s == pytest.approx(14, abs=3 / fps)


def test_a_camera_that_stalls_does_not_look_away() -> None:
    at = [t_s for t_s in drive(14, 20) if not 2 < t_s < 10]
    assert distractions(play(driver(), heading(at, looking([(0, 12)])))) == []


def test_a_second_warning_of_a_kind_waits_for_the_first_to_have_rested() -> None:
    """The second long look is three seconds old at 8.5 s; the first one's warning ended at 5.3 s."""
    clip = heading(drive(15, 20), looking([(0, 5), (5.5, 15)]))
    first, second = starts(play(people(rules(refractory_s=8.0)), clip), "distraction")
    assert first.t_s == pytest.approx(3, abs=0.051)
    assert second.t_s == pytest.approx(5.3 + 8, abs=0.11)
    assert second.started_s == pytest.approx(5.5, abs=0.051)


def test_twelve_seconds_aside_at_a_stretch_are_one_warning() -> None:
    changes = distractions(play(driver(), heading(drive(16, 20), looking([(0, 12)]))))
    assert kinds(changes) == [("distraction", Phase.START), ("distraction", Phase.END)]


@pytest.mark.parametrize("fps", [10, 30])
def test_a_head_held_at_the_limit_does_not_flap(fps: int) -> None:
    noise = random.Random(5)

    def held(t_s: float) -> tuple[float, float]:
        return noise.gauss(23.0 if t_s > 0 else 0.0, 1.5), noise.gauss(-4.0, 1.5)

    assert len(starts(play(driver(), heading(drive(60, fps), held)), "distraction")) <= 2


def test_who_starts_by_looking_aside_is_not_warned_for_looking_ahead() -> None:
    """Five seconds at the mirror, then the road: first nobody knows which it is, then it is the road."""
    watch = people()
    assert play(watch, heading(times(40, 10), lambda t_s: (-32.0, 0.0) if t_s < 5 else AHEAD)) == []
    state = watch.driver()
    assert state is not None
    assert state.attentive is True
    assert state.yaw_off_deg == pytest.approx(0, abs=1.1)


def test_looking_elsewhere_for_a_quarter_of_the_first_minute_spoils_nothing() -> None:
    aside = [(k * 6.0, k * 6.0 + 1.5) for k in range(14)]
    changes = play(people(), heading(times(100, 10), looking([*aside, (90, 95)], to=(35.0, -20.0))))
    assert [round(start.t_s) for start in starts(changes, "distraction")] == [93]


def test_a_reversing_driver_is_not_learnt() -> None:
    watch = people()
    clip = heading(times(40, 10), lambda t_s: (32.0, 0.0) if t_s < 20 else AHEAD)
    assert distractions(ride(watch, clip, lambda t_s: Vehicle(5.0, reverse=True) if t_s < 20 else Vehicle(60.0))) == []
    state = watch.driver()
    assert state is not None
    assert state.yaw_off_deg == pytest.approx(0, abs=1.1)


def test_after_a_minute_the_road_stays_where_it_is() -> None:
    """Minutes of looking at a screen do not make it the road."""
    changes = play(people(), heading(times(200, 10), looking([(70, 201)])))
    (start,) = starts(changes, "distraction")
    assert start.t_s == pytest.approx(73, abs=0.11)
    assert ends(changes, "distraction") == []


def test_a_head_turned_far_from_the_camera_is_never_the_road() -> None:
    """Which a clip that begins with a long look aside would otherwise make it."""
    watch = people()
    play(watch, heading(times(9, 20), lambda _t_s: (44.0, 0.0)))
    state = watch.driver()
    assert state is not None
    assert state.attentive is None


def test_a_new_driver_has_a_road_of_their_own() -> None:
    """Someone taller sits down, for whom the camera is elsewhere."""
    watch = people()
    tall = [seen(t_s, face(yaw_deg=28.0, pitch_deg=-22.0, track_id="tall")) for t_s in times(100, 10, from_s=85)]
    play(watch, heading(times(65, 10), looking([])))
    assert starts(play(watch, tall), "distraction") == []
    state = watch.driver()
    assert state is not None
    assert state.attentive is True


def gazing(at: list[float], where: Callable[[float], tuple[float, float]]) -> list[Observation]:
    """The head straight ahead, the gaze elsewhere."""
    return [seen(t_s, replace(face(pitch_deg=-4.0), gaze=Gaze(*where(t_s)))) for t_s in at]


@RATES
def test_a_long_glance_by_the_eyes_alone_is_a_distraction(fps: int) -> None:
    """Euro NCAP's "lizard": the head stays, the eyes go."""
    clip = gazing(drive(6, fps), lambda t_s: (40.0, -10.0) if 0 <= t_s < 4.5 else (4.0, -6.0))
    changes = play(driver(), clip)
    (start,) = starts(changes, "distraction")
    assert start.t_s == pytest.approx(3, abs=1 / fps + 1e-6)
    assert len(ends(changes, "distraction")) == 1


def test_a_gaze_that_is_read_a_little_off_takes_nobody_off_the_road() -> None:
    noise = random.Random(2)
    clip = gazing(drive(60, 20), lambda t_s: (noise.gauss(16.0 if t_s > 0 else 2.0, 4.0), noise.gauss(-8.0, 4.0)))
    assert distractions(play(driver(), clip)) == []


def test_attentive_is_known_only_of_who_is_seen_to_look_at_the_road_with_open_eyes() -> None:
    watch = people()
    told: dict[float, bool | None] = {}
    for t_s in times(45, 20):
        ratio = 0.07 if 30 <= t_s < 31.2 else None if 35 <= t_s < 36 else 0.33
        yaw = 45.0 if 40 <= t_s < 42 else 0.0
        watch.update(seen(t_s, *([] if 43 <= t_s < 44 else [face(ratio, ratio, pitch_deg=-4.0, yaw_deg=yaw)])))
        state = watch.driver()
        assert state is not None
        told[t_s] = state.attentive
    assert told[1.0] is None  # the road is not known yet
    assert told[25.0] is True
    assert told[31.0] is False  # eyes shut
    assert told[35.5] is None  # eyes unreadable
    assert told[41.0] is False  # aside
    assert told[43.5] is None  # out of sight


def test_without_a_pose_nobody_is_distracted_or_attentive() -> None:
    watch = people()
    assert play(watch, [seen(t_s, face()) for t_s in times(30, 20)]) == []
    state = watch.driver()
    assert state is not None
    assert state.attentive is None


def test_when_the_source_ends_so_does_the_distraction() -> None:
    changes = distractions(play(driver(), heading(drive(5, 20), looking([(0, 10)])), finish=True))
    assert kinds(changes) == [("distraction", Phase.START), ("distraction", Phase.END)]
    assert changes[1].measures["reason"] == "source_ended"
    assert changes[1].ended_s == 5.0


#: A pause that resets all, then a look away; its length is not within two frames (at 10 fps) of a limit.
GLANCES = st.lists(
    st.tuples(st.floats(2.5, 4.0), st.one_of(st.floats(0.4, 2.5), st.floats(3.5, 6.0))), min_size=1, max_size=3
)


@settings(max_examples=6, deadline=None)
@given(glances=GLANCES, seed=st.integers(0, 1000))
def test_every_frame_rate_tells_the_same_of_every_glance(glances: list[tuple[float, float]], seed: int) -> None:
    """At 10 to 30 frames a second, with jitter and dropped frames: the same long looks, within a frame."""
    away: list[tuple[float, float]] = []
    t_s = BEFORE_S - 2.5
    for pause, length in glances:
        away.append((t_s + pause, t_s + pause + length))
        t_s = away[-1][1]
    # A look that begins while a warning rests has a story of its own.
    settled = rules(refractory_s=0.0)
    long = [(start, end) for start, end in away if end - start > 3]
    for fps in (10, 15, 24, 30):
        frame = (2.21 if seed else 1.01) / fps
        at = ragged(t_s + 1.0, fps, seed) if seed else times(t_s + 1.0, fps)
        changes = play(people(settled), heading(at, looking(away)))
        begun, ended = starts(changes, "distraction"), ends(changes, "distraction")
        assert len(begun) == len(ended) == len(long)
        for start, end, (from_s, to_s) in zip(begun, ended, long, strict=True):
            assert start.started_s == pytest.approx(from_s, abs=max(frame, 0.15))
            assert start.t_s == pytest.approx(from_s + 3, abs=max(2 * frame, 0.15))
            assert end.ended_s == pytest.approx(to_s, abs=max(frame, 0.15))


def test_who_looks_elsewhere_for_much_of_the_first_minutes_is_watched_once_the_road_is_clear() -> None:
    """Two fifths to the side until 130 s, as on a yard: then nobody knows. It must not stay so for the whole drive."""
    aside = [(10.0 * k, 10.0 * k + 4) for k in range(13)]
    changes = play(people(), heading(times(310, 5), looking([*aside, (300, 305)], to=(30.0, -4.0))))
    assert [round(start.t_s) for start in starts(changes, "distraction")] == [303]


def test_a_camera_far_to_the_side_never_takes_a_look_at_it_for_the_road() -> None:
    """The road is 50 degrees off the camera; the driver once looks into it for 10 s."""
    watch = people()
    clip = heading(times(400, 5), lambda t_s: AHEAD if 150 <= t_s < 160 else (50.0, -4.0))
    assert play(watch, clip) == []
    state = watch.driver()
    assert state is not None
    assert state.attentive is None


def test_behind_dark_glasses_the_head_alone_is_watched() -> None:
    """Never an eye to be seen, from the first second on."""
    clip = [
        seen(t_s, face(None, None, pitch_deg=-4, yaw_deg=45 if 90 <= t_s < 94 else 0, mouth=0.02))
        for t_s in times(100, 10)
    ]
    (start,) = starts(play(people(), clip), "distraction")
    assert start.t_s == pytest.approx(93, abs=0.11)


@pytest.mark.parametrize("to", [(26.0, -4.0), (0.0, -24.0)])
def test_a_camera_that_was_moved_is_noticed_after_a_minute_at_speed(to: tuple[float, float]) -> None:
    """Now and then a glance crosses the old direction. What alarms then must not alarm all day."""
    glances = [(100 + 10.0 * k, 100.6 + 10.0 * k) for k in range(60)]
    clip = heading(drive(400, 5), lambda t_s: AHEAD if t_s < 60 or within(t_s, glances) else to)
    changes = ride(driver(), clip, at_speed(80.0))
    alarms = {"distraction", "distraction_cumulative", "unresponsive"}
    last = max(change.t_s for change in changes if change.kind in alarms)
    assert last < 60 + 60 + 40
    assert [change.phase for change in changes if change.kind in alarms][-1] is Phase.END


def test_without_a_speed_a_minute_of_looking_into_the_lap_teaches_nothing() -> None:
    """The vehicle may stand."""
    watch = driver()
    changes = ride(watch, heading(drive(199, 5), looking([(10, 200)], to=LAP)), at_speed(None))
    assert ends(changes, "distraction") == []
    state = watch.driver()
    assert state is not None
    assert state.attentive is False
