"""``python -m tests.state.crowds``: the audience's figures held against crowds of known truth; minutes.

With ``--puppets`` the crowds are pictures that the real detector and mesh read, which takes much longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from math import ceil
from random import Random
from statistics import mean

from tqdm import tqdm

from edge.state import People
from edge.state.settings import StateSettings, VisitorSettings
from edge.state.types import Phase
from edge.vision.types import Observation
from tests.crowds import asked as asking
from tests.crowds.crowd import Stay, Truth, visits_of

#: A visit's dwell and attention may be off by so much and still count as right.
DWELL_S, ATTENTION_S = 0.5, 1.0


#: When a visit began, its dwell and its attention, in seconds.
Counted = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Figures:
    """What was counted beside what was so.

    visits, arrivals: true visits of at least ``arrive_s``, and those counted. seconds, exact: whole seconds, and those
    with as many visitors as there were. dwells, attentions: differences of the visits that were found again, seconds.
    attentive_s, true_attentive_s: of all visitors together.
    """

    visits: int
    arrivals: int
    seconds: int
    exact: int
    dwells: tuple[float, ...]
    attentions: tuple[float, ...]
    attentive_s: float
    true_attentive_s: float

    @property
    def exact_share(self) -> float:
        """Of the seconds."""
        return self.exact / self.seconds

    @property
    def dwell_share(self) -> float:
        """Of the true visits, those with a dwell within ``DWELL_S``."""
        return sum(abs(off) <= DWELL_S for off in self.dwells) / self.visits


def figures(frames: Iterable[tuple[Observation, Truth]], glimpse_s: float = 0.0) -> Figures:
    """Counts a crowd and holds it against its truth; glimpse_s: as in ``visits_of``."""
    settings = VisitorSettings(events=("left",))
    people = People(StateSettings(driver=False, expressions=False, visitors=settings), rng=Random(1))
    truths, left = [], []
    observation: Observation | None = None
    for observation, truth in frames:
        truths.append(truth)
        left += people.update(observation)
    left += people.finish()
    audience = people.audience()
    assert audience is not None
    assert observation is not None
    true = [stay for stay in visits_of(truths, glimpse_s) if stay.dwell_s >= settings.arrive_s]
    first, beyond = ceil(truths[0].t_s), int(observation.t_s)
    counted = [audience.totals(second, second + 1).present_at_start for second in range(first, beyond)]
    so = [sum(stay.began_s < second <= stay.ended_s for stay in true) for second in range(first, beyond)]
    ended = [(change.started_s, change.duration_s, float(change.measures["attention_s"] or 0)) for change in left]
    assert all(change.phase is Phase.END for change in left)
    dwells, attentions = [], []
    for stay, (_, dwell_s, attention_s) in _matched(true, ended):
        dwells.append(dwell_s - stay.dwell_s)
        attentions.append(attention_s - stay.attentive_s)
    totals = audience.totals(0, beyond + 2)
    return Figures(
        visits=len(true),
        arrivals=totals.arrivals,
        seconds=len(so),
        exact=sum(one == other for one, other in zip(counted, so, strict=True)),
        dwells=tuple(dwells),
        attentions=tuple(attentions),
        attentive_s=totals.attentive_s,
        true_attentive_s=sum(stay.attentive_s for stay in true),
    )


def _matched(true: list[Stay], counted: list[Counted]) -> Iterator[tuple[Stay, Counted]]:
    """Each true visit with the counted one that covers the same time best, none twice; those without one left out."""

    def alike(stay: Stay, visit: Counted) -> float:
        began_s, dwell_s, _ = visit
        shared_s = min(stay.ended_s, began_s + dwell_s) - max(stay.began_s, began_s)
        return shared_s / max(stay.dwell_s + dwell_s - shared_s, 1e-9)

    pairs = sorted(product(true, counted), key=lambda pair: -alike(*pair))
    taken: set[int] = set()
    for stay, visit in pairs:
        if alike(stay, visit) > 0 and not {id(stay), id(visit)} & taken:
            taken |= {id(stay), id(visit)}
            yield stay, visit


def main() -> None:
    """Prints a row for each number of people and frame rate."""
    asked = asking.parser("python -m tests.state.crowds", __doc__).parse_args()
    rows = asking.rows(asked)
    print("people  fps  visits  arrivals  count exact  dwell within 0.5 s  mean error  attention, all  mean error")
    with tqdm(total=len(rows) * asked.crowds, unit="crowd", leave=False, delay=1) as bar:
        for people, fps in rows:
            found = [figures(crowd, asking.glimpse_s(asked)) for crowd in asking.crowds(asked, people, fps, bar)]
            visits, seconds = sum(one.visits for one in found), sum(one.seconds for one in found)
            exact = sum(one.exact for one in found) / seconds
            dwell = sum(one.dwell_share * one.visits for one in found) / visits
            paid = sum(one.attentive_s for one in found) / sum(one.true_attentive_s for one in found)
            tqdm.write(
                f"{people:6}  {fps:3.0f}  {visits:6}  {sum(one.arrivals for one in found):8}  {exact:11.1%}  "
                f"{dwell:18.1%}  "
                f"{mean(abs(off) for one in found for off in one.dwells):8.2f} s  {paid:14.1%}  "
                f"{mean(abs(off) for one in found for off in one.attentions):8.2f} s"
            )


if __name__ == "__main__":
    main()
