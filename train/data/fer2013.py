"""FER2013 as Kaggle gives it out (``fer2013.csv``), with FERPlus's votes (``fer2013new.csv``) beside it."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from train.data.faces import CLASSES, FERPLUS_COLUMNS, DataError, Faces, Split

SIDE = 48
_SPLITS = {"Training": Split.TRAINING, "PublicTest": Split.PUBLIC_TEST, "PrivateTest": Split.PRIVATE_TEST}
_CACHE = "fer2013.cache.npz"


def load_fer2013(folder: Path) -> Faces:
    """FER2013 from ``folder/fer2013.csv``, with votes where ``folder/fer2013new.csv`` is there too.

    The parsed pixels are cached beside the CSV (where the folder can be written) until a CSV changes.
    Raises DataError naming file and row for anything that is not as Kaggle and FERPlus publish it.
    """
    source, ferplus = folder / "fer2013.csv", folder / "fer2013new.csv"
    if not source.is_file():
        raise DataError(f"{source}: not found; --data takes the folder that holds Kaggle's fer2013.csv")
    stamp = [str(path.stat().st_mtime_ns) + ":" + str(path.stat().st_size) for path in (source, ferplus) if path.is_file()]
    cache = folder / _CACHE
    if cache.is_file():
        with np.load(cache) as stored:
            if stored["stamp"].tolist() == stamp:
                votes = stored["votes"] if stored["votes"].size else None
                return Faces(stored["pixels"], stored["labels"], stored["splits"], votes)
    pixels, labels, splits = _read_pixels(source)
    votes = _read_votes(ferplus, len(labels)) if ferplus.is_file() else None
    _write_cache(cache, stamp, pixels, labels, splits, votes)
    return Faces(pixels, labels, splits, votes)


def _rows(path: Path, needed: set[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, row) with blanks stripped from the column names."""
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        names = [name.strip() for name in reader.fieldnames or []]
        if missing := needed - set(names):
            raise DataError(f"{path}: no column {', '.join(sorted(missing))} (found: {', '.join(names) or 'nothing'})")
        reader.fieldnames = names
        for row in reader:
            yield reader.line_num, row


def _read_pixels(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    pixels: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    splits: list[int] = []
    for line, row in _rows(path, {"emotion", "pixels", "Usage"}):
        where = f"{path}, line {line}"
        label = row["emotion"] or ""
        if not label.isdigit() or int(label) >= len(CLASSES):
            raise DataError(f"{where}: emotion {label!r} is not one of 0 to {len(CLASSES) - 1}")
        if row["Usage"] not in _SPLITS:
            raise DataError(f"{where}: Usage {row['Usage']!r} is not one of {', '.join(_SPLITS)}")
        try:
            values = np.array((row["pixels"] or "").split(), dtype=np.int64)
        except ValueError as error:
            raise DataError(f"{where}: pixels: {error}") from None
        if values.size != SIDE * SIDE:
            raise DataError(f"{where}: {values.size} pixels, not {SIDE * SIDE}: the row is cut or of another data set")
        if values.min() < 0 or values.max() > 255:
            raise DataError(f"{where}: a pixel is outside 0 to 255")
        pixels.append(values.astype(np.uint8).reshape(SIDE, SIDE))
        labels.append(int(label))
        splits.append(_SPLITS[row["Usage"]])
    if not pixels:
        raise DataError(f"{path}: no rows")
    return np.stack(pixels), np.array(labels, np.uint8), np.array(splits, np.uint8)


def _read_votes(path: Path, expected: int) -> NDArray[np.uint8]:
    columns = ["NF" if name == "not_a_face" else name for name in FERPLUS_COLUMNS]
    votes: list[list[int]] = []
    for line, row in _rows(path, set(columns)):
        try:
            votes.append([int(row[name]) for name in columns])
        except (TypeError, ValueError):
            raise DataError(f"{path}, line {line}: a vote is not a whole number") from None
    if len(votes) != expected:
        raise DataError(f"{path}: {len(votes)} rows of votes for {expected} faces; the two files must go together")
    return np.array(votes, np.uint8)


def _write_cache(
    cache: Path,
    stamp: list[str],
    pixels: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    splits: NDArray[np.uint8],
    votes: NDArray[np.uint8] | None,
) -> None:
    if not os.access(cache.parent, os.W_OK):
        return
    # Written aside and moved, so that a kill leaves no half cache to be read later.
    with tempfile.NamedTemporaryFile(dir=cache.parent, suffix=".npz", delete=False) as file:
        np.savez(
            file,
            stamp=np.array(stamp),
            pixels=pixels,
            labels=labels,
            splits=splits,
            votes=np.zeros(0, np.uint8) if votes is None else votes,
        )
    Path(file.name).replace(cache)
