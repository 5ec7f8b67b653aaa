"""How files come into a folder of models: whole and on the disk first, then in their place by a rename."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.models.files import ModelsError

_PREFIX = ".installing-"


@contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """A new folder inside ``folder``, so on its file system, for one installer at a time; gone afterwards.

    Raises ModelsError where another is at work, OSError where ``folder`` cannot be written to.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ModelsError(f"{folder}: another mien models command is at work here; wait for it to end") from error
        for left_by_a_kill in folder.glob(_PREFIX + "*"):
            shutil.rmtree(left_by_a_kill)
        with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=folder) as name:
            yield Path(name)
    finally:
        os.close(handle)


def write_new(path: Path, content: bytes) -> Path:
    """Writes a file that is not there yet; returns once it is on the disk."""
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return path


def sync(folder: Path) -> None:
    """Has the renames in ``folder`` on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
