"""Half an hour of ordinary driving, in which nothing must alarm."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from edge.state.types import Episode, Severity
from edge.vision.types import Eye, EyeTrouble, Face, HeadPose, Observation, Quality
from tests.state.scenes import CONTOUR, IRIS, LANDMARKS, PLACE, people

#: Noise of a reading of a face held still, as measured on real clips.
RATIO_NOISE = 0.015
POSE_NOISE_DEG = 1.5
DAY = Quality(brightness=120, sharpness=300, frame_brightness=110, frame_contrast=60)


@dataclass(frozen=True, slots=True)
class Moment:
    """What a driver does for a while: the head's way there and back takes 0.25 s each, within the time."""

    start_s: float
    end_s: float
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    eyes: float = 1.0  # how far open
    sight: str = "clear"  # clear, no face, no eyes, sun
    mouth: float = 0.02


def moments(rng: random.Random, until_s: float) -> Iterator[Moment]:
    """Now this, now that: glances into mirrors and at the instruments, talk, a hand, the sun, a lost face."""
    t_s = 4.0
    while t_s < until_s:
        what = rng.choices(
            ["mirror", "inner mirror", "dashboard", "talk", "smile", "hand", "sun", "lost"], [6, 4, 5, 4, 2, 2, 1, 1]
        )[0]
        if what == "mirror":
            lasts = rng.uniform(0.7, 1.9)
            yield Moment(t_s, t_s + lasts, yaw_deg=rng.choice([-1, 1]) * rng.uniform(25, 50), pitch_deg=-5)
        elif what == "inner mirror":
            lasts = rng.uniform(0.5, 1.5)
            yield Moment(t_s, t_s + lasts, yaw_deg=rng.uniform(15, 30), pitch_deg=8)
        elif what == "dashboard":
            lasts = rng.uniform(0.8, 1.2)
            yield Moment(t_s, t_s + lasts, pitch_deg=-rng.uniform(10, 22), eyes=rng.uniform(0.5, 0.8))
        elif what == "talk":
            lasts = rng.uniform(2, 8)
            yield Moment(t_s, t_s + lasts, pitch_deg=rng.uniform(-4, 3), mouth=rng.uniform(0.1, 0.4))
        elif what == "smile":
            lasts = rng.uniform(1, 4)
            yield Moment(t_s, t_s + lasts, eyes=rng.uniform(0.55, 0.75), mouth=0.12)
        elif what == "hand":
            lasts = 2.0
            yield Moment(t_s, t_s + lasts, sight=rng.choice(["no face", "no eyes"]))
        elif what == "sun":
            lasts = rng.uniform(8, 20)
            yield Moment(t_s, t_s + lasts, sight="sun")
        else:
            lasts = 1.0
            yield Moment(t_s, t_s + lasts, sight="no face")
        t_s += lasts + rng.uniform(1.5, 5.0)


def blinks(rng: random.Random, until_s: float) -> Iterator[tuple[float, float]]:
    """When lids fall, and how long they are shut."""
    t_s = 1.0
    while t_s < until_s:
        yield t_s, rng.uniform(0.1, 0.35)
        t_s += max(rng.gauss(3.5, 1.5), 0.8)


def ride(seed: int, fps: float, until_s: float) -> Iterator[Observation]:
    """The drive as vision reads it."""
    rng = random.Random(seed)
    todo, shut = moments(rng, until_s), blinks(random.Random(seed + 1), until_s)
    now, (blink_s, blink_lasts) = next(todo), next(shut)
    tilt_yaw, tilt_pitch = rng.uniform(-15, 15), rng.uniform(-12, 5)
    open_ratio = rng.uniform(0.26, 0.36)
    k, t_s, sunlit = 0, 0.0, True
    while t_s < until_s:
        while t_s > now.end_s:
            now = next(todo, Moment(until_s, until_s + 1))
        while t_s > blink_s + blink_lasts:
            blink_s, blink_lasts = next(shut, (until_s, 1.0))
        way = min((t_s - now.start_s) / 0.25, (now.end_s - t_s) / 0.25, 1.0) if t_s >= now.start_s else 0.0
        doing = now if t_s >= now.start_s else Moment(t_s, t_s)
        openness = 0.0 if blink_s <= t_s else 1 - way * (1 - now.eyes)
        if rng.random() < 1 / (0.3 * fps):
            sunlit = rng.random() < 0.5
        blind = doing.sight in ("no face", "no eyes") or (doing.sight == "sun" and sunlit)
        faces: tuple[Face, ...] = ()
        if doing.sight != "no face":
            yaw = tilt_yaw + way * now.yaw_deg + rng.gauss(0, POSE_NOISE_DEG)
            pitch = tilt_pitch + way * now.pitch_deg + rng.gauss(0, POSE_NOISE_DEG)
            ratio = 0.07 + (open_ratio - 0.07) * openness
            right = _eye(None if blind or yaw < -35 else ratio + rng.gauss(0, RATIO_NOISE), blind, yaw < -35)
            left = _eye(None if blind or yaw > 35 else ratio + rng.gauss(0, RATIO_NOISE), blind, yaw > 35)
            mouth = abs(rng.gauss(doing.mouth, doing.mouth / 2))
            faces = (Face(PLACE, 0.99, LANDMARKS, "driver", right, left, mouth, HeadPose(yaw, pitch, 0.0)),)
        yield Observation(t_s, 1.8e9 + t_s, k, "main", (640, 480), faces, DAY)
        k += 1
        t_s = (k + rng.uniform(-0.1, 0.1)) / fps


def _eye(ratio: float | None, blind: bool, turned: bool) -> Eye:
    trouble: EyeTrouble | None = "dark" if blind else "turned" if turned else None
    return Eye(CONTOUR, IRIS, ratio, 1.0 if ratio is not None else 0.0, trouble)


@pytest.mark.parametrize(("seed", "fps", "minutes"), [(1, 10, 30), (3, 30, 4)])
def test_normal_driving_alarms_nobody(seed: int, fps: int, minutes: int) -> None:
    """Without a speed, where the limits are the strictest."""
    watch = people()
    changes: list[Episode] = []
    attentive: list[bool | None] = []
    for observation in ride(seed, fps, 60.0 * minutes):
        changes += watch.update(observation)
        state = watch.driver() if observation.seq % (5 * fps) == 0 else None
        if state is not None:
            attentive.append(state.attentive)
    alarms = [change for change in changes if change.severity is not Severity.INFO]
    assert [(change.kind, change.phase, round(change.t_s, 1), dict(change.measures)) for change in alarms] == []
    # Nor was it so quiet because nothing could be read.
    assert attentive.count(True) > 0.6 * len(attentive)
    assert False in attentive
