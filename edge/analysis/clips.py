"""Which clips were asked for, and where what is made of each goes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.analysis.photo import is_photo
from edge.aside import check_place
from edge.errors import MienError

#: What a folder is searched for; a file that is named itself may be called anything.
VIDEO_SUFFIXES = frozenset(
    (
        *(".3gp", ".asf", ".avi", ".flv", ".gif", ".h264", ".m2ts", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4"),
        *(".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv"),
    )
)


@dataclass(frozen=True, slots=True)
class Clip:
    """A file to read, and the name it goes by: its path below the folder that was asked for, or as it was given."""

    path: Path
    name: str

    @property
    def is_photo(self) -> bool:
        """Whether it is a single picture."""
        return is_photo(self.path)


def find_clips(asked: Iterable[Path]) -> list[Clip]:
    """The files that were named, and the videos in the folders that were, those below them included.

    In the order asked for, each folder's in natural order (clip2 before clip10), none twice. Hidden files are left
    out. Raises MienError for a folder without a video; a file that is missing is told when it is read.
    """
    found: dict[Path, Clip] = {}
    for path in asked:
        if not path.is_dir():
            found.setdefault(path.resolve(), Clip(path, path.name))
            continue
        inside = [file for file in path.rglob("*") if _is_video(file, path)]
        if not inside:
            raise MienError(f"{path}: no video in this folder; name the files themselves if they are called otherwise")
        for file in sorted(inside, key=_natural):
            found.setdefault(file.resolve(), Clip(file, file.relative_to(path).as_posix()))
    names = Counter(clip.name for clip in found.values())
    # Two clips of one name, in different folders, go by their whole paths.
    return [clip if names[clip.name] == 1 else Clip(clip.path, str(clip.path)) for clip in found.values()]


def places(clips: Sequence[Clip], out: Path, suffixes: Sequence[str], option: str) -> list[Path]:
    """Where the file that is made of each clip goes: ``out`` itself for a single one, else into the folder ``out``.

    suffixes: those that the file may have; in a folder all have the first. Folders are made. Raises MienError where
    several clips would go into one file, where a file would take a clip's place, and where none can be written.
    """
    is_file = bool(out.suffix) and not out.is_dir()
    if is_file and out.suffix.lower() not in suffixes:
        raise MienError(
            f"{option} {out}: '{out.suffix}' is not written here; name a {' or '.join(suffixes)}, or a folder"
        )
    if is_file and len(clips) > 1:
        raise MienError(f"{option} {out}: {len(clips)} clips don't go into one file; name a folder")
    if is_file:
        into = [out]
    else:
        # A clip's name may be a whole path, which would lead out of the folder.
        stems = [Path(*(part for part in Path(clip.name).parts if part not in ("/", ".."))) for clip in clips]
        named = [stem.with_suffix(suffixes[0]) for stem in stems]
        count = Counter(named)
        # a.gif and a.mov would both be a.mp4.
        into = [
            out / (name if count[name] == 1 else f"{stem}{suffixes[0]}")
            for stem, name in zip(stems, named, strict=True)
        ]
        try:
            for folder in {path.parent for path in into}:
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MienError(f"{option} {out}: {error.strerror or error}; name another folder") from None
    originals = {clip.path.resolve() for clip in clips}
    for path in into:
        if path.resolve() in originals:
            raise MienError(f"{option} {path}: that is a clip itself; name another place")
        check_place(path, option)
    return into


def _is_video(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    return not hidden and file.suffix.lower() in VIDEO_SUFFIXES and file.is_file()


def _natural(path: Path) -> list[tuple[bool, int, str]]:
    """Sorts the numbers in a path as numbers."""
    parts = re.split(r"(\d+)", path.as_posix().casefold())
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]
