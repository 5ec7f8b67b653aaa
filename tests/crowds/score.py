"""How well the tracks of a crowd tell its truth."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from edge.vision.types import Observation
from tests.crowds.crowd import Stay, Truth, visits_of

#: A visit's dwell may be off by so much and still count as right.
DWELL_S = 0.5
#: Who comes or goes is noticed so soon: what is so far off in time alone is told apart from what is wrong.
SOON_S, STEP_S = 0.2, 0.05


@dataclass(frozen=True, slots=True)
class Score:
    """Sums over crowds; add them up.

    switches: how often a visit's face came under another name than before, or a name went over to another visit.
    seconds: whole seconds; exact: those at which as many tracks went on as visits; soon: as many as visits at some
    moment within ``SOON_S``. dwells: visits whose track lasted as long as they, within ``DWELL_S``.
    """

    visits: int = 0
    switches: int = 0
    seconds: int = 0
    exact: int = 0
    soon: int = 0
    dwells: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(
            self.visits + other.visits,
            self.switches + other.switches,
            self.seconds + other.seconds,
            self.exact + other.exact,
            self.soon + other.soon,
            self.dwells + other.dwells,
        )

    @property
    def switches_a_visit(self) -> float:
        """Wants to be at most 0.05."""
        return self.switches / max(self.visits, 1)

    @property
    def exact_share(self) -> float:
        """Of the seconds; wants to be at least 0.95."""
        return self.exact / max(self.seconds, 1)

    @property
    def soon_share(self) -> float:
        """Of the seconds, with those whose count came a little sooner or later."""
        return self.soon / max(self.seconds, 1)

    @property
    def dwell_share(self) -> float:
        """Of the visits; wants to be at least 0.9."""
        return self.dwells / max(self.visits, 1)


def score(frames: Iterable[tuple[Observation, Truth]], glimpse_s: float = 0.0) -> Score:
    """Holds a crowd's tracks against its truth; a track lasts from its first sight to its last.

    Faces that are nobody's, visit -1, count as tracks. glimpse_s: as in ``visits_of``.
    """
    frames = list(frames)
    stays = visits_of((truth for _, truth in frames), glimpse_s)
    tracks: dict[str, tuple[float, float]] = {}
    name_of: dict[int, str] = {}
    visit_of: dict[str, int] = {}
    together: dict[int, Counter[str]] = defaultdict(Counter)
    switches = 0
    for observation, truth in frames:
        for face, visit in zip(observation.faces, truth.visits, strict=True):
            name = face.track_id
            began_s, _ = tracks.setdefault(name, (observation.t_s, observation.t_s))
            tracks[name] = (began_s, observation.t_s)
            if visit < 0:
                continue
            switches += name_of.get(visit, name) != name or visit_of.get(name, visit) != visit
            name_of[visit], visit_of[name] = name, visit
            together[visit][name] += 1
    seconds = range(ceil(frames[0][0].t_s), int(frames[-1][0].t_s) + 1)
    counted = [sum(began <= second <= ended for began, ended in tracks.values()) for second in seconds]
    steps = round(SOON_S / STEP_S)
    so = [[_there(stays, second + at * STEP_S) for at in range(-steps, steps + 1)] for second in seconds]
    exact = sum(count == near[steps] for count, near in zip(counted, so, strict=True))
    soon = sum(count in near for count, near in zip(counted, so, strict=True))
    dwells = 0
    for stay in stays:
        if together[stay.visit]:
            began_s, ended_s = tracks[together[stay.visit].most_common(1)[0][0]]
            dwells += abs(ended_s - began_s - stay.dwell_s) <= DWELL_S
    return Score(len(stays), switches, len(seconds), exact, soon, dwells)


def _there(stays: Iterable[Stay], t_s: float) -> int:
    """How many visits went on at a moment."""
    return sum(stay.began_s <= t_s <= stay.ended_s for stay in stays)
