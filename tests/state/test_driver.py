"""Stories of drivers' eyes."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from edge.state import People, StateSettings
from edge.state.settings import EyeSettings
from edge.state.types import Phase, Severity
from edge.vision.types import Box, EyeSource, Face
from tests.state.scenes import drive, ends, face, people, play, seen, starts, times, within

RATES = pytest.mark.parametrize("fps", [10, 15, 30])
#: Aspect ratios of closed and open eyes: three people measured, and imagined narrow and wide eyes.
EYES = pytest.mark.parametrize(
    ("closed_ratio", "open_ratio"), [(0.070, 0.336), (0.106, 0.350), (0.063, 0.316), (0.07, 0.20), (0.08, 0.42)]
)
#: What closed eyes bring on.
CLOSED_KINDS = {"microsleep", "sleep", "unresponsive", "drowsiness"}


@RATES
@EYES
def test_a_driver_falls_asleep_4_4_s_into_the_clip(fps: int, closed_ratio: float, open_ratio: float) -> None:
    shut = [(0.75, 0.95), (1.95, 2.15), (3.15, 3.35), (4.4, 8.85)]
    watch = people()
    changes = play(watch, drive(times(10.2, fps), shut, open_ratio=open_ratio, closed_ratio=closed_ratio))
    assert [(change.kind, change.phase) for change in changes] == [
        ("microsleep", Phase.START),
        ("sleep", Phase.START),
        ("microsleep", Phase.END),
        ("sleep", Phase.END),
    ]
    micro, sleep, micro_end, sleep_end = changes
    frame = 1 / fps + 1e-6
    assert micro.t_s == pytest.approx(5.9, abs=frame)
    assert sleep.t_s == pytest.approx(7.4, abs=frame)
    for end in (micro_end, sleep_end):
        assert end.started_s == pytest.approx(4.4, abs=frame)
        assert end.ended_s == pytest.approx(8.85, abs=frame)
        assert end.duration_s == pytest.approx(4.45, abs=2 * frame)
        assert end.t_s - 8.85 < 0.15 + 2 * frame
        assert end.measures["reason"] == "eyes_opened"
        assert end.sensing == "good"
    assert (micro.severity, sleep.severity) == (Severity.WARNING, Severity.CRITICAL)
    assert micro.episode_id == micro_end.episode_id != sleep.episode_id == sleep_end.episode_id


@pytest.mark.parametrize("fps", [15, 20, 30])
@EYES
def test_blinks_count_from_the_first_second_and_never_alert(fps: int, closed_ratio: float, open_ratio: float) -> None:
    shut = [(0.7, 0.9), (1.95, 2.2), (3.15, 3.75)]
    watch = people()
    assert play(watch, drive(times(11, fps), shut, open_ratio=open_ratio, closed_ratio=closed_ratio)) == []
    blinks = watch.blinks()
    assert [blink.started_s for blink in blinks] == pytest.approx([0.7, 1.95, 3.15], abs=1 / fps)
    assert [blink.duration_s for blink in blinks] == pytest.approx([0.2, 0.25, 0.6], abs=2 / fps)
    state = watch.driver()
    assert state is not None
    assert (state.blinks, state.long_blinks) == (3, 1)
    assert state.blinks_per_minute == pytest.approx(3 * 60 / 11, rel=0.02)
    assert state.blink_mean_s == pytest.approx(0.35, abs=1 / fps)


def test_blinks_are_unknown_at_10_frames_a_second() -> None:
    watch = people()
    play(watch, drive(times(20, 10), [(3, 3.3), (5, 5.3)]))
    state = watch.driver()
    assert state is not None
    assert state.blinks_per_minute is None
    assert state.blinks is None
    assert watch.blinks() == ()


def test_blinks_older_than_a_minute_no_longer_count() -> None:
    watch = people()
    play(watch, drive(times(90, 30), [(k, k + 0.2) for k in range(2, 30, 2)]))
    state = watch.driver()
    assert state is not None
    assert state.blinks == 0
    assert state.blinks_per_minute == 0


@pytest.mark.parametrize(
    ("source", "closed_ratio", "open_ratio"),
    [
        ("attention", 0.040, 0.252),
        ("attention", 0.028, 0.265),
        ("landmarker", 0.049, 0.264),
        ("landmarker", 0.015, 0.284),
    ],
)
def test_every_eyelid_model_has_a_floor_of_its_own(source: EyeSource, closed_ratio: float, open_ratio: float) -> None:
    shut = [(1.0, 1.2), (4.0, 8.0)]
    ratios = [(t_s, closed_ratio if within(t_s, shut) else open_ratio) for t_s in times(10, 20)]
    watch = people()
    changes = play(watch, [seen(t_s, face(ratio, ratio), source=source) for t_s, ratio in ratios])
    assert len(starts(changes, "microsleep")) == len(ends(changes, "sleep")) == 1
    assert len(watch.blinks()) == 1


@RATES
def test_a_closed_eye_and_an_open_one_are_a_wink(fps: int) -> None:
    winks = [seen(t_s, face(0.07, 0.33) if t_s >= 1 else face()) for t_s in times(8, fps)]
    watch = people()
    assert play(watch, winks) == []
    state = watch.driver()
    assert state is not None
    assert state.eyes == "open"


@RATES
def test_one_readable_eye_is_enough(fps: int) -> None:
    def half(t_s: float) -> float:
        return 0.07 if 2 <= t_s < 6 else 0.33

    changes = play(people(), [seen(t_s, face(half(t_s), None)) for t_s in times(8, fps)])
    (micro,) = starts(changes, "microsleep")
    assert micro.t_s == pytest.approx(3.5, abs=1 / fps + 1e-6)
    assert micro.sensing == "degraded"
    assert len(ends(changes, "sleep")) == 1


@RATES
@pytest.mark.parametrize("shown", ["no face", "no eyes"])
def test_eyes_that_are_not_found_are_not_closed(fps: int, shown: str) -> None:
    def sight(t_s: float) -> list[Face]:
        if t_s < 2:
            return [face()]
        return [] if shown == "no face" else [face(None, None)]

    watch = people()
    changes = play(watch, [seen(t_s, *sight(t_s)) for t_s in times(30, fps)])
    assert not CLOSED_KINDS & {change.kind for change in changes}
    state = watch.driver()
    assert state is not None
    assert state.eyes == "unknown"
    assert state.openness is None
    assert state.closed_for_s == 0
    assert state.present == (shown == "no eyes")


def test_before_anyone_is_seen_there_is_no_driver() -> None:
    watch = people()
    assert watch.driver() is None
    play(watch, [seen(0.0)])
    state = watch.driver()
    assert state is not None
    assert not state.present
    assert state.eyes == "unknown"


@RATES
def test_a_short_loss_of_the_eyes_in_a_closure_is_bridged(fps: int) -> None:
    changes = play(people(), drive(times(8, fps), [(2, 6)], unknown=[(2.7, 2.95), (4.6, 4.75)]))
    (micro,) = starts(changes, "microsleep")
    assert micro.t_s == pytest.approx(3.5, abs=1 / fps + 1e-6)
    (end,) = ends(changes, "sleep")
    assert end.ended_s == pytest.approx(6, abs=1 / fps)
    assert end.measures["closed_s"] == pytest.approx(4, abs=2 / fps)


@RATES
def test_closures_with_unknown_between_them_do_not_add_up(fps: int) -> None:
    """Closed 1 s, out of sight 1 s, closed 1 s: the eyes may have opened meanwhile."""
    assert play(people(), drive(times(8, fps), [(2, 5)], unknown=[(3, 4)])) == []


@RATES
def test_a_sleeper_whose_head_sinks_out_of_sight_sleeps_on(fps: int) -> None:
    """Asleep, then no face for 4 s, then awake: the episode tells that it lost sight and ends when eyes are open."""
    at = times(14, fps)
    observations = [
        seen(t_s) if 6 <= t_s < 10 else seen(t_s, face(*(2 * [0.07 if 2 <= t_s < 6 else 0.33]))) for t_s in at
    ]
    watch = people()
    changes = play(watch, [o for o in observations if o.t_s < 9])
    assert ends(changes, "microsleep") == []
    state = watch.driver()
    assert state is not None
    assert state.eyes == "unknown"
    assert state.active == ("microsleep", "sleep", "unresponsive")
    assert state.closed_for_s == pytest.approx(4, abs=1.1 / fps)
    lost = [change for change in changes if change.phase is Phase.UPDATE]
    assert [(change.kind, change.sensing) for change in lost] == [("microsleep", "lost"), ("sleep", "lost")]
    assert lost[0].t_s == pytest.approx(6.4, abs=2 / fps)
    changes += play(watch, [o for o in observations if o.t_s >= 9])
    (end,) = ends(changes, "sleep")
    assert end.measures["reason"] == "eyes_opened"
    assert end.ended_s == pytest.approx(10, abs=1 / fps)
    assert end.confidence < 0.6


@RATES
def test_time_out_of_sight_makes_no_sleep_of_a_microsleep(fps: int) -> None:
    changes = play(people(), drive(times(10, fps), [(2, 7)], unknown=[(4, 6.5)]))
    assert len(starts(changes, "microsleep")) == 1
    assert starts(changes, "sleep") == []
    regained = [change.sensing for change in changes if change.phase is Phase.UPDATE]
    assert regained == ["lost", "good"]


@RATES
def test_a_sleeper_who_stays_out_of_sight_is_given_up_after_10_s(fps: int) -> None:
    changes = play(people(), drive(times(30, fps), [(2, 6)], unknown=[(6, 30.1)]))
    (end,) = ends(changes, "sleep")
    assert end.measures["reason"] == "eyes_lost"
    assert end.sensing == "lost"
    assert end.ended_s == pytest.approx(6, abs=1 / fps + 1e-6)
    assert end.t_s == pytest.approx(16, abs=2 / fps + 1e-6)


@RATES
def test_a_camera_that_stalls_is_no_closure(fps: int) -> None:
    """Closed in the frame before and after a gap of 5 s: nothing is known about the time between."""
    at = [t_s for t_s in times(12, fps) if not 3 < t_s < 8]
    assert play(people(), drive(at, [(2.8, 8.3)])) == []


@RATES
def test_looking_down_is_not_closed(fps: int) -> None:
    """At a telephone: the head goes down with a blink, the lids stay lowered."""

    def look(t_s: float) -> Face:
        if t_s >= 20:
            return face(0.09, 0.09, pitch_deg=-33 if t_s > 20.3 else -8)
        return face(pitch_deg=-5)

    watch = people()
    changes = play(watch, [seen(t_s, look(t_s)) for t_s in times(25, fps)])
    assert not CLOSED_KINDS & {change.kind for change in changes}
    state = watch.driver()
    assert state is not None
    assert state.eyes == "unknown"


@RATES
def test_looking_down_to_one_side_is_not_closed(fps: int) -> None:
    """Half down and half aside, with only the near eye to be seen and that read as closed."""

    def look(t_s: float) -> Face:
        if t_s >= 20:
            return face(0.10, None, pitch_deg=-18, yaw_deg=25)
        return face(pitch_deg=0)

    changes = play(people(), [seen(t_s, look(t_s)) for t_s in times(25, fps)])
    assert not CLOSED_KINDS & {change.kind for change in changes}


@RATES
def test_a_usual_pose_away_from_the_camera_is_usual(fps: int) -> None:
    """A camera high up at the side sees everyone looking down and aside."""
    shut = [(20.0, 25.0)]
    clip = []
    for t_s in times(27, fps):
        ratio = 0.07 if within(t_s, shut) else 0.33
        clip.append(seen(t_s, face(ratio, ratio, pitch_deg=-25, yaw_deg=-28)))
    assert len(ends(play(people(), clip), "sleep")) == 1


@RATES
def test_a_head_that_sinks_over_closed_eyes_does_not_wake_them(fps: int) -> None:
    def look(t_s: float) -> Face:
        ratio = 0.07 if 20 <= t_s < 26 else 0.33
        return face(ratio, ratio, pitch_deg=-35 if 20.8 <= t_s < 26 else -5)

    changes = play(people(), [seen(t_s, look(t_s)) for t_s in times(28, fps)])
    (micro,) = starts(changes, "microsleep")
    assert micro.t_s == pytest.approx(21.5, abs=1 / fps + 1e-6)
    (end,) = ends(changes, "sleep")
    assert end.ended_s == pytest.approx(26, abs=1 / fps)


@RATES
def test_one_frame_of_opened_eyes_does_not_end_a_closure_nor_count_as_closed(fps: int) -> None:
    at = times(8, fps)
    glitch = next(t_s for t_s in at if t_s >= 2.8)
    changes = play(people(), drive(at, [(2, glitch - 1e-6), (glitch + 1e-6, 6)]))
    (micro,) = starts(changes, "microsleep")
    assert 3.5 <= micro.t_s <= 3.5 + 3 / fps
    assert len(ends(changes, "microsleep")) == 1


@RATES
def test_noise_around_the_threshold_makes_one_closure_of_one(fps: int) -> None:
    rng = random.Random(3)
    observations = []
    for t_s in times(12, fps):
        middle = 0.125 if 4 <= t_s < 9 else 0.33
        observations.append(seen(t_s, face(middle + rng.gauss(0, 0.012), middle + rng.gauss(0, 0.012))))
    changes = play(people(), observations)
    assert len(starts(changes, "microsleep")) <= 1
    assert len(starts(changes, "sleep")) <= 1
    assert len(ends(changes, "sleep")) == len(starts(changes, "sleep"))


def test_the_drivers_own_open_eye_is_learnt_and_frozen_after_30_s() -> None:
    """Frozen at wide eyes, half-open lids stay half open however long they hang."""
    watch = people()
    play(watch, drive(times(40, 20), [], open_ratio=0.42))
    play(watch, drive(times(300, 20, from_s=40.05), [], open_ratio=0.25))
    state = watch.driver()
    assert state is not None
    assert state.openness == pytest.approx((0.25 - 0.08) / (0.42 - 0.08), abs=0.02)


def test_a_new_driver_is_learnt_anew_and_the_same_one_is_not() -> None:
    watch = people()
    play(watch, drive(times(40, 20), [], open_ratio=0.42))
    # Away for 5 s and back under another track id: the same driver.
    back = [seen(t_s, face(0.25, 0.25, track_id="again")) for t_s in times(50, 20, from_s=45)]
    play(watch, back)
    same = watch.driver()
    assert same is not None
    assert same.openness == pytest.approx(0.5, abs=0.02)
    # Away for 15 s: somebody else, with narrower eyes.
    play(watch, [seen(60.0), *(seen(t_s, face(0.25, 0.25, track_id="other")) for t_s in times(85, 20, from_s=65))])
    other = watch.driver()
    assert other is not None
    assert other.openness == pytest.approx(1.0, abs=0.03)


def test_recalibrating_ends_what_runs_and_learns_anew() -> None:
    watch = people()
    assert watch.recalibrate() == []
    changes = play(watch, drive(times(44, 20), [(40, 50)], open_ratio=0.42))
    assert len(starts(changes, "sleep")) == 1
    ended = watch.recalibrate()
    assert [(change.kind, change.measures["reason"]) for change in ended] == [
        ("microsleep", "recalibrated"),
        ("sleep", "recalibrated"),
        ("drowsiness", "recalibrated"),
    ]
    play(watch, drive(times(60, 20, from_s=44.05), [], open_ratio=0.25))
    state = watch.driver()
    assert state is not None
    assert state.openness == pytest.approx(1.0, abs=0.03)


def test_the_floor_follows_a_closure_that_was_surely_one() -> None:
    """A man whose closed eye reads 0.106: after he slept once, closed reads as closed to the bottom."""
    watch = people()
    first, second = (
        ends(play(watch, drive(at, shut, open_ratio=0.35, closed_ratio=0.106)), "microsleep")[0]
        for at, shut in [(times(20, 20), [(10.0, 14.0)]), (times(40, 20, from_s=20.05), [(30.0, 34.0)])]
    )
    before, after = first.measures["mean_openness"], second.measures["mean_openness"]
    assert isinstance(before, float)
    assert isinstance(after, float)
    assert after == pytest.approx(before / 2, abs=0.02)
    assert second.confidence > first.confidence


def test_the_driver_is_the_largest_face_and_stays_it() -> None:
    passenger = Box(450, 120, 60, 80)
    shut = [(3.0, 6.5)]
    crowd = []
    for t_s in times(8, 20):
        ratio = 0.07 if within(t_s, shut) else 0.33
        # The passenger leans in from 2 s on and becomes the larger face, with eyes wide open.
        beside = face(box=Box(400, 50, 220, 300) if t_s > 2 else passenger, track_id="passenger")
        crowd.append(seen(t_s, *sorted([face(ratio, ratio), beside], key=lambda f: -f.box.width)))
    changes = play(people(), crowd)
    assert [change.track_id for change in changes] == ["driver"] * 4


def test_a_passenger_does_not_take_over_while_the_driver_is_out_of_sight() -> None:
    """The driver sleeps and sinks out of sight; the passenger's open eyes end nothing."""
    passenger = face(track_id="passenger", box=Box(450, 120, 60, 80))
    crowd = []
    for t_s in times(14, 20):
        ratio = 0.07 if t_s >= 2 else 0.33
        crowd.append(seen(t_s, face(ratio, ratio), passenger) if t_s < 6 else seen(t_s, passenger))
    watch = people()
    changes = play(watch, crowd)
    assert ends(changes, "sleep") == []
    state = watch.driver()
    assert state is not None
    assert not state.present
    assert state.active == ("microsleep", "sleep", "unresponsive")
    late = play(watch, [seen(t_s, passenger) for t_s in times(20, 20, from_s=14.05)])
    (end,) = ends(late, "sleep")
    assert end.measures["reason"] in ("eyes_lost", "driver_gone")
    assert end.ended_s == pytest.approx(5.95, abs=0.01)


def test_a_new_track_id_at_the_same_place_goes_on_with_the_closure() -> None:
    observations = drive(times(8, 20), [(2, 6)])
    renamed = [seen(o.t_s, replace(o.faces[0], track_id="late")) if o.t_s >= 3 else o for o in observations]
    changes = play(people(), renamed)
    (micro,) = starts(changes, "microsleep")
    assert micro.t_s == pytest.approx(3.5, abs=0.051)


def test_a_driver_who_leant_over_is_found_again_after_2_s() -> None:
    elsewhere = face(0.07, 0.07, track_id="again", box=Box(10, 300, 150, 180))
    sights = [seen(t_s, face()) for t_s in times(3, 20)] + [seen(t_s, elsewhere) for t_s in times(8, 20, from_s=3.05)]
    watch = people()
    (micro,) = starts(play(watch, sights), "microsleep")
    assert micro.t_s == pytest.approx(3 + 2 + 1.5, abs=0.11)


def test_when_the_source_ends_so_does_what_runs() -> None:
    changes = play(people(), drive(times(6, 20), [(2, 9)]), finish=True)
    assert [(change.kind, change.phase) for change in changes[2:]] == [
        ("microsleep", Phase.END),
        ("sleep", Phase.END),
    ]
    assert {change.measures["reason"] for change in changes[2:]} == {"source_ended"}
    assert {change.ended_s for change in changes[2:]} == {6.0}


def test_a_source_that_ends_while_the_sleeper_is_out_of_sight_says_so() -> None:
    changes = play(people(), drive(times(8, 20), [(2, 9)], unknown=[(6, 9)]), finish=True)
    (end,) = ends(changes, "sleep")
    assert (end.measures["reason"], end.sensing) == ("source_ended", "lost")
    assert end.ended_s == pytest.approx(5.95)


def test_after_its_end_a_source_may_begin_again() -> None:
    watch = people()
    first = play(watch, drive(times(6, 20), [(2, 5)]), finish=True)
    state = watch.driver()
    assert state is not None
    assert state.t_s == 6.0
    again = play(watch, drive(times(6, 20), [(2, 5)]), finish=True)
    assert [change.t_s for change in again] == [change.t_s for change in first]


def test_a_file_that_starts_over_without_notice_ends_what_runs() -> None:
    watch = people()
    play(watch, drive(times(5, 20), [(2, 9)]))
    changes = watch.update(seen(0.0, face()))
    assert {(change.phase, change.measures["reason"]) for change in changes} == {(Phase.END, "source_ended")}


def test_a_frame_that_is_not_later_than_the_last_is_passed_over() -> None:
    observations = drive(times(8, 20), [(2, 6)])
    doubled = [again for o in observations for again in (o, o, seen(o.t_s - 0.2, face(0.07, 0.07)))]
    assert play(people(), doubled) == play(people(), observations)


def test_switched_off_the_driver_is_not_watched() -> None:
    watch = People(StateSettings(driver=False))
    assert play(watch, drive(times(8, 20), [(2, 6)])) == []
    assert watch.driver() is None
    assert watch.blinks() == ()


def test_the_limits_come_from_the_settings() -> None:
    settings = StateSettings(eyes=EyeSettings(microsleep_s=1.0, sleep_s=2.0))
    changes = play(people(settings), drive(times(8, 20), [(2, 6)]))
    assert [change.t_s for change in changes[:2]] == pytest.approx([3.0, 4.0], abs=0.051)


def test_ids_are_uuids_that_a_seed_repeats() -> None:
    clip = drive(times(8, 20), [(2, 6)])
    first, same, other = (play(people(seed=seed), clip) for seed in (1, 1, 2))
    assert first == same
    assert first[0].episode_id != other[0].episode_id
    assert first[0].episode_id[14] == "4"


@pytest.mark.parametrize("fps", [10, 24])
@pytest.mark.parametrize("openness", [0.28, 0.33])
def test_a_blink_while_squinting_into_the_sun_is_no_sleep(fps: int, openness: float) -> None:
    """Lids between closed and open for 40 s, as they were before the blink: nothing alarms, nothing adds up."""
    squint = 0.07 + openness * 0.26
    watch = people()
    clip = [seen(t_s, face(*2 * (0.07 if t_s % 4 < 0.2 else 0.33 if t_s < 40 else squint,))) for t_s in times(80, fps)]
    assert play(watch, clip) == []
    state = watch.driver()
    assert state is not None
    assert state.perclos_60s == pytest.approx(0, abs=0.01)


@RATES
def test_a_sleeper_whose_lids_rise_half_way_still_sleeps(fps: int) -> None:
    """Closed for 2 s, then up to 28 % for 4 s, too little to see: the alarm goes on, and only 10 s of that end it."""
    shut, half = 0.07, 0.07 + 0.28 * 0.26
    clip = [seen(t_s, face(*2 * (0.33 if t_s < 40 else shut if t_s < 42 else half,))) for t_s in times(60, fps)]
    changes = play(people(), clip)
    assert [round(start.t_s, 1) for start in starts(changes, "sleep")] == [pytest.approx(43.0, abs=0.15)]
    (end,) = ends(changes, "sleep")
    assert end.t_s == pytest.approx(52.0, abs=0.2)
