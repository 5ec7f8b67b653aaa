"""Crowds whose truth is known: who stays the same, how many there are, how long they stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from edge.vision import FaceReader, VisionSettings
from edge.vision.types import Box
from tests.crowds.crowd import Person, Truth, crowd, visits_of
from tests.crowds.film import read
from tests.crowds.people import Visit
from tests.crowds.score import Score, score


def test_a_crowd_is_the_same_again_and_says_who_is_who() -> None:
    once, again = (list(crowd(3, 4, 20.0, 10.0)) for _ in range(2))
    assert [truth for _, truth in once] == [truth for _, truth in again]
    for seen, truth in once:
        assert len(seen.faces) == len(truth.visits)
        for face, visit in zip(seen.faces, truth.visits, strict=True):
            (person,) = (person for person in truth.people if person.visit == visit)
            assert person.visible
            assert person.box.iou(face.box) > 0.6
    stays = visits_of(truth for _, truth in once)
    assert stays
    assert all(stay.seen_s <= stay.dwell_s + 0.2 for stay in stays)


def test_six_people_who_come_and_go_are_counted_and_told_apart() -> None:
    total = Score()
    for seed in range(20, 22):
        total += score(crowd(seed, 6, 60.0, 10.0))
    assert total.visits > 15
    assert total.switches_a_visit <= 0.05
    assert total.exact_share >= 0.95
    assert total.dwell_share >= 0.9


def test_the_score_notices_names_that_change() -> None:
    frames = list(crowd(1, 3, 30.0, 10.0))
    assert score(frames).switches == 0
    spoilt = [
        (replace(seen, faces=tuple(replace(face, track_id=f"{face.track_id}{at // 50}") for face in seen.faces)), truth)
        for at, (seen, truth) in enumerate(frames)
    ]
    assert score(spoilt).switches > 0


def test_a_face_that_shows_for_a_moment_only_need_not_be_seen() -> None:
    def at(t_s: float, *, visible: bool) -> Truth:
        return Truth(t_s, (Person(0, Box(0, 0, 10, 10), visible, False, False, 0.0),), ())

    truths = [at(n / 10, visible=n in (1, 4, 5, 6, 9)) for n in range(12)]
    (faultless,), (fair,) = visits_of(truths), visits_of(truths, 0.15)
    assert (faultless.began_s, faultless.ended_s) == (0.1, 0.9)
    assert (fair.began_s, fair.ended_s) == (0.4, 0.6)
    assert visits_of(truths, 0.5) == []


@pytest.fixture(scope="module")
def reader(face_models: Path) -> FaceReader:
    pytest.importorskip("skimage", reason="the portrait comes with the demo extra")
    settings = VisionSettings(expression=False, eyes=False, max_faces=12, detect_every_s=0.1, detect_tiles=2, threads=1)
    return FaceReader(settings, face_models=face_models, seed=1)


def visit(number: int, x: Sequence[tuple[float, float]], z_m: float, yaw_deg: float = 0.0) -> Visit:
    return Visit(number, x, [(0.0, z_m)], [(0.0, yaw_deg)], 0.0, (0.0, 1.0), 0.0, (), ())


def test_puppets_who_stand_stay_who_they_are_while_one_walks_by_in_front(reader: FaceReader) -> None:
    times = [at / 10 for at in range(45)]
    standing = [visit(0, [(-1.0, -0.25), (9.0, -0.25)], 1.8), visit(2, [(-1.0, 0.55), (9.0, 0.55)], 1.7)]
    walking = visit(1, [(-1.0, -1.0), (5.0, 1.0)], 1.2, yaw_deg=20.0)
    frames = list(read(reader, [*standing, walking], times))
    assert any(not person.visible for _, truth in frames for person in truth.people if person.visit != 1)
    names: dict[int, set[str]] = {}
    for seen, truth in frames:
        for face, whose in zip(seen.faces, truth.visits, strict=True):
            names.setdefault(whose, set()).add(face.track_id)
    assert set(names) == {0, 1, 2}, "nobody's face is none"
    assert all(len(of_one) == 1 for of_one in names.values())
    assert score(frames).dwells == 3


def test_a_count_that_comes_a_little_late_is_told_apart_from_one_that_is_wrong() -> None:
    frames = list(crowd(1, 6, 60.0, 10.0))

    def seen_later(late_s: float) -> Score:
        return score((replace(seen, t_s=seen.t_s + late_s), truth) for seen, truth in frames)

    at_once, soon, late = seen_later(0.0), seen_later(0.15), seen_later(1.5)
    assert at_once.exact == at_once.soon == at_once.seconds
    assert soon.exact < soon.soon == soon.seconds
    assert late.soon < late.seconds
