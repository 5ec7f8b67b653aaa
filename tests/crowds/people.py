"""People before a screen: where each walks, where they look and when they smile, all known beforehand.

The world is a plane seen from the screen: metres across (x, positive to the picture's right), metres away (z). A
camera on the screen looks straight into it. Whoever stands has chosen a place with nobody in the line of sight, as one
does who wants to see the screen; whoever walks covers those behind and is covered by those in front.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

Interval = tuple[float, float]
#: (seconds, value), in order; straight in between.
Curve = Sequence[tuple[float, float]]

WIDTH, HEIGHT = 1280, 720
#: Pixels; a horizontal field of view of 60°.
FOCAL = WIDTH / 2 / float(np.tan(np.deg2rad(30)))
#: A face's width as the mesh's box has it.
FACE_M = 0.15
#: How far a looking head is turned at most, and a straying one at least: none stays in between.
LOOKING_DEG, STRAYING_DEG = 8.0, 38.0
#: How long a head takes to turn, and somebody to stop or to get going.
TURN_S, STEP_S = 0.4, 0.5
#: Faces of two who stand are at least so far apart, in widths of the wider one.
ELBOW_ROOM = 1.25
#: Of those who come, so many stay; the others walk past.
STAYING = 0.75
_AROUND = np.linspace(-0.5, 0.5, 9)


@dataclass(frozen=True, slots=True)
class Visit:
    """One person from out of the picture into it and out again.

    number: unlike any other's. x, z: metres. yaw: degrees, as ``HeadPose`` has it. up_m: how far the face is above the
    camera. shape: how much broader than usual the face is at the temples, and its height over the usual. sway: the
    phase of a standing body's sway, radians. looks, smiles: (start, end), seconds.
    """

    number: int
    x: Curve
    z: Curve
    yaw: Curve
    up_m: float
    shape: tuple[float, float]
    sway: float
    looks: tuple[Interval, ...]
    smiles: tuple[Interval, ...]

    @property
    def span_s(self) -> Interval:
        """From the first step to the last."""
        return self.x[0][0], self.x[-1][0]

    def place(self, t_s: float) -> tuple[float, float, float]:
        """The face's centre in pixels, and its width were it turned to the camera."""
        z, x = smooth(self.z, t_s), smooth(self.x, t_s)
        x += 0.015 * float(np.sin(1.7 * t_s + self.sway))
        up = self.up_m + 0.01 * float(np.sin(6.0 * t_s + self.sway))
        return WIDTH / 2 + FOCAL * x / z, HEIGHT / 2 - FOCAL * up / z, FOCAL * FACE_M / z


def value(curve: Curve, t_s: float) -> float:
    """A curve's value at a time; before and after it as at its ends."""
    times, values = zip(*curve, strict=True)
    return float(np.interp(t_s, times, values))


def smooth(curve: Curve, t_s: float) -> float:
    """A curve's mean over ``STEP_S`` around a time: whoever walks neither starts nor stops at once."""
    times, values = zip(*curve, strict=True)
    return float(np.interp(t_s + STEP_S * _AROUND, times, values).mean())


def within(intervals: Sequence[Interval], t_s: float) -> bool:
    """Whether a time lies in one of these."""
    return any(since <= t_s < until for since, until in intervals)


def visits(rng: Random, people: int, seconds: float, stay_s: Interval, far_m: float = 4.0) -> list[Visit]:
    """Who comes within so many seconds, at most ``people`` at once, none farther away than ``far_m``.

    stay_s: how long those stand who stay.
    """
    coming: list[Visit] = []
    places: list[_Place] = []
    for _ in range(people):
        t_s = rng.uniform(0.0, 6.0)
        while t_s < seconds:
            stays = rng.random() < STAYING
            number = len(coming)
            visit: Visit | None
            if stays:
                visit = _stay(rng, number, t_s, rng.uniform(*stay_s), far_m, places)
            else:
                visit = _pass(rng, number, t_s, far_m)
            if visit is not None:
                coming.append(visit)
                t_s = visit.span_s[1]
            t_s += rng.uniform(1.0, 6.0)
    return coming


@dataclass(frozen=True, slots=True)
class _Place:
    """Where somebody stands and when: pixels, seconds."""

    x: float
    width: float
    since_s: float
    until_s: float

    def free_for(self, other: _Place) -> bool:
        apart = abs(self.x - other.x) > ELBOW_ROOM * max(self.width, other.width)
        return apart or other.since_s > self.until_s or other.until_s < self.since_s


def _pass(rng: Random, number: int, t_s: float, far_m: float) -> Visit:
    """Somebody who walks across, before the others or behind them, with at most a glance at the screen."""
    side, z = rng.choice((-1, 1)), rng.choice((rng.uniform(0.9, 1.3), rng.uniform(0.55 * far_m, far_m)))
    wide = _half_view(z)
    end_s = t_s + 2 * wide / rng.uniform(0.8, 1.5)
    ahead = -side * rng.uniform(STRAYING_DEG, 58.0)
    yaw, looks = [(t_s, ahead)], []
    if end_s - t_s > 3.0 and rng.random() < 0.5:
        since_s = rng.uniform(t_s + 0.5, end_s - 2.0)
        looks.append((since_s, since_s + 1.0))
        yaw += [(since_s - TURN_S, ahead), (since_s, 0.0), (since_s + 1.0, 0.0), (since_s + 1.0 + TURN_S, ahead)]
    x = [(t_s, side * wide), (end_s, -side * wide)]
    return _visit(rng, number, (x, [(t_s, z)], yaw), looks)


def _stay(rng: Random, number: int, t_s: float, stay_s: float, far_m: float, places: list[_Place]) -> Visit | None:
    """Somebody who comes, stands, looks and looks elsewhere, and goes; None where no place is free."""
    side, leaving = rng.choice((-1, 1)), rng.choice((-1, 1))
    speed = rng.uniform(0.6, 1.2)
    for _ in range(40):
        z = rng.uniform(1.2, far_m)
        x = rng.uniform(-0.85, 0.85) * z * WIDTH / 2 / FOCAL
        from_z, to_z = z + rng.uniform(0.0, 0.8), z + rng.uniform(0.0, 0.8)
        since_s = t_s + abs(side * _half_view(from_z) - x) / speed
        place = _Place(FOCAL * x / z, FOCAL * FACE_M / z, since_s, since_s + stay_s)
        if all(place.free_for(other) for other in places):
            break
    else:
        return None
    places.append(place)
    until_s = place.until_s
    end_s = until_s + abs(leaving * _half_view(to_z) - x) / speed
    turns, looks = _attention(rng, since_s, until_s)
    # Whoever goes looks where they go; half of them turn away altogether.
    away = leaving * rng.choice((55.0, 100.0))
    yaw = [(t_s, -side * rng.uniform(STRAYING_DEG, 58.0)), (since_s - TURN_S, turns[0][1]), *turns]
    yaw.append((until_s + TURN_S, away))
    xs = [(t_s, side * _half_view(from_z)), (since_s, x), (until_s, x), (end_s, leaving * _half_view(to_z))]
    zs = [(t_s, from_z), (since_s, z), (until_s, z), (end_s, to_z)]
    return _visit(rng, number, (xs, zs, yaw), [(since_s - TURN_S / 2, looks[0][1]), *looks[1:]])


def _attention(rng: Random, since_s: float, until_s: float) -> tuple[list[tuple[float, float]], list[Interval]]:
    """How the head of somebody who stands turns, and when it is to the screen; at times it turns right round."""
    turns: list[tuple[float, float]] = []
    looks: list[Interval] = []
    t_s = since_s
    while True:
        ahead, end_s = rng.uniform(-LOOKING_DEG, LOOKING_DEG), t_s + rng.uniform(3.0, 12.0)
        round_ = rng.random() < 0.2
        aside_s = rng.uniform(0.3, 1.0) if round_ else rng.uniform(1.0, 4.0)
        aside = rng.choice((-1, 1)) * (100.0 if round_ else rng.uniform(STRAYING_DEG, 58.0))
        last = end_s + aside_s + 2 * TURN_S + 1.0 > until_s
        end_s = until_s if last else end_s
        turns += [(t_s, ahead), (end_s, ahead)]
        looks.append((t_s, end_s))
        if last:
            return turns, looks
        t_s = end_s + aside_s + 2 * TURN_S
        turns += [(end_s + TURN_S, aside), (t_s - TURN_S, aside)]


def _visit(rng: Random, number: int, curves: tuple[Curve, Curve, Curve], looks: list[Interval]) -> Visit:
    x, z, yaw = curves
    return Visit(
        number=number,
        x=x,
        z=z,
        yaw=yaw,
        up_m=rng.gauss(0.0, 0.07),
        shape=(rng.gauss(0.0, 0.06), rng.gauss(1.0, 0.05)),
        sway=rng.uniform(0.0, 6.28),
        looks=tuple(looks),
        smiles=tuple(
            (since, min(since + rng.uniform(1.5, 4.0), until))
            for since, until in looks
            if until - since > 2.0 and rng.random() < 0.4
        ),
    )


def _half_view(z: float) -> float:
    """How far from the middle somebody at this distance is just out of the picture, metres."""
    return z * WIDTH / 2 / FOCAL + FACE_M
