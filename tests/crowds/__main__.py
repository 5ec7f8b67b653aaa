"""``python -m tests.crowds``: how well tracks hold in crowds of known truth; minutes on a small machine.

With ``--puppets`` the crowds are pictures that the real detector and mesh read, which takes much longer.
"""

from __future__ import annotations

from tqdm import tqdm

from tests.crowds import asked as asking
from tests.crowds.score import Score, score


def main() -> None:
    """Prints a row for each number of people and frame rate."""
    asked = asking.parser("python -m tests.crowds", __doc__).parse_args()
    rows = asking.rows(asked)
    print("people  fps  visits  id switches a visit  seconds  count exact  within 0.2 s  dwell within 0.5 s")
    with tqdm(total=len(rows) * asked.crowds, unit="crowd", leave=False, delay=1) as bar:
        for people, fps in rows:
            total = Score()
            for crowd in asking.crowds(asked, people, fps, bar):
                total += score(crowd, asking.glimpse_s(asked))
            tqdm.write(
                f"{people:6}  {fps:3.0f}  {total.visits:6}  {total.switches_a_visit:19.3f}  {total.seconds:7}  "
                f"{total.exact_share:11.1%}  {total.soon_share:12.1%}  {total.dwell_share:18.1%}"
            )


if __name__ == "__main__":
    main()
