"""Made-up observations: what vision would have read of people whose behaviour is known exactly."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from edge.state.people import People
from edge.state.settings import StateSettings
from edge.state.types import UNKNOWN_VEHICLE, Episode, Phase, Vehicle
from edge.vision.types import EXPRESSIONS, Box, Eye, EyeSource, Face, HeadPose, Observation

LANDMARKS = np.zeros((468, 3), np.float32)
CONTOUR = np.zeros((71, 3), np.float32)
IRIS = np.zeros((5, 3), np.float32)
PLACE = Box(200, 100, 160, 200)

#: Stretches of time (from, to), in seconds.
Spans = Sequence[tuple[float, float]]


def eye(ratio: float | None, confidence: float = 1.0, blink: float | None = None) -> Eye:
    return Eye(CONTOUR, IRIS, ratio, confidence=confidence, blink=blink)


def face(
    right: float | None = 0.33,
    left: float | None = 0.33,
    *,
    track_id: str = "driver",
    box: Box = PLACE,
    pitch_deg: float | None = None,
    yaw_deg: float = 0.0,
    expression: str | None = None,
    probability: float = 0.9,
    mouth: float | None = None,
    proportions: tuple[float, ...] | None = None,
) -> Face:
    """A face with these eye aspect ratios (None: not readable) and one expression standing out."""
    probabilities = None
    if expression is not None:
        probabilities = np.full(7, (1 - probability) / 6, np.float32)
        probabilities[EXPRESSIONS.index(expression)] = probability
    return Face(
        box=box,
        score=0.99,
        landmarks=LANDMARKS,
        track_id=track_id,
        right_eye=eye(right),
        left_eye=eye(left),
        pose=None if pitch_deg is None else HeadPose(yaw_deg, pitch_deg, 0.0),
        expression=probabilities,
        mouth_opening=mouth,
        proportions=proportions,
    )


def seen(t_s: float, *faces: Face, source: EyeSource = "iris") -> Observation:
    return Observation(
        t_s=t_s, wall_time=1.8e9 + t_s, seq=0, camera="main", size=(640, 480), faces=faces, eye_source=source
    )


def times(until_s: float, fps: float, from_s: float = 0.0) -> list[float]:
    return [from_s + k / fps for k in range(int((until_s - from_s) * fps) + 1)]


def within(t_s: float, spans: Spans) -> bool:
    return any(start <= t_s < end for start, end in spans)


def people(settings: StateSettings | None = None, seed: int = 7) -> People:
    return People(settings or StateSettings(), rng=random.Random(seed))


def play(watch: People, observations: Iterable[Observation], *, finish: bool = False) -> list[Episode]:
    changes = []
    t_s = 0.0
    for observation in observations:
        changes += watch.update(observation)
        t_s = observation.t_s
    return changes + (watch.finish(t_s) if finish else [])


def drive(
    at: Iterable[float], closed: Spans, *, unknown: Spans = (), open_ratio: float = 0.33, closed_ratio: float = 0.07
) -> list[Observation]:
    """A driver whose eyes are shut in ``closed`` and can't be read in ``unknown``."""

    def ratio(t_s: float) -> float | None:
        if within(t_s, unknown):
            return None
        return closed_ratio if within(t_s, closed) else open_ratio

    return [seen(t_s, face(ratio(t_s), ratio(t_s))) for t_s in at]


def starts(changes: Iterable[Episode], kind: str) -> list[Episode]:
    return [change for change in changes if change.kind == kind and change.phase is Phase.START]


def ends(changes: Iterable[Episode], kind: str) -> list[Episode]:
    return [change for change in changes if change.kind == kind and change.phase is Phase.END]


def ragged(until_s: float, fps: float, seed: int) -> list[float]:
    """A camera's real times: 10 % jitter, and one frame in twelve dropped, never two in a row."""
    rng = random.Random(seed)
    at, dropped = [0.0], False
    for t_s in times(until_s, fps)[1:]:
        dropped = not dropped and rng.random() < 1 / 12
        if not dropped:
            at.append(t_s + rng.uniform(-0.1, 0.1) / fps)
    return at


def lids(t_s: float, closed: Spans, open_ratio: float = 0.33, closed_ratio: float = 0.07) -> float:
    """The eye aspect ratio of lids that take 0.08 s to fall and 0.15 s to rise, as real ones do.

    They fall below 20 % of their own open eye at the start of a span and rise above 35 % at its end, the rules' limits.
    """
    openness = 1.0
    for start_s, end_s in closed:
        falls = 0.2 - (t_s - start_s) / 0.08
        rises = 0.35 + (t_s - end_s) / 0.15
        openness = min(openness, max(falls, rises, 0.0))
    return closed_ratio + (open_ratio - closed_ratio) * openness


def blinking(at: Iterable[float], closed: Spans, *, unknown: Spans = ()) -> list[Observation]:
    """A driver whose lids move as real ones do, shut in ``closed``, and who can't be read in ``unknown``."""
    return [
        seen(t_s, face(None, None) if within(t_s, unknown) else face(lids(t_s, closed), lids(t_s, closed)))
        for t_s in at
    ]


def expressing(at: Iterable[float], what: Callable[[float], str | None], probability: float = 0.9) -> list[Observation]:
    return [seen(t_s, face(expression=what(t_s), probability=probability)) for t_s in at]


def ride(
    watch: People,
    observations: Iterable[Observation],
    vehicle: Callable[[float], Vehicle] = lambda _t_s: UNKNOWN_VEHICLE,
) -> list[Episode]:
    """As ``play``, in a vehicle that tells of itself."""
    return [change for o in observations for change in watch.update(o, vehicle(o.t_s))]


def heading(at: Iterable[float], where: Callable[[float], tuple[float, float] | None]) -> list[Observation]:
    """A driver with open eyes whose head points to ``where`` (yaw, pitch in degrees); None: no face."""
    clip = []
    for t_s in at:
        direction = where(t_s)
        clip.append(seen(t_s, *([] if direction is None else [face(yaw_deg=direction[0], pitch_deg=direction[1])])))
    return clip
