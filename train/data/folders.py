"""Image folders by class: Kaggle's FER2013 as pictures (``train/``, ``test/``, ``validation/``) and any like them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from train.data.faces import CLASSES, SIDE, DataError, Faces, LeftOut, LoadReport, Split
from train.data.images import MAX_UNREADABLE, SUFFIXES, read_images

#: Folder names, in small letters, and the class they mean.
CLASS_FOLDERS = {
    "anger": "anger",
    "angry": "anger",
    "disgust": "disgust",
    "disgusted": "disgust",
    "fear": "fear",
    "fearful": "fear",
    "happiness": "happiness",
    "happy": "happiness",
    "sadness": "sadness",
    "sad": "sadness",
    "surprise": "surprise",
    "surprised": "surprise",
    "neutral": "neutral",
}
#: Folder names, in small letters, and the split they mean.
SPLIT_FOLDERS = {
    "train": Split.TRAINING,
    "training": Split.TRAINING,
    "val": Split.PUBLIC_TEST,
    "valid": Split.PUBLIC_TEST,
    "validation": Split.PUBLIC_TEST,
    "publictest": Split.PUBLIC_TEST,
    "test": Split.PRIVATE_TEST,
    "privatetest": Split.PRIVATE_TEST,
}
#: What unpacking leaves behind, never data.
_LITTER = {"__macosx"}


@dataclass(slots=True)
class _Found:
    """Image files with what their folders say; ``split`` is None where no folder says it."""

    root: Path
    files: list[Path] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    splits: list[Split | None] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    public_by_name: int = 0

    def left_out(self, path: Path) -> None:
        self.others.append(str(path.relative_to(self.root)))


def load_folders(path: Path, max_unreadable: float = MAX_UNREADABLE) -> Faces:
    """Faces from image files in one folder a class, in one folder a split or without splits.

    Other sizes than 48×48 are resized. In ``test/`` a file name that starts with PublicTest or PrivateTest, as
    Kaggle's do, says which it is. Splits that no folder gives are taken from Training by content, one face in
    ten each: PublicTest, which fitting needs, and, where there are no split folders at all, PrivateTest.

    Raises DataError, naming it, for a folder that is neither split nor class, and where more than the share
    ``max_unreadable`` of the images cannot be read.
    """
    found = _Found(path)
    top = _top(found, path)
    if any(folder.name.lower() in SPLIT_FOLDERS for folder in top):
        _check(top, SPLIT_FOLDERS, "split")
        for folder in top:
            _scan_classes(found, _children(found, folder), SPLIT_FOLDERS[folder.name.lower()])
    else:
        _scan_classes(found, top, None)
    if not found.files:
        raise DataError(f"{path}: no images in it")
    images = read_images(found.files, path, max_unreadable)
    labels = np.array(found.labels, np.uint8)[images.kept]
    splits, notes = _splits(images.faces, [found.splits[index] for index in images.kept])
    if found.public_by_name:
        notes.append(f"{found.public_by_name:,} images of the test folder are PublicTest by their names")
    if absent := [name for index, name in enumerate(CLASSES) if index not in labels]:
        notes.append(f"no images of {', '.join(absent)}")
    if other := sum(count for size, count in images.sizes.items() if size != (SIDE, SIDE)):
        notes.append(f"{other:,} of {len(labels):,} images resized to {SIDE}×{SIDE}, taken as framed")
    if squeezed := sum(count for (width, height), count in images.sizes.items() if width != height):
        notes.append(f"{squeezed:,} of these are not square and were squeezed")
    others = (LeftOut("other files", tuple(found.others)),) if found.others else ()
    report = LoadReport(f"image folders, {path}", images.sizes, tuple(notes), (*images.unreadable, *others))
    return Faces(images.faces, labels, splits, report=report)


def _top(found: _Found, path: Path) -> list[Path]:
    """The folders of splits or classes, through wrappers that hold one folder and nothing else."""
    folders = _children(found, path)
    known = [folder for folder in folders if folder.name.lower() in SPLIT_FOLDERS | CLASS_FOLDERS]
    if known:
        return folders
    if len(folders) == 1:
        return _top(found, folders[0])
    raise DataError(
        f"{path}: no data set known here; wanted: fer2013.csv or icml_face_data.csv, CK+'s cohn-kanade-images/ with "
        "Emotion/, or images in folders by class (angry/, happy/, …), also under train/, validation/, test/"
    )


def _children(found: _Found, folder: Path) -> list[Path]:
    """The folders in a folder that is to hold folders alone; anything else in it is left out by name."""
    folders = []
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not entry.name.startswith(".") and entry.name.lower() not in _LITTER:
            folders.append(entry)
        else:
            found.left_out(entry)
    return folders


def _check(folders: list[Path], known: dict[str, Split] | dict[str, str], kind: str) -> None:
    for folder in folders:
        if folder.name.lower() not in known:
            raise DataError(f"{folder}: not a {kind} (known: {', '.join(known)}); rename it or move it elsewhere")


def _scan_classes(found: _Found, folders: list[Path], split: Split | None) -> None:
    _check(folders, CLASS_FOLDERS, "class")
    for folder in folders:
        label = CLASSES.index(CLASS_FOLDERS[folder.name.lower()])
        for file in sorted(folder.iterdir()):
            if file.is_dir() and not file.name.startswith("."):
                raise DataError(f"{file}: a folder within a class's folder; a class holds images only")
            if file.suffix.lower() not in SUFFIXES or file.name.startswith("."):
                found.left_out(file)
                continue
            public = split is Split.PRIVATE_TEST and file.name.lower().startswith("publictest")
            found.files.append(file)
            found.labels.append(label)
            found.splits.append(Split.PUBLIC_TEST if public else split)
            found.public_by_name += public


def _splits(faces: NDArray[np.uint8], given: list[Split | None]) -> tuple[NDArray[np.uint8], list[str]]:
    """The splits uint8 [N], and notes on those that no folder gave."""
    splits = np.array([Split.TRAINING if split is None else split for split in given], np.uint8)
    # By content, so that identical faces stay together and a set read anew falls into the same splits.
    tenth = np.array([zlib.crc32(face.tobytes()) % 10 for face in faces])
    unsplit = None in given
    wanted = [Split.PUBLIC_TEST, Split.PRIVATE_TEST] if unsplit else [Split.PUBLIC_TEST]
    notes = []
    for split in wanted:
        if split in splits:
            continue
        splits[(splits == Split.TRAINING) & (tenth == split)] = split
        notes.append(f"no folder for {split.title}: one face in ten of Training taken for it, by content")
    if Split.PRIVATE_TEST not in splits:
        notes.append("no PrivateTest: nothing to report a result on")
    return splits, notes
