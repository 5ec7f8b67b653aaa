"""``python -m tests.crowds``: how well tracks hold in crowds of known truth; minutes on a small machine.

With ``--puppets`` the crowds are pictures that the real detector and mesh read, which takes much longer.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from tqdm import tqdm

from edge.models import face_models_folder
from edge.vision import FaceReader, Observation, VisionSettings
from tests.crowds import asked as asking
from tests.crowds.crowd import Truth, crowd
from tests.crowds.film import GLIMPSE_S, puppets
from tests.crowds.score import Score, score


def main() -> None:
    """Prints a row for each number of people and frame rate."""
    parser = asking.parser("python -m tests.crowds", __doc__)
    parser.add_argument("--first", type=int, default=0, help="the first crowd's seed")
    parser.add_argument("--read-faces", type=int, help="how many faces are read in one frame at most; by default all")
    parser.add_argument("--detect-every", type=float, default=0.05, help="how often newcomers are looked for, seconds")
    parser.add_argument("--puppets", action="store_true", help="pictures of puppets instead of made-up readings")
    parser.add_argument(
        "--glimpse", type=float, default=GLIMPSE_S, help="puppets seen for less on end are not seen, seconds"
    )
    asked = parser.parse_args()
    rows = asking.rows(asked)
    print("people  fps  visits  id switches a visit  seconds  count exact  dwell within 0.5 s")
    with tqdm(total=len(rows) * asked.crowds, unit="crowd", leave=False, delay=1) as bar:
        for people, fps in rows:
            total = Score()
            for seed in range(asked.first, asked.first + asked.crowds):
                total += score(_crowd(asked, seed, people, fps), asked.glimpse if asked.puppets else 0.0)
                bar.update()
            tqdm.write(
                f"{people:6}  {fps:3.0f}  {total.visits:6}  {total.switches_a_visit:19.3f}  {total.seconds:7}  "
                f"{total.exact_share:11.1%}  {total.dwell_share:18.1%}"
            )


def _crowd(asked: argparse.Namespace, seed: int, people: int, fps: float) -> Iterator[tuple[Observation, Truth]]:
    if not asked.puppets:
        yield from crowd(
            seed, people, asked.seconds, fps, detect_every_s=asked.detect_every, read_faces=asked.read_faces
        )
        return
    settings = VisionSettings(
        expression=False,
        eyes=False,
        max_faces=12,
        read_faces=asked.read_faces,
        detect_every_s=asked.detect_every,
        detect_tiles=2,
    )
    with FaceReader(settings, face_models=face_models_folder(), seed=seed) as reader:
        yield from puppets(reader, seed, people, asked.seconds, fps)


if __name__ == "__main__":
    main()
