"""What a puppet does and when: the script is the truth that a reading of the clip is held against."""

from __future__ import annotations

import math
from dataclasses import dataclass

Interval = tuple[float, float]

#: Wierwille's P80: eyes count as closed below a fifth of their openness.
CLOSED_BELOW = 0.2
#: A lid takes about 80 ms down and twice as long up (Evinger et al. 1991).
LID_DOWN_S = 0.08
LID_UP_S = 0.15
#: How long a blink given by its start alone keeps the eyes closed.
BLINK_S = 0.2
JAW_S = 0.6
TURN_S = 0.4
SLIDE_S = 0.8


@dataclass(frozen=True, slots=True)
class Pose:
    """What the puppet looks like at one moment.

    openness: of the eyes, 0 closed to 1 as in the portrait; a pair is (right, left), the person's own.
    mouth: 0 as in the portrait (a smile) to 1, a yawn. yaw_deg: positive toward the picture's right edge;
    believable up to 25 either way. visible: 1 in place, 0 out of the picture.
    """

    openness: float | tuple[float, float] = 1.0
    mouth: float = 0.0
    yaw_deg: float = 0.0
    visible: float = 1.0


@dataclass(frozen=True, slots=True)
class Truth:
    """What happens in a clip, in seconds from its first frame, as (start, end).

    blinks and closures: openness below CLOSED_BELOW. yawns: mouth more than half open. turns: (start, end,
    yaw_deg), the head more than half way there. absences: the head more than half out of the picture.
    """

    duration_s: float
    blinks: tuple[Interval, ...]
    closures: tuple[Interval, ...]
    yawns: tuple[Interval, ...]
    turns: tuple[tuple[float, float, float], ...]
    absences: tuple[Interval, ...]

    def closed_at(self, t_s: float) -> bool:
        """Whether the eyes are closed at ``t_s``, in a blink or longer."""
        return any(start <= t_s < end for start, end in (*self.blinks, *self.closures))


@dataclass(frozen=True, slots=True)
class Script:
    """What the puppet is to do, in seconds; the times are those of Truth, movements begin a little before.

    blinks: starts, each closed for BLINK_S, or (start, end). closures, yawns, absences: (start, end).
    turns: (start, end, yaw_deg).

    Raises:
        ValueError: where an interval ends before the movement into it is done, or lies outside the clip.
    """

    duration_s: float
    blinks: tuple[float | Interval, ...] = ()
    closures: tuple[Interval, ...] = ()
    yawns: tuple[Interval, ...] = ()
    turns: tuple[tuple[float, float, float], ...] = ()
    absences: tuple[Interval, ...] = ()

    def __post_init__(self) -> None:
        truth = self.truth()
        for moves, motion in (
            ((*truth.blinks, *truth.closures), _LIDS),
            (truth.yawns, _JAW),
            (tuple((start, end) for start, end, _ in truth.turns), _NECK),
            (truth.absences, _SLIDE),
        ):
            for start, end in moves:
                if not 0 <= start < end <= self.duration_s:
                    raise ValueError(f"({start:g}, {end:g}) does not lie within 0 and {self.duration_s:g} s")
                if end - start < motion.shortest_s:
                    raise ValueError(f"({start:g}, {end:g}) is shorter than the {motion.shortest_s:.3g} s it takes")

    def truth(self) -> Truth:
        """What a perfect reader would report."""
        return Truth(
            self.duration_s,
            blinks=tuple(
                (blink, round(blink + BLINK_S, 6)) if isinstance(blink, int | float) else blink for blink in self.blinks
            ),
            closures=tuple(self.closures),
            yawns=tuple(self.yawns),
            turns=tuple(self.turns),
            absences=tuple(self.absences),
        )

    def pose(self, t_s: float) -> Pose:
        """The puppet's pose at ``t_s``."""
        truth = self.truth()
        closed = max((_LIDS.at(t_s, *move) for move in (*truth.blinks, *truth.closures)), default=0.0)
        mouth = max((_JAW.at(t_s, *move) for move in truth.yawns), default=0.0)
        yaw_deg = sum(yaw * _NECK.at(t_s, start, end) for start, end, yaw in truth.turns)
        gone = max((_SLIDE.at(t_s, *move) for move in truth.absences), default=0.0)
        return Pose(1.0 - closed, mouth, yaw_deg, 1.0 - gone)


@dataclass(frozen=True, slots=True)
class _Motion:
    """A smooth way from 0 to 1 and back that passes ``threshold`` exactly at an interval's start and end."""

    there_s: float
    back_s: float
    threshold: float

    @property
    def _share(self) -> float:
        """The share of a movement's time that is over when it passes the threshold."""
        return math.acos(1.0 - 2.0 * self.threshold) / math.pi

    @property
    def shortest_s(self) -> float:
        """The shortest interval in which the movement is completed."""
        return (1.0 - self._share) * (self.there_s + self.back_s)

    def at(self, t_s: float, start: float, end: float) -> float:
        there = (t_s - start) / self.there_s + self._share
        back = (end - t_s) / self.back_s + self._share
        return _ease(min(there, back))


def _ease(way: float) -> float:
    return 0.5 - 0.5 * math.cos(math.pi * min(max(way, 0.0), 1.0))


_LIDS = _Motion(LID_DOWN_S, LID_UP_S, 1.0 - CLOSED_BELOW)
_JAW = _Motion(JAW_S, JAW_S, 0.5)
_NECK = _Motion(TURN_S, TURN_S, 0.5)
_SLIDE = _Motion(SLIDE_S, SLIDE_S, 0.5)

#: A tired driver in 17 seconds: blinks, a sleep of 4.5 s (microsleep 1.5 s and sleep 3 s after its start), a
#: glance aside, a blink.
DEMO = Script(
    duration_s=17.0,
    blinks=((1.0, 1.15), (2.4, 2.6), (4.1, 4.35), 14.6),
    closures=((6.0, 10.5),),
    turns=((12.0, 13.2, 15.0),),
)
