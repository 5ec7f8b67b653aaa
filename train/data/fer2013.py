"""FER2013 as Kaggle gives it out, with FERPlus's votes beside it.

Kaggle has the same 35,887 faces twice: ``fer2013.csv`` (columns emotion, pixels, Usage) and
``icml_face_data.csv`` (emotion, Usage, pixels, with blanks in the names). FERPlus's ``fer2013new.csv``
(github.com/microsoft/FERPlus) has ten people's votes for each of their rows, in the same order.
"""

from __future__ import annotations

import codecs
import os
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from train.data.faces import CLASSES, FERPLUS_COLUMNS, SIDE, DataError, Faces, LoadReport, Split

#: The files of faces, the preferred one first, and the file of votes.
CSV_NAMES = ("fer2013.csv", "icml_face_data.csv")
VOTES_NAME = "fer2013new.csv"
#: Rows of the whole of FER2013.
PUBLISHED = 35_887
_SPLITS = {split.title.encode(): split for split in Split}
_VOTES = tuple("NF" if name == "not_a_face" else name for name in FERPLUS_COLUMNS)

Bytes = NDArray[np.uint8]


def find_csv(path: Path) -> Path | None:
    """FER2013's CSV: the path itself, or in the folder, or in its ``fer2013/`` as Kaggle's archive unpacks."""
    if path.is_file():
        return path
    candidates = [folder / name for folder in (path, path / "fer2013") for name in CSV_NAMES]
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def load_fer2013(path: Path, ferplus: Path | None = None) -> Faces:
    """FER2013 from its CSV or the CSV's folder, with the votes of ``ferplus`` or of a ``fer2013new.csv`` beside it.

    The parsed pixels are cached beside the CSV (where that folder can be written) until the CSV changes.
    Raises DataError naming file and line for anything that is not as Kaggle and FERPlus publish it.
    """
    source = find_csv(path)
    if source is None:
        raise DataError(f"{path}: no {' or '.join(CSV_NAMES)}; --data takes the folder that holds Kaggle's fer2013.csv")
    if ferplus is None:
        beside = source.parent / VOTES_NAME
        ferplus = beside if beside.is_file() else None
    elif not ferplus.is_file():
        raise DataError(f"{ferplus}: not found; FERPlus's {VOTES_NAME} is wanted")
    stat = source.stat()
    stamp = f"{stat.st_size} {stat.st_mtime_ns}"
    cache = source.with_suffix(".cache.npz")
    arrays = _read_cache(cache, stamp)
    if arrays is None:
        arrays = _read_pixels(source)
        _write_cache(cache, stamp, source, arrays)
    pixels, labels, splits = arrays
    votes = None if ferplus is None else _read_votes(ferplus, splits)
    notes = []
    if len(labels) != PUBLISHED:
        notes.append(f"{len(labels):,} rows, where FER2013 has {PUBLISHED:,}: a part of it, or a file cut between rows")
    report = LoadReport(f"FER2013, {source}", {(SIDE, SIDE): len(labels)}, tuple(notes))
    return Faces(pixels, labels, splits, votes, report)


def _rows(path: Path, needed: Sequence[str]) -> Iterator[tuple[int, list[bytes]]]:
    """(line number, the needed columns) of a CSV; blanks and quotes around names and values are forgiven.

    By hand, since no value holds a comma and :mod:`csv` takes seconds for the 300 MB.
    """
    with path.open("rb") as file:
        header = file.readline().removeprefix(codecs.BOM_UTF8)
        names = [name.decode(errors="replace") for name in _fields(header)]
        if missing := [name for name in needed if name not in names]:
            if path.name == VOTES_NAME and set(_VOTES) <= set(names):
                raise DataError(f"{path}: holds FERPlus's votes alone; give fer2013.csv, with this file beside it")
            found = ", ".join(names)[:200] or "nothing"
            raise DataError(f"{path}: no column {', '.join(missing)} (found: {found}); is it {' or '.join(CSV_NAMES)}?")
        columns = [names.index(name) for name in needed]
        with tqdm(
            total=path.stat().st_size, desc=path.name, unit="B", unit_scale=True, leave=False, disable=None, delay=1
        ) as bar:
            bar.update(len(header))
            for number, line in enumerate(file, start=2):
                bar.update(len(line))
                if not line.strip():
                    continue
                fields = _fields(line)
                if len(fields) != len(names):
                    raise DataError(
                        f"{path}, line {number}: {len(fields)} columns, not {len(names)}: the row is cut or damaged"
                    )
                yield number, [fields[column] for column in columns]


def _fields(line: bytes) -> list[bytes]:
    return [field.strip(b' "\r\n') for field in line.split(b",")]


def _read_pixels(path: Path) -> tuple[Bytes, Bytes, Bytes]:
    pixels: list[Bytes] = []
    labels: list[int] = []
    splits: list[int] = []
    with warnings.catch_warnings():
        # Before numpy 2.3 fromstring only warns of what it cannot read.
        warnings.simplefilter("error", DeprecationWarning)
        for line, (emotion, usage, text) in _rows(path, ("emotion", "Usage", "pixels")):
            where = f"{path}, line {line}"
            if not emotion.isdigit() or int(emotion) >= len(CLASSES):
                raise DataError(f"{where}: emotion {_shown(emotion)} is not one of 0 to {len(CLASSES) - 1}")
            if usage not in _SPLITS:
                raise DataError(f"{where}: Usage {_shown(usage)} is not one of {', '.join(s.title for s in Split)}")
            try:
                values = np.fromstring(text, np.int64, sep=" ")
            except (ValueError, DeprecationWarning):
                raise DataError(f"{where}: pixels are not whole numbers with blanks between") from None
            if values.size != SIDE * SIDE:
                raise DataError(
                    f"{where}: {values.size} pixels, not {SIDE * SIDE}: the row is cut or of another data set"
                )
            if values.min() < 0 or values.max() > 255:
                raise DataError(f"{where}: a pixel is outside 0 to 255")
            pixels.append(values.astype(np.uint8).reshape(SIDE, SIDE))
            labels.append(int(emotion))
            splits.append(_SPLITS[usage])
    if not pixels:
        raise DataError(f"{path}: no rows")
    return np.stack(pixels), np.array(labels, np.uint8), np.array(splits, np.uint8)


def _shown(value: bytes) -> str:
    return repr(value[:40].decode(errors="replace"))


def _read_votes(path: Path, splits: Bytes) -> Bytes:
    votes: list[list[int]] = []
    usages: list[int] = []
    for line, (usage, *counts) in _rows(path, ("Usage", *_VOTES)):
        where = f"{path}, line {line}"
        if usage not in _SPLITS:
            raise DataError(f"{where}: Usage {_shown(usage)} is not one of {', '.join(s.title for s in Split)}")
        if not all(count.isdigit() and int(count) < 256 for count in counts):
            raise DataError(f"{where}: a vote is not a whole number from 0 to 255")
        votes.append([int(count) for count in counts])
        usages.append(_SPLITS[usage])
    if len(votes) != len(splits):
        raise DataError(f"{path}: {len(votes)} rows of votes for {len(splits)} faces; the two files must go together")
    # The rows are matched by their order alone; a file in another order shows here.
    if (other := np.flatnonzero(np.array(usages, np.uint8) != splits)).size:
        raise DataError(
            f"{path}: vote {other[0] + 1} is for {Split(usages[other[0]]).title}, "
            f"that face is of {Split(splits[other[0]]).title}; the two files must go together"
        )
    return np.array(votes, np.uint8)


def _read_cache(cache: Path, stamp: str) -> tuple[Bytes, Bytes, Bytes] | None:
    try:
        # Opened here, since np.load leaves the file open where it holds no archive.
        with cache.open("rb") as file, np.load(file) as stored:
            if str(stored["stamp"]) == stamp:
                return stored["pixels"], stored["labels"], stored["splits"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        pass  # none, or damaged: the CSV itself is read
    return None


def _write_cache(cache: Path, stamp: str, source: Path, arrays: tuple[Bytes, Bytes, Bytes]) -> None:
    if not os.access(cache.parent, os.W_OK):
        return
    pixels, labels, splits = arrays
    # Written aside and moved, so that a kill leaves no half cache to be read later.
    with tempfile.NamedTemporaryFile(dir=cache.parent, prefix=".", suffix=".npz", delete=False) as file:
        aside = Path(file.name)
        try:
            np.savez(file, stamp=np.array(stamp), pixels=pixels, labels=labels, splits=splits)
        except OSError:  # a full disk costs the cache, not the training
            aside.unlink()
            return
    shutil.copymode(source, aside)
    aside.replace(cache)
