"""What each peer makes of a picture, called as its own documentation does. Runs in the peer's environment.

A reader takes BGR uint8 images [H, W, 3] and gives for each the expression of the largest face: a label in ``LABELS``,
None where it found no face, and FOUND where it found one and names no expression.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("GLOG_minloglevel", "3")

LABELS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
FOUND = "a face"

Image = Any
Reader = Callable[[Iterable[Image]], "Iterator[str | None]"]
#: FER2013's own crops, gray uint8 [48, 48], to labels: the expression model alone.
Classifier = Callable[[Image], str]

_NAMES = dict(zip(("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"), LABELS, strict=True))


def one_by_one(read: Callable[[Image], str | None]) -> Reader:
    """A reader of one image at a time, as most peers are."""
    return lambda images: map(read, images)


def mien(models: Path) -> tuple[Reader, Classifier]:
    """The whole way: faces, eyes, expression, the driver's and the expressions' rules, events into the outbox."""
    import tempfile

    from edge.camera import Frame
    from edge.config import Config
    from edge.daemon import open_reader, to_events
    from edge.delivery import Outbox, OutboxSettings
    from edge.events import ClockMapping, DeviceIdentity
    from edge.expression import open_expression
    from edge.state import People
    from edge.state.types import UNKNOWN_VEHICLE

    del models  # ships with its own
    config = Config()
    reader, people = open_reader(config.vision), People(config.state)
    outbox = Outbox(OutboxSettings(path=Path(tempfile.mkdtemp()) / "outbox.sqlite"))
    device, clock = DeviceIdentity("peer"), ClockMapping(0.0, synced=False)
    seq = 0

    def frames(images: Iterable[Image]) -> Iterator[Frame]:
        nonlocal seq
        for image in images:
            seq += 1
            # As from a camera of 25 frames a second: the rules' time, not the machine's.
            yield Frame(image, seq / 25, wall_time=seq / 25, seq=seq, camera="peer")

    def read(images: Iterable[Image]) -> Iterator[str | None]:
        for result in reader.read_ahead(frames(images)):
            assert result is not None
            _, observation = result
            for event in to_events(people.update(observation), device, clock, UNKNOWN_VEHICLE):
                outbox.put(event)
            shown = people.expressions()
            yield ((shown and shown[0].label) or FOUND) if observation.faces else None

    expression = open_expression(config.vision)
    return read, lambda face: LABELS[int(np.argmax(expression.probabilities(face)))]


def fer(models: Path) -> tuple[Reader, Classifier]:
    """``fer`` in its default mode, OpenCV's Haar cascade."""
    try:
        from fer import FER
    except ImportError:  # where its package exports it since 25.10
        from fer.fer import FER

    del models  # brings its own
    detector = FER(mtcnn=False)

    def read(image: Image) -> str | None:
        found = detector.detect_emotions(image)
        if not found:
            return None
        largest = max(found, key=lambda face: face["box"][2] * face["box"][3])
        return _NAMES[max(largest["emotions"], key=largest["emotions"].get)]

    def classify(face: Image) -> str:
        colour = np.repeat(face[..., None], 3, axis=2)
        emotions = detector.detect_emotions(colour, face_rectangles=[(0, 0, 48, 48)])[0]["emotions"]
        return _NAMES[max(emotions, key=emotions.get)]

    return one_by_one(read), classify


def deepface(models: Path) -> tuple[Reader, Classifier]:
    """``deepface`` with OpenCV's detector, its quickest."""
    from deepface import DeepFace

    del models  # fetches its own

    def read(image: Image) -> str | None:
        found = DeepFace.analyze(image, actions=["emotion"], detector_backend="opencv", enforce_detection=False)
        return _NAMES[found[0]["dominant_emotion"]]

    def classify(face: Image) -> str:
        colour = np.repeat(face[..., None], 3, axis=2)
        found = DeepFace.analyze(colour, actions=["emotion"], detector_backend="skip", enforce_detection=False)
        return _NAMES[found[0]["dominant_emotion"]]

    return one_by_one(read), classify


def facemesh(models: Path) -> tuple[Reader, None]:
    """mediapipe's FaceMesh solution with refined landmarks, alone: landmarks, no rules, no expression."""
    find = _facemesh()
    del models  # brings its own
    return one_by_one(lambda image: FOUND if find(image) is not None else None), None


def facemesh_xception(models: Path) -> tuple[Reader, Classifier]:
    """FaceMesh, and a Keras mini-Xception on the box around its landmarks, compiled to a graph."""
    import cv2
    import keras
    import tensorflow as tf

    find = _facemesh()
    network = keras.saving.load_model(models / "peer-mini-xception.hdf5", compile=False)
    graph = tf.function(lambda x: network(x, training=False), input_signature=[tf.TensorSpec((1, 64, 64, 1))])

    def classify(face: Image) -> str:
        crop = cv2.resize(face, (64, 64)).astype(np.float32)[None, ..., None]
        return LABELS[int(np.argmax(graph(crop / 127.5 - 1)))]

    def read(image: Image) -> str | None:
        box = find(image)
        if box is None:
            return None
        left, top, right, bottom = box
        return classify(cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_BGR2GRAY))

    return one_by_one(read), classify


def _facemesh() -> Callable[[Image], tuple[int, int, int, int] | None]:
    import cv2
    import mediapipe as mp

    solution = mp.solutions.face_mesh.FaceMesh(refine_landmarks=True)

    def find(image: Image) -> tuple[int, int, int, int] | None:
        found = solution.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)).multi_face_landmarks
        if not found:
            return None
        points = np.array([(point.x, point.y) for point in found[0].landmark]) * image.shape[1::-1]
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        return max(0, int(left)), max(0, int(top)), int(right) + 1, int(bottom) + 1

    return find


READERS: dict[str, Callable[[Path], tuple[Reader, Classifier | None]]] = {
    "mien": mien,
    "fer": fer,
    "deepface": deepface,
    "facemesh": facemesh,
    "facemesh_xception": facemesh_xception,
}
