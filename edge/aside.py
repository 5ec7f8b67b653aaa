"""Files that are whole or not there: written beside their place, then renamed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.errors import MienError


def check_place(path: Path, option: str) -> None:
    """Raises MienError where no file could be put at ``path``: before the work whose result goes there."""
    if path.is_dir():
        raise MienError(f"{path}: that is a folder; name a file with {option}")
    if not path.parent.is_dir():
        raise MienError(f"{path}: there is no folder {path.parent}; make it or name another {option}")
    if not os.access(path.parent, os.W_OK):
        raise MienError(f"{path}: cannot be written: Permission denied; name another {option}")


@contextmanager
def put_in_place(path: Path, option: str) -> Iterator[Path]:
    """A new file beside ``path``, with its suffix, to write to; takes its place at the end.

    Whatever ends it early, Ctrl-C included, leaves ``path`` as it was and nothing beside it. Raises MienError, naming
    the ``option`` that named the file, where the folder can't be written.
    """
    aside: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
        os.close(handle)
        aside = Path(name)
        yield aside
        aside.chmod(0o644)
        aside.replace(path)
    except OSError as error:
        raise MienError(f"{path}: cannot be written: {error.strerror or error}; name another {option}") from None
    finally:
        if aside is not None:
            aside.unlink(missing_ok=True)
