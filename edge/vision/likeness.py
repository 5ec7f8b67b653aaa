"""How likely a face in this frame is one of those seen a moment ago.

All odds are minus twice the logarithm of a likelihood: they add up, and less is likelier. Place and height are
densities, for one face's height squared and a factor e; the head's turn and the face's proportions count by how much
likelier they are one person's than two people's. Figures without a source were chosen on ``python -m tests.crowds``,
on crowds other than those it prints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, hypot, log, pi

import numpy as np
from numpy.typing import NDArray

from edge.vision.geometry import PROPORTIONS, proportions
from edge.vision.motion import PLACE, SIZE, Motion, place
from edge.vision.types import Array, Box

Odds = NDArray[np.float64]

#: The density at which faces appear from nowhere; what is added to it at a side of the picture, where most come in;
#: and how far from there, in heights of the face, a third of that is left.
NEW, ENTER, ENTERED = 3e-3, 0.1, 0.7
#: Chance that a face followed from image to image is still the same one's: at a crossing it may have become another's.
FOLLOWED = 0.95
#: Degrees of freedom of Student's distribution: people start, stop and turn more abruptly than a normal one has it.
FREEDOM = 10.0
#: Chance that a face is not found: in the frame after it was, when lost for a second, and behind another.
MISSED, LOST, HIDDEN = 0.05, 0.5, 0.8
#: A face hardly stands before another of whose height it has the first share, and surely with the second.
BEHIND, BEFORE = 0.9, 1.1
#: Standard deviation of the nose's place between the temples: as read, and what a turning head adds in one second.
TURN, TURNING = 0.06, 0.8
#: Beyond this turn the mesh guesses the face's far half, and proportions say little.
PROPORTIONS_MAX_TURN = 0.35
#: Standard deviations of proportions' logarithms: of one face from frame to frame, and between people
#: (``geometry.PROPORTIONS``). Not all of them move on their own: together they count as so many.
OWN, OTHERS, INDEPENDENT = 0.038, 0.05, 3
#: How many of a face's latest proportions, about, their average rests on.
AVERAGED = 20
#: A face that comes again so soon, so near (in heights, logarithm of the height, turn) is surely the same.
SOON_S, NEAR = 0.2, 0.12

#: The mesh's points of the right temple, the left one and the nose.
_ACROSS = np.array([127, 356, 1])
_UNKNOWN = np.full(len(PROPORTIONS), np.nan, np.float32)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one face in one frame tells of whose it is.

    turn: of the nose from the middle between the temples, over half their distance: 0 ahead, positive towards the
    picture's right. proportions: logarithms of ``geometry.proportions``, None where the head is turned too far.
    followed: the track as whose face it was looked for, None for one that was found anew or where that is not known.
    new: ``newcomers``. beside: tracks whose faces were in view together with it.
    """

    box: Box
    turn: float = 0.0
    proportions: Array | None = None
    followed: str | None = None
    new: float = NEW
    beside: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        landmarks: Array,
        box: Box,
        size: tuple[int, int],
        followed: str | None = None,
        beside: frozenset[str] = frozenset(),
    ) -> Seen:
        """What mesh landmarks [468, 3] tell, and their box, in a picture of ``size`` (width, height)."""
        right, left, nose = landmarks[_ACROSS, 0].tolist()
        # In profile the temples meet, and the nose is far out.
        turn = min(max((2 * nose - right - left) / max(abs(left - right), 1e-6), -1.5), 1.5)
        new = newcomers(box, size)
        if abs(turn) > PROPORTIONS_MAX_TURN:
            return cls(box, turn, None, followed, new, beside)
        lengths = [log(max(length, 1e-6)) for length in proportions(landmarks)]
        return cls(box, turn, np.array(lengths, np.float32), followed, new, beside)


def newcomers(box: Box, size: tuple[int, int]) -> float:
    """The density at which faces appear from nowhere at ``box``, in a picture of ``size`` (width, height)."""
    off = max(min(box.x, size[0] - box.x - box.width), 0.0) / max(box.height, 1e-6)
    return NEW + ENTER * exp(-off / ENTERED)


class Known:
    """One face that was seen a moment ago."""

    def __init__(self, name: str, seen: Seen, t_s: float) -> None:
        self.name = name
        self.motion = Motion(seen.box, t_s)
        self.turn = seen.turn
        self.proportions = seen.proportions
        self.averaged = 1

    @property
    def seen_s(self) -> float:
        """When it was seen last."""
        return self.motion.t_s

    def take(self, seen: Seen, t_s: float) -> None:
        """It was seen so."""
        self.motion.take(seen.box, t_s)
        self.turn = seen.turn
        if seen.proportions is None:
            return
        if self.proportions is None:
            self.proportions = seen.proportions
            return
        self.averaged = min(self.averaged + 1, AVERAGED)
        step = (seen.proportions - self.proportions) / np.float32(self.averaged)
        self.proportions = np.add(self.proportions, step, dtype=np.float32)


def surely(seen: Seen, known: Known, t_s: float) -> bool:
    """Whether ``unlikely`` is far below 0 whatever its finer terms say: a face a frame later, hardly changed."""
    if seen.proportions is None or known.proportions is None or t_s - known.seen_s > SOON_S:
        return False
    (x, y, height), ahead = place(seen.box), known.motion.at(t_s)
    return (
        hypot(x - ahead.x, y - ahead.y) <= NEAR * exp(ahead.log_height)
        and abs(height - ahead.log_height) <= NEAR
        and abs(seen.turn - known.turn) <= NEAR
        and max(map(abs, (seen.proportions - known.proportions).tolist())) <= 3 * OWN  # which moves the odds by 5
    )


def unlikely(faces: Sequence[Seen], known: Sequence[Known], t_s: float) -> Odds:
    """The odds of each face [n] being each known one [m] at ``t_s``, over being new, float64 [n, m].

    Where they are above 0 it is rather new.
    """
    if not faces or not known:
        return np.zeros((len(faces), len(known)))
    face_x, face_y, face_height, face_turn = _columns([(*place(face.box), face.turn) for face in faces])[:, :, None]
    ahead = [one.motion.at(t_s) for one in known]
    x, y, height, across, down, height_variance = _columns(
        [
            (
                at.x,
                at.y,
                at.log_height,
                at.variance + PLACE**2,
                at.variance_down + PLACE**2,
                at.height_variance + SIZE**2,
            )
            for at in ahead
        ]
    )
    turn, gone_s = _columns([(one.turn, t_s - one.seen_s) for one in known])
    off = ((face_x - x) ** 2 / across + (face_y - y) ** 2 / down) * np.exp(-2 * height)
    of_place = _student(off, 2) + np.log(2 * pi * across) + np.log(2 * pi * down)
    of_height = (face_height - height) ** 2 / height_variance + np.log(2 * pi * height_variance)
    turn_variance = TURN**2 + TURNING**2 * gone_s
    of_turn = _student((face_turn - turn) ** 2 / turn_variance, 1) + np.minimum(np.log(2 * pi * turn_variance), 0.0)
    missed = MISSED + (LOST - MISSED) * np.minimum(gone_s, 1.0)
    missed = np.maximum(missed, HIDDEN * _covered(faces, known, t_s))
    found = 2 * np.log(missed / (1 - missed))
    same = np.array([[face.followed == one.name for one in known] for face in faces])
    followed = -2 * log(FOLLOWED / (1 - FOLLOWED)) * same
    new = -2 * np.log([one.new for one in faces])[:, None]
    other = np.array([[np.inf if one.name in face.beside else 0.0 for one in known] for face in faces])
    return np.asarray(of_place + of_height + of_turn + found + followed + _unlike(faces, known) - new + other)


def _columns(rows: Sequence[tuple[float, ...]]) -> Odds:
    return np.array(rows, dtype=np.float64).T


def _student(squares: Odds, dimensions: int) -> Odds:
    """Of squared deviations over their variances: minus twice the logarithm of Student's density, less a constant."""
    return np.asarray((FREEDOM + dimensions) * np.log1p(squares / FREEDOM))


def _covered(faces: Sequence[Seen], known: Sequence[Known], t_s: float) -> Odds:
    """The share of each known face [m], where it should be, that one face hides, as far as that is before it, 0..1."""
    behind, before = _corners([one.motion.box(t_s) for one in known]), _corners([face.box for face in faces])
    low, high = np.maximum(behind[:, None, :2], before[:, :2]), np.minimum(behind[:, None, 2:], before[:, 2:])
    shared = (high - low).clip(min=0).prod(axis=-1)
    sides, sides_before = behind[:, 2:] - behind[:, :2], before[:, 2:] - before[:, :2]
    nearer = ((sides_before[:, 1] / sides[:, None, 1] - BEHIND) / (BEFORE - BEHIND)).clip(0, 1)
    return np.asarray((shared * nearer).max(axis=1) / np.maximum(sides.prod(axis=-1), 1e-6))


def _corners(boxes: Sequence[Box]) -> Odds:
    return np.array([(box.x, box.y, box.x + box.width, box.y + box.height) for box in boxes], dtype=np.float64)


def _unlike(faces: Sequence[Seen], known: Sequence[Known]) -> Odds:
    """The odds of the proportions alone; 0 where either are not known."""
    of_faces, of_known = (
        np.array([_UNKNOWN if one.proportions is None else one.proportions for one in of]) for of in (faces, known)
    )
    own = OWN**2 * (1 + 1 / np.array([one.averaged for one in known]))
    others = OTHERS**2 + own
    off = INDEPENDENT * ((of_faces[:, None] - of_known) ** 2).mean(axis=-1)
    one_person = _student(off / own, INDEPENDENT) + INDEPENDENT * np.log(own)
    two_people = _student(off / others, INDEPENDENT) + INDEPENDENT * np.log(others)
    return np.asarray(np.nan_to_num(one_person - two_people))
