"""``python -m tests.crowds.cost``: what each face more costs, with 1 to 12 puppets before the camera, in one run."""

from __future__ import annotations

import argparse
from statistics import median
from time import perf_counter

from edge.camera.frame import Frame
from edge.config import Config
from edge.models import face_models_folder
from edge.vision import FaceReader, VisionSettings
from tests.crowds.film import film
from tests.crowds.people import FOCAL, WIDTH, Visit

#: How far off they stand: three rows of four, each face large enough for the detector with three tiles.
DISTANCE_M = 2.2
WARM, MEASURED = 15, 25


def main() -> None:
    """Prints a row for each number of faces: all read, and at most ``--read-faces`` of them in a frame."""
    parser = argparse.ArgumentParser(prog="python -m tests.crowds.cost", description=__doc__)
    parser.add_argument("--read-faces", type=int, default=4, help="how many faces are read in one frame at most")
    parser.add_argument("--threads", type=int, default=1, help="processor threads for each model")
    asked = parser.parse_args()
    kiosk = Config.model_validate({"preset": "kiosk"}).vision.model_copy(
        update={"threads": asked.threads, "detect_tiles": 3, "expression": False}
    )
    columns = {
        "kiosk": kiosk,
        f"kiosk, {asked.read_faces} a frame": kiosk.model_copy(update={"read_faces": asked.read_faces}),
        "with eyes": kiosk.model_copy(update={"eyes": True}),
    }
    print("milliseconds a frame (median), and how many faces were read in it")
    print("faces  " + "  ".join(f"{name:>18}" for name in columns))
    for faces in range(1, 13):
        print(f"{faces:5}  " + "  ".join(f"{_frame(faces, settings):>18}" for settings in columns.values()), flush=True)


def _frame(faces: int, settings: VisionSettings) -> str:
    times = [at / 10 for at in range(WARM + MEASURED)]
    spans_ms, read = [], []
    with FaceReader(settings, face_models=face_models_folder(), seed=0) as reader:
        for t_s, image, _ in film([_standing(at) for at in range(faces)], times):
            began_s = perf_counter()
            seen = reader.read(Frame(image, t_s, wall_time=t_s, seq=round(t_s * 10), camera="crowd"))
            spans_ms.append((perf_counter() - began_s) * 1000)
            read.append(len(seen.faces))
    return f"{median(spans_ms[WARM:]):.1f} ({median(read[WARM:]):.0f})"


def _standing(number: int) -> Visit:
    """One of twelve who stand in three rows, the higher behind."""
    column, row = number % 4, number // 4
    x_m = (column - 1.5) * WIDTH / 4.4 / FOCAL * DISTANCE_M
    up_m = (row - 1) * 0.36
    return Visit(number, [(0.0, x_m), (99.0, x_m)], [(0.0, DISTANCE_M)], [(0.0, 0.0)], up_m, (0.0, 1.0), 0.0, (), ())


if __name__ == "__main__":
    main()
