"""Stories of eyes that can't be read, and of why."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from edge.state.types import DriverState, Episode, Phase, Severity, Vehicle
from edge.vision.types import EyeTrouble, Face, Observation, Quality
from tests.state.scenes import drive, ends, face, people, play, ride, seen, starts, times

RATES = pytest.mark.parametrize("fps", [10, 15, 30])
DAY = Quality(brightness=120, sharpness=300, frame_brightness=110, frame_contrast=60)


def sensing(changes: list[Episode]) -> list[Episode]:
    return [change for change in changes if change.kind == "sensing_degraded"]


def troubled(trouble: EyeTrouble | None, *, yaw_deg: float = 0.0) -> Face:
    """A face whose eyes can't be read, for this reason."""
    seen_face = face(None, None, yaw_deg=yaw_deg, pitch_deg=0.0)
    right, left = seen_face.right_eye, seen_face.left_eye
    assert right is not None
    assert left is not None
    return replace(seen_face, right_eye=replace(right, trouble=trouble), left_eye=replace(left, trouble=trouble))


def shown(t_s: float, *faces: Face, quality: Quality = DAY) -> Observation:
    return replace(seen(t_s, *faces), quality=quality)


def now(watch: object) -> DriverState:
    state = watch.driver()  # type: ignore[attr-defined]
    assert isinstance(state, DriverState)
    return state


@RATES
@pytest.mark.parametrize("what", ["no face", "no eyes"])
def test_eyes_unreadable_for_ten_seconds_are_told_and_so_is_their_return(fps: int, what: str) -> None:
    """Euro NCAP: degraded sensing is told after 10 s."""
    hidden = [] if what == "no face" else [troubled(None)]
    watch = people()
    clip = [shown(t_s, *(hidden if 5 <= t_s < 20 else [face(pitch_deg=0.0)])) for t_s in times(26, fps)]
    start, end = sensing(play(watch, clip))
    frame = 1 / fps + 1e-6
    assert start.started_s == pytest.approx(5, abs=frame)
    assert start.t_s == pytest.approx(15, abs=2 * frame)
    assert start.severity is Severity.NOTICE
    assert start.sensing == "lost"
    assert start.confidence == pytest.approx(1.0, abs=0.02)
    assert start.measures["reason"] == ("no_face" if what == "no face" else "occluded")
    assert end.episode_id == start.episode_id
    assert end.ended_s == pytest.approx(20, abs=0.7)
    assert end.t_s - 20 < 3
    assert end.measures["ended_by"] == "readable"
    assert now(watch).sensing == "good"


@RATES
def test_where_nobody_was_ever_seen_nobody_is_attentive(fps: int) -> None:
    watch = people()
    changes = []
    for t_s in times(12, fps):
        changes += watch.update(shown(t_s))
        state = now(watch)
        assert state.attentive is None
        assert (state.sensing, state.sensing_reason) == ("lost", "no_face")
    (start,) = sensing(changes)
    assert start.t_s == pytest.approx(10, abs=1 / fps + 1e-6)
    assert now(watch).active == ("sensing_degraded",)


def test_less_than_ten_seconds_are_not_worth_a_word() -> None:
    clip = [shown(t_s, *([] if 5 <= t_s < 14.5 else [face()])) for t_s in times(20, 15)]
    assert sensing(play(people(), clip)) == []


@RATES
def test_a_few_lucky_frames_change_nothing(fps: int) -> None:
    """A driver seen from the side, whose eyes get read in one frame of six."""
    luck = random.Random(4)
    watch = people()
    clip = [shown(t_s, face() if luck.random() < 1 / 6 else troubled("turned", yaw_deg=50)) for t_s in times(40, fps)]
    (start,) = sensing(play(watch, clip))
    assert start.t_s < 14
    assert start.measures["reason"] == "turned_away"
    assert start.sensing == "degraded"
    assert now(watch).attentive is None


@RATES
def test_the_sun_in_every_second_frame_leaves_enough_to_read(fps: int) -> None:
    sun = random.Random(6)
    clip = [shown(t_s, troubled(None) if t_s > 3 and sun.random() < 0.5 else face()) for t_s in times(60, fps)]
    assert sensing(play(people(), clip)) == []


@pytest.mark.parametrize("vehicle", [Vehicle(speed_kmh=0.0), Vehicle(reverse=True)])
def test_who_stands_or_reverses_need_not_face_the_camera(vehicle: Vehicle) -> None:
    assert sensing(ride(people(), [shown(t_s) for t_s in times(60, 10)], lambda _t_s: vehicle)) == []


def test_the_ten_seconds_count_from_where_driving_goes_on() -> None:
    changes = sensing(
        ride(people(), [shown(t_s) for t_s in times(45, 10)], lambda t_s: Vehicle(0.0 if t_s < 20 else 40.0))
    )
    assert [change.phase for change in changes] == [Phase.START]
    assert changes[0].t_s == pytest.approx(30, abs=0.21)


def test_a_notice_ends_where_the_vehicle_stops() -> None:
    changes = sensing(
        ride(people(), [shown(t_s) for t_s in times(30, 10)], lambda t_s: Vehicle(50.0 if t_s < 20 else 0.0))
    )
    assert [change.measures.get("ended_by") for change in changes] == [None, "standing"]


BLACK = Quality(brightness=3, sharpness=1, frame_brightness=3, frame_contrast=2)
NIGHT = Quality(brightness=12, sharpness=40, frame_brightness=18, frame_contrast=25)
SOFT = Quality(brightness=120, sharpness=6, frame_brightness=110, frame_contrast=50)


@pytest.mark.parametrize(
    ("sight", "quality", "reason"),
    [
        ([], DAY, "no_face"),
        ([], NIGHT, "dark"),
        ([], BLACK, "camera_blocked"),
        ([troubled("turned")], DAY, "turned_away"),
        ([troubled(None, yaw_deg=60)], DAY, "turned_away"),
        ([troubled("dark")], DAY, "dark"),
        ([troubled(None)], NIGHT, "dark"),
        ([troubled("small")], DAY, "small"),
        ([troubled(None)], SOFT, "blurred"),
        ([troubled(None)], DAY, "occluded"),
        ([troubled("outside")], DAY, "occluded"),
        ([troubled(None)], Quality(), "occluded"),
    ],
)
def test_the_notice_says_why(sight: list[Face], quality: Quality, reason: str) -> None:
    watch = people()
    (start,) = sensing(play(watch, [shown(t_s, *sight, quality=quality) for t_s in times(12, 10)]))
    assert start.measures["reason"] == reason
    assert now(watch).sensing_reason == reason


def test_a_reason_that_changes_is_told_once_it_lasts() -> None:
    """Turned away, with a moment of no face, then a covered lens: one update."""

    def sight(t_s: float) -> Observation:
        if t_s >= 20:
            return shown(t_s, quality=BLACK)
        return shown(t_s) if 14 <= t_s < 14.6 else shown(t_s, troubled("turned"))

    changes = sensing(play(people(), [sight(t_s) for t_s in times(30, 15)]))
    assert [(change.phase, change.measures["reason"]) for change in changes] == [
        (Phase.START, "turned_away"),
        (Phase.UPDATE, "camera_blocked"),
    ]
    assert 20 < changes[1].t_s < 23


def test_a_new_driver_does_not_end_what_neither_can_be_seen_by() -> None:
    """The notice is of the camera's sight of the seat, whoever sits there."""
    first, second = troubled(None), replace(troubled(None), track_id="second")
    sights: Callable[[float], list[Face]] = lambda t_s: [first] if t_s < 15 else [] if t_s < 30 else [second]  # noqa: E731
    changes = sensing(play(people(), [shown(t_s, *sights(t_s)) for t_s in times(45, 10)], finish=True))
    assert [change.phase for change in changes if change.phase is not Phase.UPDATE] == [Phase.START, Phase.END]
    assert changes[-1].measures["ended_by"] == "source_ended"


def test_a_stalled_camera_is_not_ten_seconds_of_unreadable_eyes() -> None:
    at = [t_s for t_s in times(40, 10) if not 5 < t_s < 30]
    assert sensing(play(people(), [shown(t_s, *([] if 4.5 < t_s < 31 else [face()])) for t_s in at])) == []


def test_closed_eyes_are_readable() -> None:
    changes = play(people(), drive(times(30, 10), [(5, 25)]))
    assert sensing(changes) == []
    assert len(starts(changes, "sleep")) == len(ends(changes, "sleep")) == 1


def test_an_hour_of_eyes_that_come_and_go_is_told_less_and_less_often() -> None:
    """Lenses that darken in the sun: 20 s without eyes, 10 s with, all the time."""
    clip = [shown(t_s, troubled(None) if t_s % 30 < 20 else face(pitch_deg=0.0)) for t_s in times(3600, 3)]
    told = [start.t_s for start in starts(play(people(), clip), "sensing_degraded")]
    assert 4 <= len([t_s for t_s in told if t_s < 600]) <= 6
    assert len(told) <= 9


@pytest.mark.parametrize("fps", [10, 15])
def test_a_street_lamp_now_and_then_does_not_hide_that_the_night_is_too_dark(fps: int) -> None:
    """The face shows for a second in every seven."""
    clip = [shown(t_s, *([face(pitch_deg=0.0)] if t_s % 7 < 1 else [])) for t_s in times(120, fps)]
    (start,) = starts(play(people(), clip), "sensing_degraded")
    assert start.t_s < 20
    assert start.measures["reason"] == "no_face"


@pytest.mark.parametrize(("yaw_deg", "pitch_deg"), [(0.0, -30.0), (32.0, 0.0)])
def test_eyes_that_are_unreadable_as_the_head_points_elsewhere_are_turned_away(
    yaw_deg: float, pitch_deg: float
) -> None:
    """Down at the phone with lowered lids: nothing is before the eyes."""
    clip = [
        shown(t_s, face(pitch_deg=0.0) if t_s < 40 else face(0.12, 0.12, yaw_deg=yaw_deg, pitch_deg=pitch_deg))
        for t_s in times(52, 10)
    ]
    (start,) = starts(play(people(), clip), "sensing_degraded")
    assert start.measures["reason"] == "turned_away"
