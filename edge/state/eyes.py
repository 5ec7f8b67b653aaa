"""How far a driver's eyes are open, between the eyelid model's closed floor and the driver's own open eye.

``openness = (ratio − floor) / (open − floor)``, where ``ratio`` is the eye aspect ratio. No eyelid model reaches 0 at
a closed eye, so 20 % of the raw ratio would never be undercut.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.state.filters import TimeHistogram
from edge.state.settings import EyeSettings
from edge.vision.types import EyeSource, Face


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
#: A floor may be refined by this share of the model's own: the three people above lie within ± 33 %.
FLOOR_SPAN = 0.5
#: The least distance of open from closed, so that openness stays finite for the narrowest eye.
MIN_RANGE = 0.04


@dataclass(frozen=True, slots=True)
class EyeReading:
    """Both eyes in one frame: 0 is closed, 1 the driver's own open eye; values reach a little past both.

    openness: the mean of the eyes that are known, one or two. most_open: the larger of them, so that closing
    one eye does not close both. known: how many.
    """

    openness: float
    most_open: float
    known: int


class Lids:
    """One eye's closed floor and open baseline, learnt from one person."""

    def __init__(self, model: LidModel, baseline_s: float) -> None:
        self._model = model
        self._baseline_s = baseline_s
        self._seen_open = TimeHistogram(0.0, 1.0, 0.005)
        self._seen_closed = TimeHistogram(0.0, 1.0, 0.005)
        self.floor = model.floor
        self.open = model.open

    @property
    def frozen(self) -> bool:
        """Whether the open baseline is known for good."""
        return self._seen_open.total_s >= self._baseline_s

    def openness(self, ratio: float) -> float:
        """Where an aspect ratio lies between closed (0) and open (1)."""
        return (ratio - self.floor) / max(self.open - self.floor, MIN_RANGE)

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
            reach = FLOOR_SPAN * self._model.floor
            moved = (self.floor + seen) / 2
            self.floor = min(max(moved, self._model.floor - reach), self._model.floor + reach)


class Eyes:
    """Both eyes of one driver."""

    def __init__(self, settings: EyeSettings, source: EyeSource) -> None:
        self._right = Lids(LID_MODELS[source], settings.baseline_s)
        self._left = Lids(LID_MODELS[source], settings.baseline_s)

    @property
    def frozen(self) -> bool:
        """Whether an open baseline is known for good."""
        return self._right.frozen or self._left.frozen

    def read(self, face: Face) -> EyeReading | None:
        """How far the eyes are open, None where neither can be read."""
        values = [lids.openness(ratio) for lids, ratio in self._known(face)]
        return EyeReading(sum(values) / len(values), max(values), len(values)) if values else None

    def learn_open(self, face: Face, dt_s: float) -> None:
        """The eyes were open for ``dt_s`` seconds."""
        for lids, ratio in self._known(face):
            lids.learn_open(ratio, dt_s)

    def note_closed(self, face: Face, dt_s: float) -> None:
        """The eyes seem closed for ``dt_s`` seconds."""
        for lids, ratio in self._known(face):
            lids.note_closed(ratio, dt_s)

    def settle(self, *, sure: bool) -> None:
        """The closure is over; it was surely one, or not."""
        for lids in (self._right, self._left):
            lids.settle(sure=sure)

    def _known(self, face: Face) -> list[tuple[Lids, float]]:
        eyes = ((self._right, face.right_eye), (self._left, face.left_eye))
        return [(lids, eye.aspect_ratio) for lids, eye in eyes if eye is not None and eye.aspect_ratio is not None]
