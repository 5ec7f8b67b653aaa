"""The extended Cohn-Kanade set (CK+, Lucey et al. 2010) in its own layout.

``cohn-kanade-images/S005/001/S005_001_00000001.png …`` are sequences from a neutral face to the peak of an
expression, ``Emotion/S005/001/S005_001_00000011_emotion.txt`` holds the label of 327 of the 593, and
``Landmarks/S005/001/S005_001_00000001_landmarks.txt`` 68 points for every frame.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.crop import CropMargin
from edge.vision.region import Region
from train.data.faces import CLASSES, SIDE, DataError, Faces, LeftOut, LoadReport, Split
from train.data.images import MAX_UNREADABLE, Grey, read_images, resized

IMAGES = "cohn-kanade-images"
#: Frames from the end of a sequence that count as its expression: the last three, by the custom of papers on CK+.
PEAK_FRAMES = 3
#: CK+'s numbers; contempt has no class of FER2013's.
EMOTIONS = ("neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
#: FER2013's framing around CK+'s 68 points, as edge.vision.crop has it for the mesh's 468: measured in the same way on
#: 2,335 faces of FER2013, over the 68 points of the mesh that lie where CK+'s do (spread: scale 12 %).
FER2013_MARGIN_68 = CropMargin(scale=1.289, down=-0.096)
_RIGHT_CORNER, _LEFT_CORNER = 36, 45


@dataclass(frozen=True, slots=True)
class _Frame:
    image: Path
    label: int
    subject: str
    sequence: str


@dataclass(slots=True)
class _Found:
    """The frames to read, how many there are in all, and by name what is left out or odd."""

    frames: list[_Frame] = field(default_factory=list)
    total: int = 0
    unlabelled: list[str] = field(default_factory=list)
    contempt: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)


def find_ckplus(path: Path) -> Path | None:
    """The folder that holds ``cohn-kanade-images``: the path, or its parent where the path is that folder."""
    if (path / IMAGES).is_dir():
        return path
    return path.parent if path.name == IMAGES and path.is_dir() else None


def load_ckplus(root: Path, max_unreadable: float = MAX_UNREADABLE) -> Faces:
    """CK+'s labelled sequences: the first frame of each as neutral, the last three as its label.

    Faces are framed as FER2013's where ``Landmarks/`` is there; else the middle square of the picture is taken.
    Splits are by subject: in every ten in order of name the ninth is PublicTest, the tenth PrivateTest. Sequences
    without a label and those of contempt are named in the report. Raises DataError, naming file or folder, for a
    label that is none, a labelled sequence without pictures, and damaged or missing landmarks.
    """
    found = _scan(root)
    landmarks = root / "Landmarks"
    framed = landmarks.is_dir()

    def face_of(index: int, grey: Grey) -> Grey:
        if not framed:
            return resized(_middle(grey))
        frame = found.frames[index]
        return _framed(grey, _points(landmarks / frame.sequence / f"{frame.image.stem}_landmarks.txt"))

    images = read_images([frame.image for frame in found.frames], root, max_unreadable, face_of)
    kept = [found.frames[index] for index in images.kept]
    split_of = _split_subjects(sorted({frame.subject for frame in found.frames}))
    return Faces(
        images.faces,
        np.array([frame.label for frame in kept], np.uint8),
        np.array([split_of[frame.subject] for frame in kept], np.uint8),
        report=LoadReport(
            f"CK+, {root}", images.sizes, _notes(found, split_of, framed), (*images.unreadable, *_left_out(found))
        ),
    )


def _scan(root: Path) -> _Found:
    labels = _labels(root)
    found = _Found()
    for subject in _folders(root / IMAGES, found.others):
        for sequence in _folders(subject, found.others):
            images = _images(sequence, found.others)
            found.total += len(images)
            name = f"{subject.name}/{sequence.name}"
            emotion, labelled_frame = labels.pop(name, (None, ""))
            if emotion is None:
                found.unlabelled.append(name)
                continue
            if emotion == "contempt":
                found.contempt.append(name)
                continue
            if not images:
                raise DataError(f"{sequence}: labelled {emotion}, but no PNG in it")
            if images[-1].stem != labelled_frame:
                found.cut.append(name)
            # A sequence of two or three frames keeps its first for neutral.
            peak = max(1, min(PEAK_FRAMES, len(images) - 1))
            for image in images[:-peak][:1]:
                found.frames.append(_Frame(image, CLASSES.index("neutral"), subject.name, name))
            for image in images[-peak:]:
                found.frames.append(_Frame(image, CLASSES.index(emotion), subject.name, name))
    if labels:
        raise DataError(f"{root / IMAGES / next(iter(labels))}: labelled in Emotion/, but not there")
    if not found.frames:
        raise DataError(f"{root}: no labelled sequence with pictures")
    return found


def _notes(found: _Found, split_of: dict[str, Split], framed: bool) -> tuple[str, ...]:
    subjects = Counter(split_of.values())
    notes = [
        f"{len(found.frames):,} of {found.total:,} frames taken: of each labelled sequence the first as neutral, the "
        f"last {PEAK_FRAMES} as its label",
        "subjects: " + ", ".join(f"{subjects[split]} {split.title}" for split in Split) + "; none in two splits",
        "faces framed by Landmarks/ as FER2013's are"
        if framed
        else "no Landmarks/: the middle square of each picture, not cut to the face; unpack CK+'s Landmarks.zip",
    ]
    if found.cut:
        odd = LeftOut("sequences whose last frame is not the one that their label names", tuple(found.cut))
        notes.append(odd.describe())
    return tuple(notes)


def _left_out(found: _Found) -> list[LeftOut]:
    kinds = [
        ("sequences without a label in Emotion/", found.unlabelled),
        ("sequences of contempt, not a class of FER2013's", found.contempt),
        ("other files", found.others),
    ]
    return [LeftOut(reason, tuple(names)) for reason, names in kinds if names]


def _labels(root: Path) -> dict[str, tuple[str, str]]:
    """Subject/sequence -> its emotion and the name of the frame that shows it, from Emotion/."""
    folder = root / "Emotion"
    if not folder.is_dir():
        raise DataError(f"{folder}: not found; unpack CK+'s Emotion_labels.zip beside {IMAGES}")
    labels: dict[str, tuple[str, str]] = {}
    for file in sorted(folder.glob("*/*/*_emotion.txt")):
        if file.name.startswith("."):
            continue
        name = f"{file.parent.parent.name}/{file.parent.name}"
        if name in labels:
            raise DataError(f"{file}: a second label for {name}")
        text = file.read_text(errors="replace").strip()
        try:
            number = float(text)
        except ValueError:
            number = -1
        if number not in range(len(EMOTIONS)):
            raise DataError(f"{file}, line 1: label {text[:40]!r} is not one of 0 to {len(EMOTIONS) - 1}")
        labels[name] = EMOTIONS[int(number)], file.name.removesuffix("_emotion.txt")
    return labels


def _folders(folder: Path, strays: list[str]) -> list[Path]:
    entries = sorted(folder.iterdir())
    strays.extend(f"{folder.name}/{entry.name}" for entry in entries if not entry.is_dir())
    return [entry for entry in entries if entry.is_dir()]


def _images(sequence: Path, strays: list[str]) -> list[Path]:
    entries = sorted(sequence.iterdir())
    images = [entry for entry in entries if entry.suffix.lower() == ".png" and not entry.name.startswith(".")]
    strays.extend(f"{sequence.parent.name}/{sequence.name}/{e.name}" for e in entries if e not in images)
    return images


def _points(path: Path) -> NDArray[np.float32]:
    """The 68 points (x, y) of a landmark file, float32 [68, 2], in pixels of its picture."""
    try:
        points = np.array([line.split() for line in path.read_text().splitlines() if line.strip()], np.float32)
    except OSError:
        raise DataError(f"{path}: not found, though Landmarks/ is there") from None
    except ValueError:
        points = np.zeros(0, np.float32)
    if points.shape != (68, 2) or not np.isfinite(points).all():
        raise DataError(f"{path}: not 68 lines of two numbers")
    return points


def _framed(grey: Grey, points: NDArray[np.float32]) -> Grey:
    """The face with its eyes level, framed as edge.vision.crop frames it by the mesh, uint8 [48, 48]."""
    along = points[_LEFT_CORNER] - points[_RIGHT_CORNER]
    angle = float(np.arctan2(along[1], along[0]))
    cos, sin = np.cos(angle), np.sin(angle)
    width, height = np.ptp(points @ np.array([[cos, -sin], [sin, cos]]), axis=0)
    x, y = points.mean(axis=0)
    side = max(float(FER2013_MARGIN_68.scale * np.sqrt(width * height)), 1.0)
    down = FER2013_MARGIN_68.down * side
    region = Region(float(x) - sin * down, float(y) + cos * down, side, angle)
    samples = max(int(np.ceil(side / SIDE)), 1)
    return cv2.resize(region.crop(grey, SIDE * samples), (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(
        np.uint8, copy=False
    )


def _middle(grey: Grey) -> Grey:
    side = min(grey.shape)
    top, left = (grey.shape[0] - side) // 2, (grey.shape[1] - side) // 2
    return grey[top : top + side, left : left + side]


def _split_subjects(subjects: list[str]) -> dict[str, Split]:
    by_rank = [Split.TRAINING] * 8 + [Split.PUBLIC_TEST, Split.PRIVATE_TEST]
    return {subject: by_rank[rank % 10] for rank, subject in enumerate(subjects)}
