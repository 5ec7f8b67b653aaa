"""What a puppet does and when: the script is the truth that a reading of the clip is held against."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

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
LEAN_S = 0.8
TROUBLE_S = 0.3

#: What comes between the camera and the eyes: a hand over the whole face or over mouth and nose, sun on one half of
#: the picture, darkness with the camera's noise, a picture out of focus, a covered lens.
Trouble = Literal["hand", "hand on mouth", "sun", "dark", "blur", "covered"]

Glasses = Literal["rimless", "rimmed", "dark"]


@dataclass(frozen=True, slots=True)
class Person:
    """Whose face the puppet has; all ones is the portrait's own.

    eyes: how far the open eyes are open. width: the face's. nose: the height from the eyes to the nose's base.
    tone: factors of blue, green and red. glasses: none, with or without rims, or sunglasses.
    """

    eyes: float = 1.0
    width: float = 1.0
    nose: float = 1.0
    tone: tuple[float, float, float] = (1.0, 1.0, 1.0)
    glasses: Glasses | None = None


@dataclass(frozen=True, slots=True)
class Pose:
    """What the picture shows at one moment.

    openness: of the eyes, 0 closed to 1 the person's own open eye; a pair is (right, left), the person's own.
    mouth: 0 as in the portrait (a smile) to 1, a yawn. yaw_deg: positive toward the picture's right edge;
    believable up to 35 either way. pitch_deg: positive up; believable from -25 to 15. visible: 1 in place, 0 out of
    the picture. zoom: the face's size over its usual. aside: how far it is from its usual place, as a share of the
    picture's width, positive toward the right edge. troubles: each with how far it has come, 0..1. grain: which of
    the camera's patterns of noise the picture has, where it has any.
    """

    openness: float | tuple[float, float] = 1.0
    mouth: float = 0.0
    yaw_deg: float = 0.0
    visible: float = 1.0
    pitch_deg: float = 0.0
    zoom: float = 1.0
    aside: float = 0.0
    troubles: tuple[tuple[Trouble, float], ...] = ()
    grain: int = 0
    person: Person = Person()


@dataclass(frozen=True, slots=True)
class Truth:
    """What happens in a clip, in seconds from its first frame, as (start, end).

    blinks and closures: openness below CLOSED_BELOW. yawns: mouth more than half open. turns: (start, end,
    yaw_deg), the head more than half way there; nods: likewise with pitch_deg. absences: the head more than half out
    of the picture. troubles: (start, end, what), more than half there. swaps: from when on somebody else sits there.
    """

    duration_s: float
    blinks: tuple[Interval, ...]
    closures: tuple[Interval, ...]
    yawns: tuple[Interval, ...]
    turns: tuple[tuple[float, float, float], ...]
    absences: tuple[Interval, ...]
    nods: tuple[tuple[float, float, float], ...] = ()
    troubles: tuple[tuple[float, float, Trouble], ...] = ()
    swaps: tuple[float, ...] = ()

    def closed_at(self, t_s: float) -> bool:
        """Whether the eyes are closed at ``t_s``, in a blink or longer."""
        return any(start <= t_s < end for start, end in (*self.blinks, *self.closures))

    def perclos(self, t_s: float, window_s: float) -> float:
        """The share of the ``window_s`` before ``t_s`` with eyes closed; blinks do not count."""
        spans = (min(end, t_s) - max(start, t_s - window_s) for start, end in self.closures)
        return sum(max(span, 0.0) for span in spans) / window_s


@dataclass(frozen=True, slots=True)
class Script:
    """What the puppet is to do, in seconds; the times are those of Truth, movements begin a little before.

    blinks: starts, each closed for BLINK_S, or (start, end). closures, yawns, absences: (start, end). turns: (start,
    end, yaw_deg). nods: (start, end, pitch_deg), negative down. lowered: (start, end, openness), lids that follow a
    look down. leans: (start, end, zoom, aside). troubles: (start, end, what). person: who sits there first; swaps:
    (when, who) from one frame to the next.

    Raises:
        ValueError: where an interval ends before the movement into it is done, or lies outside the clip.
    """

    duration_s: float
    blinks: tuple[float | Interval, ...] = ()
    closures: tuple[Interval, ...] = ()
    yawns: tuple[Interval, ...] = ()
    turns: tuple[tuple[float, float, float], ...] = ()
    absences: tuple[Interval, ...] = ()
    nods: tuple[tuple[float, float, float], ...] = ()
    lowered: tuple[tuple[float, float, float], ...] = ()
    leans: tuple[tuple[float, float, float, float], ...] = ()
    troubles: tuple[tuple[float, float, Trouble], ...] = ()
    person: Person = Person()
    swaps: tuple[tuple[float, Person], ...] = ()

    def __post_init__(self) -> None:
        truth = self.truth()
        for moves, motion in (
            ((*truth.blinks, *truth.closures, *self.lowered), _LIDS),
            (truth.yawns, _JAW),
            ((*truth.turns, *truth.nods), _NECK),
            (truth.absences, _SLIDE),
            (self.leans, _LEAN),
            (truth.troubles, _TROUBLE),
        ):
            for start, end, *_ in moves:
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
            closures=self.closures,
            yawns=self.yawns,
            turns=self.turns,
            absences=self.absences,
            nods=self.nods,
            troubles=self.troubles,
            swaps=tuple(when for when, _ in self.swaps),
        )

    def pose(self, t_s: float) -> Pose:
        """What the picture shows at ``t_s``."""
        truth = self.truth()
        closed = max((_LIDS.at(t_s, *move) for move in (*truth.blinks, *truth.closures)), default=0.0)
        lowered = max(((1.0 - to) * _LIDS.at(t_s, start, end) for start, end, to in self.lowered), default=0.0)
        gone = max((_SLIDE.at(t_s, *move) for move in truth.absences), default=0.0)
        leans = [(zoom, aside, _LEAN.at(t_s, start, end)) for start, end, zoom, aside in self.leans]
        troubles = tuple((what, _TROUBLE.at(t_s, start, end)) for start, end, what in truth.troubles)
        troubles = tuple((what, share) for what, share in troubles if share > 0.0)
        people = [self.person, *(who for when, who in self.swaps if when <= t_s)]
        return Pose(
            openness=1.0 - max(closed, lowered),
            mouth=max((_JAW.at(t_s, *move) for move in truth.yawns), default=0.0),
            yaw_deg=sum(yaw * _NECK.at(t_s, start, end) for start, end, yaw in truth.turns),
            visible=1.0 - gone,
            pitch_deg=sum(pitch * _NECK.at(t_s, start, end) for start, end, pitch in truth.nods),
            zoom=math.prod(1.0 + (zoom - 1.0) * share for zoom, _, share in leans),
            aside=sum(aside * share for _, aside, share in leans),
            troubles=troubles,
            grain=round(t_s * 1000) if troubles else 0,
            person=people[-1],
        )


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
_LEAN = _Motion(LEAN_S, LEAN_S, 0.5)
_TROUBLE = _Motion(TROUBLE_S, TROUBLE_S, 0.5)

#: Somebody else, with a broader face, a shorter nose and narrower eyes.
STRANGER = Person(eyes=0.7, width=1.12, nose=0.88, tone=(0.82, 0.9, 0.96))

#: A tired driver in 17 seconds: blinks, a sleep of 4.5 s (microsleep 1.5 s and sleep 3 s after its start), a
#: glance aside, a blink.
DEMO = Script(
    duration_s=17.0,
    blinks=((1.0, 1.15), (2.4, 2.6), (4.1, 4.35), 14.6),
    closures=((6.0, 10.5),),
    turns=((12.0, 13.2, 15.0),),
)
