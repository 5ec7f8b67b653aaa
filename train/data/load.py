"""Any of the known data sets, recognised by what lies there."""

from __future__ import annotations

from pathlib import Path

from train.data.ckplus import find_ckplus, load_ckplus
from train.data.faces import DataError, Faces
from train.data.fer2013 import find_csv, load_fer2013
from train.data.folders import load_folders
from train.data.images import MAX_UNREADABLE


def load(path: Path, ferplus: Path | None = None, max_unreadable: float = MAX_UNREADABLE) -> Faces:
    """Faces from a file or folder, recognised by what lies there.

    It may be:

    - ``fer2013.csv`` or ``icml_face_data.csv``, or the folder of one; with the votes of ``ferplus`` (FERPlus's
      ``fer2013new.csv``), or of that file where it lies beside;
    - CK+'s folder with ``cohn-kanade-images/`` and ``Emotion/``;
    - images in folders by class, also under ``train/``, ``validation/`` and ``test/``.

    What was there and was not read, and every decision, stands in ``Faces.report``. Raises DataError naming file
    and row, or folder, for what cannot be read as it is; up to the share ``max_unreadable`` of image files may be
    damaged and are left out by name.
    """
    if not path.exists():
        raise DataError(f"{path}: not found")
    if path.is_file() and path.suffix.lower() != ".csv":
        raise DataError(f"{path}: neither a CSV nor a folder; an archive is to be unpacked first")
    if find_csv(path):
        return load_fer2013(path, ferplus)
    if ferplus is not None:
        raise DataError(f"{ferplus}: FERPlus's votes go with the rows of fer2013.csv, and {path} has none")
    if root := find_ckplus(path):
        return load_ckplus(root, max_unreadable)
    return load_folders(path, max_unreadable)
