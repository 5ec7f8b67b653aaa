"""One eye's lids: what they read closed and open, learnt from one person.

``openness = (ratio − floor) / (open − floor)``, where ``ratio`` is the eye aspect ratio. No eyelid model reads 0 of a
closed eye, so 20 % of the raw ratio would never be undercut; and behind the rims of glasses, which it takes for lids,
it reads a good deal more than of others: up to 46 % of the way to the open eye. So the floor is learnt from the
person's own blinks.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import inf

from edge.state.filters import TimeHistogram, crossing
from edge.vision.types import EyeSource


@dataclass(frozen=True, slots=True)
class LidModel:
    """What an eyelid model reads before anything is known about a driver, as aspect ratios."""

    floor: float
    open: float


#: Means over three people's long closures and stretches of open eyes: iris 0.070, 0.106, 0.063 against 0.336, 0.350,
#: 0.316 (the open eye a little lower, for narrower eyes); attention 0.028, 0.029, 0.040 against 0.265, 0.285, 0.252;
#: landmarker 0.049, 0.015, 0.039 against 0.264, 0.284, 0.259.
LID_MODELS: dict[EyeSource, LidModel] = {
    "iris": LidModel(floor=0.08, open=0.30),
    "attention": LidModel(floor=0.03, open=0.26),
    "landmarker": LidModel(floor=0.035, open=0.26),
}
#: The prior open eye weighs as much as this many seconds of the driver's own: blinks are judged from the first second.
PRIOR_WEIGHT_S = 0.5
#: Of the time with open eyes, the share below the baseline; above the median, as lids on their way count as open too.
OPEN_QUANTILE = 0.75
#: Long closures may refine a floor by this share of the model's own: the three people above lie within ± 33 %.
FLOOR_SPAN = 0.5
#: Blinks may raise it by this share of the way to the open eye. Behind rims drawn thick and dark, blinks read up to
#: 0.41; lids that hang half open must not be taken for closed, whatever was learnt.
FLOOR_REACH = 0.45
#: The least distance of open from closed, so that openness stays finite for the narrowest eye.
MIN_RANGE = 0.04

#: A dip begins and ends this far open, by the model's floor.
DIP_FROM = 0.8
#: A blink goes this far down at least, even behind rims.
DIP_TO = 1 - FLOOR_REACH
#: A blink is this far down for 0.15 to 0.45 s. Lids that droop, or follow a look down and back, take longer; what
#: passes before an eye, or a reading gone astray, is often shorter.
DIP_SHORTEST_S = 0.12
DIP_LONGEST_S = 0.5
#: Frames further apart, or eyes unreadable for as long, may hide a dip's bottom; 10 fps with jitter must do.
DIP_GAP_S = 0.15
#: So many dips tell of the floor at the least, and no more than so many, the newest, at the most: a person blinks 10
#: to 20 times a minute.
DIPS_MIN = 4
DIPS_MAX = 12


@dataclass(frozen=True, slots=True)
class Dip:
    """An eye that went down from near open and came back at once. level: openness at the bottom, by the model."""

    fell_s: float
    rose_s: float
    ratio: float
    level: float

    def meets(self, other: Dip) -> bool:
        """Whether both were down at the same time."""
        return self.fell_s < other.rose_s and other.fell_s < self.rose_s


class Dips:
    """Finds the dips of one eye."""

    def __init__(self) -> None:
        self.seen_s = -inf
        self._level = 0.0
        self._fell_s: float | None = None
        self._lowest = (0.0, 0.0)

    def update(self, t_s: float, ratio: float, level: float) -> Dip | None:
        """Takes an eye's ratio at ``t_s``, ``level`` of the way open; returns the dip that it ended, if any."""
        before_s, before = self.seen_s, self._level
        self.seen_s, self._level = t_s, level
        if t_s - before_s > DIP_GAP_S:
            self._fell_s = None
            return None
        if level < DIP_FROM:
            if before >= DIP_FROM:
                self._fell_s = crossing(before_s, before, t_s, level, DIP_FROM)
                self._lowest = (level, ratio)
            self._lowest = min(self._lowest, (level, ratio))
            return None
        fell_s, self._fell_s = self._fell_s, None
        if fell_s is None:
            return None
        rose_s = crossing(before_s, before, t_s, level, DIP_FROM)
        if not DIP_SHORTEST_S <= rose_s - fell_s <= DIP_LONGEST_S:
            return None
        return Dip(fell_s, rose_s, ratio=self._lowest[1], level=self._lowest[0])


class Lids:
    """One eye's closed floor and open baseline, learnt from one person.

    The floor is the model's, refined by closures that surely were some; blinks that bottom out above it raise it. A
    bottom between two frames is missed, and some blinks are half ones, so the lower quartile of the bottoms tells where
    the lids meet: of 12 blinks it lies within 0.04 (as openness) of the truth at 10 fps as at 30, of the first 4
    within 0.1 nine times in ten (simulated: 0.2 to 0.4 s long, one in five a half one, one frame in twenty dropped).
    """

    def __init__(self, model: LidModel, baseline_s: float) -> None:
        self._model = model
        self._baseline_s = baseline_s
        self._seen_open = TimeHistogram(0.0, 1.0, 0.005)
        self._seen_closed = TimeHistogram(0.0, 1.0, 0.005)
        self._dips = Dips()
        self._bottoms: deque[float] = deque(maxlen=DIPS_MAX)
        self._refined = model.floor
        self.floor = model.floor
        self.open = model.open

    @property
    def frozen(self) -> bool:
        """Whether the open baseline is known for good."""
        return self._seen_open.total_s >= self._baseline_s

    def openness(self, ratio: float) -> float:
        """Where an aspect ratio lies between closed (0) and open (1)."""
        return (ratio - self.floor) / max(self.open - self.floor, MIN_RANGE)

    @property
    def seen_s(self) -> float:
        """When the eye was last followed."""
        return self._dips.seen_s

    def follow(self, t_s: float, ratio: float) -> Dip | None:
        """The eye had this ratio at ``t_s``, blinking or not; returns the dip that this ended, if any."""
        # By the model's floor, not by the learnt one: what was learnt must not decide on what is learnt next.
        level = (ratio - self._model.floor) / max(self.open - self._model.floor, MIN_RANGE)
        return self._dips.update(t_s, ratio, level)

    def learn_blink(self, dip: Dip) -> None:
        """This dip was a blink."""
        if dip.level <= DIP_TO:
            self._bottoms.append(dip.ratio)
            self._find_floor()

    def learn_open(self, ratio: float, dt_s: float) -> None:
        """An open eye had this ratio for ``dt_s`` seconds."""
        if self.frozen:
            return
        self._seen_open.add(ratio, dt_s)
        own = self._seen_open.quantile(OPEN_QUANTILE)
        if own is not None:
            seconds = self._seen_open.total_s
            self.open = (PRIOR_WEIGHT_S * self._model.open + seconds * own) / (PRIOR_WEIGHT_S + seconds)

    def note_closed(self, ratio: float, dt_s: float) -> None:
        """An eye that seems closed had this ratio for ``dt_s`` seconds; ``settle`` says what to make of it."""
        self._seen_closed.add(ratio, dt_s)

    def settle(self, *, sure: bool) -> None:
        """The closure is over; if it was ``sure``, the floor moves half-way to what the eye read meanwhile."""
        seen = self._seen_closed.quantile(0.5)
        self._seen_closed = TimeHistogram(0.0, 1.0, 0.005)
        if sure and seen is not None:
            span = FLOOR_SPAN * self._model.floor
            moved = (self._refined + seen) / 2
            self._refined = min(max(moved, self._model.floor - span), self._model.floor + span)
            self._find_floor()

    def _find_floor(self) -> None:
        self.floor = self._refined
        if len(self._bottoms) >= DIPS_MIN:
            quartile = sorted(self._bottoms)[len(self._bottoms) // 4]
            highest = self._model.floor + FLOOR_REACH * max(self.open - self._model.floor, MIN_RANGE)
            self.floor = max(self._refined, min(quartile, highest))
