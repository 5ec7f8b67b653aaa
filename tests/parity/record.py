"""Records what the mediapipe package reads in the pictures, as numbers; runs in mediapipe's environment.

python -m tests.parity.record EXPECTED.json
"""

from __future__ import annotations

import json
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import mediapipe
from mediapipe.python.solutions.face_detection import FaceDetection
from mediapipe.python.solutions.face_mesh import FaceMesh

from tests.parity.pictures import Image, photos, portraits

#: More than any picture holds.
MAX_FACES = 20
MIN_SCORE = 0.5


def record(image: Image) -> dict[str, Any]:
    """What mediapipe finds in ``image``, in its pixels, rounded.

    boxes and scores: of the short-range detector, a box as x, y, width, height. meshes: of the plain mesh without
    tracking, each flat as x0, y0, x1, y1, … of 468 points.
    """
    height, width = image.shape[:2]
    rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    with FaceDetection(min_detection_confidence=MIN_SCORE, model_selection=0) as detector:
        detections = detector.process(rgb).detections or []
    with FaceMesh(static_image_mode=True, max_num_faces=MAX_FACES, min_detection_confidence=MIN_SCORE) as mesh:
        faces = mesh.process(rgb).multi_face_landmarks or []
    boxes = [found.location_data.relative_bounding_box for found in detections]
    corners = [(box.xmin * width, box.ymin * height, box.width * width, box.height * height) for box in boxes]
    points = [[(point.x * width, point.y * height) for point in face.landmark] for face in faces]
    return {
        "boxes": [[round(value, 1) for value in box] for box in corners],
        "scores": [round(found.score[0], 3) for found in detections],
        "meshes": [[round(value, 1) for value in chain(*face)] for face in points],
    }


def main(expected: Path) -> None:
    """Writes ``expected``, a line a picture, so that a change shows by name in the diff."""
    read = {name: record(image) for name, image in chain(portraits(), photos())}
    lines = ",\n".join(f"{json.dumps(name, ensure_ascii=False)}: {json.dumps(found)}" for name, found in read.items())
    made_with = json.dumps({"mediapipe": mediapipe.__version__, "opencv": cv2.__version__})
    expected.write_text(f'{{"made_with": {made_with}, "pictures": {{\n{lines}\n}}}}\n', encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
