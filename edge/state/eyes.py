"""How far a driver's eyes are open: both, each between its own closed floor and open baseline (see ``lids``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edge.state.lids import LID_MODELS, Dip, Lids
from edge.state.settings import EyeSettings
from edge.vision.types import Eye, EyeSource, Face

#: Of the other eye's confidence, the share below which an eye has no say against it.
VETO_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class EyeReading:
    """Both eyes in one frame: 0 is closed, 1 the driver's own open eye; values reach a little past both.

    openness: the mean of the eyes that are known, one or two, each by its confidence. most_open: the larger of them;
    an eye trusted less than half as much as the other has no say in it. known: how many. right, left: each alone, None
    where it isn't known.
    """

    openness: float
    most_open: float
    known: int
    right: float | None = None
    left: float | None = None


@dataclass(frozen=True, slots=True)
class _Seen:
    """One eye that can be read in this frame."""

    lids: Lids
    ratio: float
    openness: float
    confidence: float


class Eyes:
    """Both eyes of one driver.

    An eye is known where it has an aspect ratio, enough confidence, and no second opinion that contradicts it. A
    second opinion also settles what the lids leave open: lids between closed and open are closed where it is sure.
    """

    def __init__(self, settings: EyeSettings, source: EyeSource) -> None:
        self._settings = settings
        self._right = Lids(LID_MODELS[source], settings.baseline_s)
        self._left = Lids(LID_MODELS[source], settings.baseline_s)
        self._alone: tuple[Lids, Dip] | None = None

    @property
    def frozen(self) -> bool:
        """Whether an open baseline is known for good."""
        return self._right.frozen or self._left.frozen

    def read(self, face: Face) -> EyeReading | None:
        """How far the eyes are open, None where neither can be read."""
        seen = self._seen(face)
        if not seen:
            return None
        trust = sum(eye.confidence for eye in seen)
        enough = VETO_SHARE * max(eye.confidence for eye in seen)
        return EyeReading(
            openness=sum(eye.confidence * eye.openness for eye in seen) / trust,
            most_open=max(eye.openness for eye in seen if eye.confidence >= enough),
            known=len(seen),
            right=next((eye.openness for eye in seen if eye.lids is self._right), None),
            left=next((eye.openness for eye in seen if eye.lids is self._left), None),
        )

    def follow(self, t_s: float, face: Face) -> None:
        """Learns from blinks; called for every frame in which the head does not point away.

        Both eyes blink at once: where only one of two went down, something passed before it.
        """
        for lids, ratio, eye in self._readable(face):
            if self._glares(lids.openness(ratio), eye.blink):
                continue
            dip = lids.follow(t_s, ratio)
            if dip is not None:
                self._pair(lids, dip)

    def _pair(self, lids: Lids, dip: Dip) -> None:
        other = self._left if lids is self._right else self._right
        if other.seen_s < dip.fell_s:
            lids.learn_blink(dip)
        elif self._alone is not None and self._alone[0] is other and dip.meets(self._alone[1]):
            lids.learn_blink(dip)
            other.learn_blink(self._alone[1])
            self._alone = None
        else:
            self._alone = (lids, dip)

    def learn_open(self, face: Face, dt_s: float) -> None:
        """The eyes were open for ``dt_s`` seconds; the less an eye is trusted, the slower it is learnt."""
        for eye in self._seen(face):
            eye.lids.learn_open(eye.ratio, dt_s * eye.confidence)

    def note_closed(self, face: Face, dt_s: float) -> None:
        """The eyes seem closed for ``dt_s`` seconds."""
        for eye in self._seen(face):
            eye.lids.note_closed(eye.ratio, dt_s * eye.confidence)

    def settle(self, *, sure: bool) -> None:
        """The closure is over; it was surely one, or not."""
        for lids in (self._right, self._left):
            lids.settle(sure=sure)

    def _seen(self, face: Face) -> list[_Seen]:
        seen = []
        for lids, ratio, eye in self._readable(face):
            openness = self._agreed(lids.openness(ratio), eye.blink)
            if openness is not None:
                seen.append(_Seen(lids, ratio, openness, eye.confidence))
        return seen

    def _readable(self, face: Face) -> Iterator[tuple[Lids, float, Eye]]:
        for lids, eye in ((self._right, face.right_eye), (self._left, face.left_eye)):
            if eye is None or eye.aspect_ratio is None or eye.confidence < self._settings.confidence_min:
                continue
            yield lids, eye.aspect_ratio, eye

    def _agreed(self, openness: float, blink: float | None) -> float | None:
        """The openness after a second opinion was heard, None where that is sure of the opposite."""
        if blink is None:
            return openness
        if blink > self._settings.second_closed_above:
            return min(openness, 0.0) if openness <= self._settings.open_above else None
        return None if self._glares(openness, blink) else openness

    def _glares(self, openness: float, blink: float | None) -> bool:
        """Whether what was read as closed lids are none, by a second opinion."""
        return blink is not None and blink < self._settings.second_open_below and openness < self._settings.closed_below
