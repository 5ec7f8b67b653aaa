"""Measures how FER2013 frames its faces, for ``edge.vision.crop``.

``python -m train.measure_crop --data FOLDER`` with the folder of ``fer2013.csv``; about 20 seconds.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import MienError
from edge.models import require_face_models
from edge.vision.crop import SIZE, landmarks_frame
from edge.vision.detector import Detector
from edge.vision.geometry import head_pose
from edge.vision.mesh import FaceMesh, region_of_detection
from edge.vision.types import Array
from train.data.faces import Split
from train.data.fer2013 import load_fer2013

#: The models want larger faces than 48 pixels, with something around them.
ENLARGE, BORDER = 4, 96
#: Below this presence a landmark set is not believed.
MIN_PRESENCE = 0.9


def landmarks_of(pixels: NDArray[np.uint8], models: Path) -> list[Array]:
    """The landmarks [468, 3] of the faces found in ``pixels`` [N, 48, 48], in FER2013's pixels from its corner."""
    detector, mesh = Detector(models, threads=2), FaceMesh(models, threads=2)
    corner = np.array([BORDER - 0.5, BORDER - 0.5, 0], dtype=np.float32)
    found = []
    for face in pixels:
        large = cv2.resize(face, None, fx=ENLARGE, fy=ENLARGE, interpolation=cv2.INTER_CUBIC)
        padded = cv2.copyMakeBorder(large, BORDER, BORDER, BORDER, BORDER, cv2.BORDER_REPLICATE)
        image = cv2.cvtColor(padded, cv2.COLOR_GRAY2BGR).astype(np.uint8, copy=False)
        detections = detector.detect(image)
        if not detections:
            continue
        landmarks, presence = mesh.read(image, region_of_detection(detections[0]))
        if presence >= MIN_PRESENCE:
            found.append((landmarks - corner) / np.float32(ENLARGE))
    return found


def report(landmarks: list[Array]) -> str:
    """Medians and spreads of scale and shift, and how far FER2013's heads are turned."""
    rows = []
    for face in landmarks:
        frame = landmarks_frame(face)
        dx, dy = SIZE / 2 - frame.x, SIZE / 2 - frame.y
        cos, sin = np.cos(frame.angle), np.sin(frame.angle)
        rows.append((SIZE / frame.size, (cos * dx + sin * dy) / SIZE, (cos * dy - sin * dx) / SIZE))
    scale, across, down = np.array(rows).T
    # A far camera: a face that fills the picture would otherwise be taken as seen from a hand's breadth.
    away = np.float32(4 * SIZE)
    poses = [head_pose(face - np.float32(SIZE / 2) + away, (int(2 * away), int(2 * away))) for face in landmarks]
    turns = np.array([(abs(pose.yaw_deg), abs(pose.pitch_deg), abs(pose.roll_deg)) for pose in poses if pose])
    lines = [f"faces found: {len(landmarks)}"]
    for name, values in (("scale", np.log(scale)), ("across", across), ("down", down)):
        median = np.median(values)
        spread = 1.4826 * np.median(np.abs(values - median))
        lines.append(f"{name}: median {np.exp(median) if name == 'scale' else median:.3f}, spread {spread:.3f}")
    for name, values in zip(("yaw", "pitch", "roll"), turns.T, strict=True):
        lines.append(f"|{name}|: median {np.median(values):.0f}°, 95 % {np.percentile(values, 95):.0f}°")
    return "\n".join(lines)


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m train.measure_crop", description="Measure FER2013's framing.")
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds fer2013.csv")
    parser.add_argument("--models", type=Path, help="the folder of MediaPipe's models (default: where mien keeps them)")
    parser.add_argument(
        "--faces", type=int, default=4000, help="how many Training faces to draw (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    try:
        faces = load_fer2013(options.data)
        training = np.flatnonzero(faces.splits == Split.TRAINING)
        drawn = np.random.default_rng(options.seed).permutation(training)[: options.faces]
        print(report(landmarks_of(faces.pixels[drawn], options.models or require_face_models())))
    except MienError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
