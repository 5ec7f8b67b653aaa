"""Several files that change together or not at all, whenever the process is killed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

_ASIDE = "tmp-"
_COMPLETE = "tmp-complete"


def write(folder: Path, files: Mapping[str, Callable[[Path], object]]) -> None:
    """Write each named file by its function, aside first; then move all of them into place.

    A kill before the last one is written leaves the old files, one after it the new ones: :func:`recover` moves
    what is left to be moved.
    """
    recover(folder)
    for name, save in files.items():
        save(folder / f"{_ASIDE}{name}")
    (folder / _COMPLETE).touch()
    recover(folder)


def recover(folder: Path) -> None:
    """End what a kill interrupted: move complete files into place, throw incomplete ones away."""
    complete = folder / _COMPLETE
    for path in folder.glob(f"{_ASIDE}*"):
        if path == complete:
            continue
        if complete.exists():
            path.replace(folder / path.name.removeprefix(_ASIDE))
        else:
            path.unlink()
    complete.unlink(missing_ok=True)
