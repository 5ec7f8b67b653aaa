"""Whether the face at the wheel is still the one whose eyes were learnt."""

from __future__ import annotations

from collections import deque
from math import log, sqrt
from statistics import median

from edge.state.pose import HeadOffset
from edge.state.settings import EyeSettings
from edge.vision.types import Face

Proportions = tuple[float, ...]
#: How often it looks: medians take long enough not to be taken of each frame.
EVERY_S = 0.2


class Familiar:
    """Compares a face's proportions with those it had at first, both as medians over seconds of well-seen frames.

    A single reading is off by some percent with pose and expression; the median over a window is not, unless somebody
    else sits there. Nothing of it says who.
    """

    def __init__(self, settings: EyeSettings) -> None:
        self._settings = settings
        self._learnt: Proportions | None = None
        self._recent: deque[tuple[float, Proportions]] = deque()
        self._seen_s = 0.0
        self._t_s: float | None = None
        self._looked_s = float("-inf")

    @property
    def difference(self) -> float | None:
        """How far the recent proportions are from the learnt ones, as a relative root mean square; None if unknown."""
        if self._learnt is None or not self._enough():
            return None
        now = self._median()
        return sqrt(sum(log(a / b) ** 2 for a, b in zip(now, self._learnt, strict=True)) / len(now))

    def knows(self, t_s: float, face: Face, head: HeadOffset | None) -> bool:
        """Takes the face at ``t_s``, its head so far from the usual direction; False once it is somebody else's."""
        proportions = face.proportions
        if not proportions or not self._frontal(head):
            return True
        if self._t_s is not None and t_s - self._t_s <= self._settings.bridge_s:
            self._seen_s += t_s - self._t_s
        self._t_s = t_s
        window_s = self._settings.face_learn_s if self._learnt is None else self._settings.face_window_s
        self._recent.append((t_s, proportions))
        if self._learnt is None:
            if self._seen_s >= window_s:
                self._learnt = self._median()
            return True
        while self._recent[0][0] < t_s - window_s:
            self._recent.popleft()
        if t_s - self._looked_s < EVERY_S:
            return True
        self._looked_s = t_s
        difference = self.difference
        return difference is None or difference <= self._settings.face_change

    def _frontal(self, head: HeadOffset | None) -> bool:
        limit = self._settings.face_frontal_deg
        return head is None or (abs(head.yaw_deg) <= limit and abs(head.pitch_deg) <= limit)

    def _enough(self) -> bool:
        """Whether half of the window was seen: a few frames among many unseen ones say too little."""
        return self._recent[-1][0] - self._recent[0][0] >= self._settings.face_window_s / 2

    def _median(self) -> Proportions:
        return tuple(median(values) for values in zip(*(entry[1] for entry in self._recent), strict=True))
