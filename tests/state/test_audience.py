"""Who counts as a visitor, when a visitor pays attention, and what is told of a single visit."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from edge.state import People
from edge.state.audience import Audience
from edge.state.settings import StateSettings, VisitorSettings
from edge.state.types import Episode, Phase
from edge.vision.types import Face, Unread
from tests.crowds.crowd import crowd
from tests.state.crowds import figures
from tests.state.scenes import PLACE, face, seen, times, within

FPS = 15
#: What is in sight at a time.
Scene = Callable[[float], Iterable[Face]]


def watched(
    scene: Scene, until_s: float, *, fps: float = FPS, expressions: bool = False, **visitors: Any
) -> tuple[Audience, list[Episode]]:
    """A scene as it was counted, to its end."""
    settings = StateSettings(driver=False, expressions=expressions, visitors=VisitorSettings.model_validate(visitors))
    people = People(settings, rng=random.Random(3))
    changes = []
    for t_s in times(until_s, fps):
        changes += people.update(seen(t_s, *scene(t_s)))
    changes += people.finish()
    audience = people.audience()
    assert audience is not None
    return audience, changes


def looking(yaw_deg: float = 0.0, pitch_deg: float | None = 0.0, track: str = "a", shows: str | None = None) -> Face:
    return face(track_id=track, yaw_deg=yaw_deg, pitch_deg=pitch_deg, expression=shows)


# Visits


def test_a_visit_lasts_from_the_first_sight_to_the_last() -> None:
    audience, _ = watched(lambda t_s: [looking()] if 2 <= t_s <= 9.5 else [], 20)
    totals = audience.totals(0, 30)
    assert (totals.arrivals, totals.departures) == (1, 1)
    assert totals.dwell_s == pytest.approx(7.5, abs=1 / FPS)
    assert totals.present_s == pytest.approx(7.5, abs=1 / FPS)
    assert audience.totals(0, 5).arrivals == 1, "of the second in which it was first seen"
    assert audience.totals(9, 10).departures == 1, "of the second in which it was last seen, not when that was known"


def test_a_passer_bys_flicker_is_no_visit() -> None:
    audience, changes = watched(lambda t_s: [looking()] if 2 <= t_s < 2.8 else [], 9, events=("arrived", "left"))
    totals = audience.totals(0, 30)
    assert (totals.arrivals, totals.departures, totals.present_s, totals.attentive_s) == (0, 0, 0, 0)
    assert changes == []


def test_false_finds_now_and_then_do_not_add_up_to_a_visit() -> None:
    audience, _ = watched(lambda t_s: [looking()] if t_s % 3 < 0.3 else [], 60)
    assert audience.totals(0, 70).arrivals == 0


def test_somebody_who_is_hidden_for_a_moment_stays_one_visitor() -> None:
    audience, _ = watched(lambda t_s: [] if 4 <= t_s < 6.5 else [looking()], 10)
    totals = audience.totals(0, 30)
    assert (totals.arrivals, totals.departures) == (1, 1)
    assert totals.present_s == pytest.approx(10, abs=0.1), "hidden is not gone"


def test_who_comes_back_after_a_while_is_a_visitor_anew() -> None:
    audience, _ = watched(lambda t_s: [] if 4 <= t_s < 9 else [looking()], 14)
    assert audience.totals(0, 30).arrivals == 2


def test_three_who_come_and_go_are_counted_now_and_second_by_second() -> None:
    stays = {"a": (1.2, 20.5), "b": (5.3, 12.1), "c": (6.7, 30.4)}
    settings = StateSettings(driver=False)
    people = People(settings, rng=random.Random(3))
    now = {}
    for t_s in times(40, FPS):
        people.update(seen(t_s, *(looking(track=name) for name, span in stays.items() if within(t_s, [span]))))
        audience = people.audience()
        assert audience is not None
        assert audience.state is not None
        now[round(t_s, 3)] = audience.state.present
    assert (now[0.0], now[3.0], now[10.0], now[19.0], now[29.0], now[39.0]) == (0, 1, 3, 2, 1, 0)
    assert audience is not None
    for second in range(36):
        there = sum(start < second <= end for start, end in stays.values())
        assert audience.totals(second, second + 1).present_at_start == there, second
    assert audience.totals(0, 36).peak_present == 3


def test_the_source_ends_all_visits_and_more_frames_begin_anew() -> None:
    people = People(StateSettings(driver=False, visitors=VisitorSettings(events=("left",))), rng=random.Random(3))
    for t_s in times(5, FPS):
        people.update(seen(t_s, looking()))
    first = people.audience()
    assert [change.kind for change in people.end_audience()] == ["left"]
    assert people.end_audience() == []
    for t_s in times(9, FPS, from_s=6):
        people.update(seen(t_s, looking()))
    second = people.audience()
    assert first is not None
    assert second is not None
    assert first is not second
    assert (first.totals(0, 20).departures, second.totals(0, 20).arrivals) == (1, 1)


def test_hours_without_a_frame_leave_no_visit_in_the_wrong_hour() -> None:
    people = People(StateSettings(driver=False), rng=random.Random(3))
    for t_s in [*times(5, FPS), *times(9000 + 5, FPS, from_s=9000)]:
        people.update(seen(t_s, looking()))
    audience = people.audience()
    assert audience is not None
    totals = audience.totals(8990, 9010)
    assert (totals.arrivals, totals.departures) == (1, 0)
    assert totals.observed_s == pytest.approx(5, abs=0.1), "nobody saw what happened between"
    assert totals.dwell_s == 0


# Attention


def attentive_s(where: Callable[[float], tuple[float, float] | None], until_s: float = 12, **visitors: Any) -> float:
    """How much attention a head paid that points to ``where`` (None: unknown pose) all the while."""

    def scene(t_s: float) -> list[Face]:
        direction = where(t_s)
        return [looking(pitch_deg=None) if direction is None else looking(*direction)]

    return watched(scene, until_s, **visitors)[0].totals(0, 60).attentive_s


def test_a_head_within_the_cone_pays_attention_and_one_beside_it_does_not() -> None:
    assert attentive_s(lambda _: (20.0, 0.0)) == pytest.approx(12, abs=0.1)
    assert attentive_s(lambda _: (0.0, -20.0)) == pytest.approx(12, abs=0.1)
    assert attentive_s(lambda _: (31.0, 0.0)) == 0
    assert attentive_s(lambda _: (-25.0, 20.0)) == 0, "the cone is round, not a box"


def test_the_screen_may_stand_beside_the_camera() -> None:
    beside: dict[str, Any] = {"centre_yaw_deg": 40.0, "centre_pitch_deg": -10.0}
    assert attentive_s(lambda _: (45.0, -5.0), **beside) == pytest.approx(12, abs=0.1)
    assert attentive_s(lambda _: (0.0, 0.0), **beside) == 0


def test_a_head_whose_pose_is_not_known_pays_no_attention() -> None:
    assert attentive_s(lambda _: None) == 0
    paid = attentive_s(lambda t_s: (0.0, 0.0) if t_s < 5 else None)
    assert paid == pytest.approx(5, abs=0.1), "it ends when it was last known"


def test_a_head_at_the_cones_edge_does_not_flicker() -> None:
    def edge(t_s: float) -> tuple[float, float]:
        return (29.0 if int(t_s * 2) % 2 else 34.0), 0.0

    _, changes = watched(lambda t_s: [looking(*edge(t_s))], 20, events=("attention",))
    assert [change.phase for change in changes] == [Phase.START, Phase.END]
    hasty: dict[str, Any] = {"margin_deg": 0, "glance_s": 0.2, "attend_s": 0.2}
    _, changes = watched(lambda t_s: [looking(*edge(t_s))], 20, events=("attention",), **hasty)
    assert len(changes) > 10, "without the margin"


def test_a_glance_away_ends_nothing_and_a_longer_look_ends_it_when_it_began() -> None:
    def glances(t_s: float) -> tuple[float, float]:
        return (60.0 if 4 <= t_s < 4.4 or 8 <= t_s < 10 else 0.0), 0.0

    assert attentive_s(glances) == pytest.approx(8 + 2, abs=0.2)


def test_a_look_in_passing_is_no_attention() -> None:
    assert attentive_s(lambda t_s: (0.0 if t_s % 3 < 0.4 else 60.0, 0.0)) == 0


def test_attention_counts_from_its_start_once_it_is_known() -> None:
    audience, changes = watched(
        lambda t_s: [looking(0.0 if 3 <= t_s < 7 else 60.0)], 12, attend_s=1.5, events=("attention",)
    )
    assert audience.totals(3, 4).attentive_s == pytest.approx(1, abs=0.1)
    assert audience.totals(3, 4).attracted == 1
    start, end = changes
    assert start.started_s == pytest.approx(3, abs=0.1)
    assert start.t_s == pytest.approx(4.5, abs=0.1)
    assert end.ended_s == pytest.approx(7, abs=0.1)


def test_expressions_are_shares_of_the_attentive_time() -> None:
    def scene(t_s: float) -> list[Face]:
        shows = "happiness" if t_s < 10 else "neutral" if t_s < 15 else None
        return [looking(0.0 if t_s < 20 else 60.0, shows=shows), looking(60.0, track="b", shows="anger")]

    audience, _ = watched(scene, 30)
    shown = audience.totals(0, 40).expressions
    assert shown["happiness"] == pytest.approx(10, abs=1)
    assert shown["neutral"] == pytest.approx(5 + 1, abs=1), "an expression is believed for a second more"
    assert shown["anger"] == 0, "the one who looks away"
    assert audience.totals(0, 40).attentive_s == pytest.approx(20, abs=0.1)


def test_a_face_whose_turn_comes_only_now_and_then_pays_attention_all_the_while() -> None:
    def paid(*, told: bool) -> float:
        """Seconds of attention of a face that is read every 0.8 s; told: that it waits its turn in between."""
        people = People(StateSettings(driver=False), rng=random.Random(3))
        for k, t_s in enumerate(times(24, 10)):
            waits = (Unread("a", PLACE, t_s),) if told and k % 8 else ()
            people.update(replace(seen(t_s, *([] if k % 8 else [looking()])), unread=waits))
        people.finish()
        audience = people.audience()
        assert audience is not None
        return audience.totals(0, 30).attentive_s

    assert paid(told=True) == pytest.approx(24, abs=0.1)
    assert paid(told=False) == 0


# What is told of a single visit


def test_nothing_is_told_of_single_visits_unless_the_configuration_allows_it() -> None:
    def scene(t_s: float) -> list[Face]:
        return [looking(shows="happiness")] if t_s < 8 else []

    assert watched(scene, 20)[1] == []
    told = watched(scene, 20, events=("arrived", "left", "attention", "smile"))[1]
    assert [(change.kind, change.phase.value) for change in told] == [
        ("arrived", "start"),
        ("smile", "start"),
        ("attention", "start"),
        ("attention", "end"),
        ("smile", "end"),
        ("left", "end"),
    ]
    assert {kind for change in watched(scene, 20, events=("left",))[1] for kind in [change.kind]} == {"left"}


def test_what_is_told_of_a_visit_names_no_track() -> None:
    every = ("arrived", "left", "attention", "smile")
    _, told = watched(lambda _: [looking(shows="happiness", track="the-track")], 8, events=every)
    assert len(told) == 6
    assert all(change.track_id is None and "the-track" not in str(change) for change in told)
    arrived, left = (next(change for change in told if change.kind == kind) for kind in ("arrived", "left"))
    assert arrived.episode_id == left.episode_id
    assert left.measures["dwell_s"] == pytest.approx(8, abs=0.1)
    assert left.measures["attention_s"] == pytest.approx(8, abs=0.1)


def test_expressions_serve_the_totals_where_they_are_not_told_by_face() -> None:
    people = People(StateSettings(driver=False, expressions=False), rng=random.Random(3))
    changes = []
    for t_s in times(6, FPS):
        changes += people.update(seen(t_s, looking(shows="happiness")))
    audience = people.audience()
    assert audience is not None
    assert audience.totals(0, 6).expressions["happiness"] > 4
    assert changes == []
    assert people.expressions() == []


def test_the_audience_is_not_counted_where_that_is_off() -> None:
    people = People(StateSettings(audience=False), rng=random.Random(3))
    people.update(seen(0.0, looking()))
    assert people.audience() is None


def test_other_rules_for_visitors_end_the_visits_and_leave_the_driver_alone() -> None:
    people = People(StateSettings(visitors=VisitorSettings(events=("left",))), rng=random.Random(3))
    for t_s in times(5, FPS):
        people.update(seen(t_s, looking()))
    changes = people.adopt(StateSettings(visitors=VisitorSettings(gone_s=9)))
    assert [change.kind for change in changes] == ["left"]
    driver = people.driver()
    assert driver is not None
    assert driver.present


@pytest.mark.parametrize("fps", [5, 15, 30])
def test_a_crowds_figures_do_not_depend_on_the_frame_rate(fps: float) -> None:
    def scene(t_s: float) -> list[Face]:
        return [looking(60.0 if t_s % 10 < 3 else 0.0)] if 3 <= t_s < 43 else []

    totals = watched(scene, 60, fps=fps)[0].totals(0, 70)
    assert totals.dwell_s == pytest.approx(40, abs=2 / fps)
    assert totals.attentive_s == pytest.approx(28, abs=8 / fps)


def test_crowds_of_known_truth_are_counted() -> None:
    found = [figures(crowd(seed, 3, 90, 8)) for seed in (1, 2)]
    visits, seconds = sum(one.visits for one in found), sum(one.seconds for one in found)
    assert visits >= 15
    assert sum(one.exact for one in found) >= 0.95 * seconds
    assert sum(one.dwell_share * one.visits for one in found) >= 0.9 * visits
