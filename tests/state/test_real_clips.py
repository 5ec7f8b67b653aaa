"""Real people before real cameras: each clip read once, then judged as if live."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import takewhile
from math import inf
from pathlib import Path

import pytest

from edge.camera import open_camera
from edge.camera.settings import CameraSettings
from edge.state.people import People
from edge.state.settings import StateSettings
from edge.state.types import DriverState, Episode, Severity
from edge.vision import FaceReader, VisionSettings
from edge.vision.types import Observation
from tests.state.scenes import ends, people, starts

Clip = Callable[..., list[Observation]]


@pytest.fixture(scope="session")
def clip(shared: Path, face_models: Path) -> Clip:
    """What vision reads of a real clip, every frame or one in a few, to its end or not."""
    read: dict[str, list[Observation]] = {}

    def observations(name: str, every: int = 1, until_s: float = inf) -> list[Observation]:
        if name not in read:
            path = shared / "data" / "clips" / f"{name}.mp4"
            if not path.is_file():
                pytest.skip(f"no {path}")
            settings = VisionSettings(expression=False)
            with (
                open_camera(str(path), CameraSettings(realtime=False)) as camera,
                FaceReader(settings, face_models=face_models, seed=1) as reader,
            ):
                seen = takewhile(lambda frame: frame.t_s < until_s, camera)
                read[name] = [reader.read(frame) for k, frame in enumerate(seen) if k % every == 0]
        return read[name]

    return observations


def watched(watch: People, observations: list[Observation]) -> tuple[list[Episode], list[DriverState]]:
    changes, states = [], []
    for observation in observations:
        changes += watch.update(observation)
        state = watch.driver()
        assert state is not None
        states.append(state)
    return changes, states


def again(observations: list[Observation], seconds: float) -> list[Observation]:
    """These frames over and over, ending where time 0 begins."""
    span = observations[-1].t_s - observations[0].t_s + 0.05
    rounds = int(seconds / span) + 1
    return [replace(o, t_s=o.t_s - observations[0].t_s - k * span) for k in range(rounds, 0, -1) for o in observations]


def test_a_man_looks_far_aside_and_back(clip: Clip) -> None:
    """By eye from 0.8 to 3.6 s. First he drives as in the clip's own last frames, so that the road is known."""
    look_away = clip("look-away")
    watch = people()
    watched(watch, again([o for o in look_away if o.t_s >= 4.4], 8.0))
    _, states = watched(watch, [replace(o, t_s=o.t_s + 0.01) for o in look_away])
    limit_deg = StateSettings().attention.aside_deg
    aside = [state.t_s for state in states if state.yaw_off_deg is not None and abs(state.yaw_off_deg) > limit_deg]
    assert aside[0] == pytest.approx(0.8, abs=0.3)
    assert aside[-1] == pytest.approx(3.6, abs=0.3)
    assert not any(state.attentive for state in states if 0.8 <= state.t_s <= 3.6)
    assert states[-1].attentive is True


def test_of_a_clip_that_begins_with_a_look_aside_nobody_is_called_attentive_aside(clip: Clip) -> None:
    _, states = watched(people(), clip("look-away"))
    assert not any(state.attentive for state in states if 0.8 <= state.t_s <= 3.6)


def test_a_head_that_turns_everywhere_is_not_attentive_while_it_does(clip: Clip) -> None:
    """Down at 3.4 to 3.9 s, up at 5 to 5.5, down at 7, aside at 8.6, 10.6, 12.4 and 14.2 s."""
    changes, states = watched(people(), clip("head-turns-and-nods", 2))
    away = [(3.4, 3.85), (5.0, 5.5), (6.9, 8.0), (8.6, 9.6), (10.4, 11.2), (12.2, 12.6), (13.7, 14.4)]
    assert not any(state.attentive for state in states for start, end in away if start <= state.t_s <= end)
    assert not any(state.attentive for state in states if state.sensing != "good" or state.eyes == "unknown")
    assert any(state.attentive for state in states)
    assert any(state.sensing != "good" for state in states)
    assert all(change.severity is not Severity.CRITICAL for change in changes)


def test_a_driver_seen_from_the_side_is_said_to_be_unreadable(clip: Clip) -> None:
    changes, states = watched(people(), clip("driver-side-view", 5, until_s=10.7))
    (start,) = starts(changes, "sensing_degraded")
    assert start.t_s == pytest.approx(10, abs=2)
    assert start.measures["reason"] in ("no_face", "turned_away", "dark", "occluded")
    assert {change.kind for change in changes} == {"sensing_degraded"}
    assert not any(state.attentive for state in states)
    assert states[-1].sensing != "good"
    assert states[-1].active == ("sensing_degraded",)


def test_of_a_cartoon_without_a_face_nobody_is_attentive(clip: Clip) -> None:
    """Four seconds long: the state says at once that nothing is known; played on for ten, a notice does."""
    no_face = clip("no-face")
    changes, states = watched(people(), no_face)
    assert changes == []
    assert {(state.attentive, state.sensing, state.sensing_reason) for state in states} == {(None, "lost", "no_face")}
    changes, _ = watched(people(), again(no_face, 12.0))
    (start,) = starts(changes, "sensing_degraded")
    assert start.t_s - start.started_s == pytest.approx(10, abs=0.1)


def test_a_man_closes_his_eyes_for_good_after_three_blinks(clip: Clip) -> None:
    changes, states = watched(people(), clip("eyes-close"))
    (micro,), (sleep,) = starts(changes, "microsleep"), starts(changes, "sleep")
    assert micro.t_s == pytest.approx(4.4 + 1.5, abs=0.3)
    assert sleep.t_s == pytest.approx(4.4 + 3.0, abs=0.3)
    (end,) = ends(changes, "sleep")
    assert end.ended_s == pytest.approx(8.85, abs=0.3)
    assert states[-1].blinks == 3
    assert starts(changes, "distraction") == starts(changes, "sensing_degraded") == []


def test_a_woman_with_a_brush_before_her_face_blinks_and_nothing_alarms(clip: Clip) -> None:
    changes, states = watched(people(), clip("blinks-and-occlusion"))
    assert [change for change in changes if change.severity is not Severity.INFO] == []
    assert states[-1].blinks == pytest.approx(6, abs=1)
