"""Recordings on disk: written so that a kill costs a second at most, read so that no damage goes unnoticed."""

from __future__ import annotations

import errno
import gzip
import logging
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self, TypeVar, cast

from pydantic import BaseModel, ValidationError

from edge.errors import MienError
from edge.recording.lines import SCHEMA, End, EndReason, Header, Moment

log = logging.getLogger(__name__)

#: Half of what a kill may cost: the frame that finds it overdue may itself be late.
FLUSH_EVERY_S = 0.5

Line = TypeVar("Line", bound=BaseModel)


class RecordingError(MienError):
    """A recording that can't be written or read; the message names the file, and the line where one is to blame."""


class RecordingWriter:
    """A recording as it grows; gzip where the name ends in ``.gz``. Use as a context manager.

    Left without ``end``, the file breaks off, and its readers are told.
    """

    def __init__(self, path: Path, header: Header) -> None:
        """Replaces the file at ``path``; raises RecordingError where it can't be written."""
        self._path = path
        self._flushed_s = time.monotonic()
        self.frames = 0
        with self._disk():
            self._disk_file = path.open("wb")
        self._file: IO[bytes] = self._disk_file
        if path.suffix == ".gz":
            zipped = gzip.GzipFile("", "wb", compresslevel=6, fileobj=self._disk_file)
            self._file = cast("IO[bytes]", zipped)
        self._put(header.to_json())
        self._flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # On a full disk closing fails as writing did, which has been told.
        for file in (self._file, self._disk_file):
            with suppress(OSError):
                file.close()

    def write(self, moment: Moment) -> None:
        """Append a frame's line; raises RecordingError on a full disk."""
        self._put(moment.to_json())
        self.frames += 1
        if time.monotonic() - self._flushed_s >= FLUSH_EVERY_S:
            self._flush()

    def end(self, reason: EndReason) -> None:
        """Append the last line and close the file; raises RecordingError on a full disk."""
        self._put(End(end=reason, frames=self.frames).to_json())
        with self._disk():
            self._file.close()
            self._disk_file.close()

    def _put(self, line: bytes) -> None:
        with self._disk():
            self._file.write(line)

    def _flush(self) -> None:
        with self._disk():
            self._file.flush()
        self._flushed_s = time.monotonic()

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            kept = f" after {self.frames} frames" if self.frames else ""
            way_out = "make room or name another --out" if error.errno == errno.ENOSPC else "name another --out"
            raise RecordingError(
                f"{self._path}: cannot be written{kept}: {error.strerror or error}; {way_out}"
            ) from None


class Recording:
    """A recording to be read once: its header at once, its moments by iterating. Use as a context manager.

    A file that breaks off, as a kill leaves it, is read up to there and a warning logged. frames: moments read so
    far. Raises RecordingError, also while iterating, naming the line that is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file: IO[bytes] = cast("IO[bytes]", gzip.GzipFile(path)) if path.suffix == ".gz" else path.open("rb")
        except OSError as error:
            raise RecordingError(f"{path}: {error.strerror or error}; mien record makes recordings") from None
        self._lines = self._read_lines()
        self.frames = 0
        try:
            self.header = self._read_header()
        except RecordingError:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Moment]:
        number = 1
        end: End | None = None
        for number, line in self._lines:
            if end is not None:
                raise self._damaged(number, "something follows the end record")
            if line.startswith(b'{"end"'):
                end = self._parse(End, number, line)
                continue
            try:
                moment = self._parse(Moment, number, line)
            except RecordingError:
                if next(self._lines, None) is None:
                    break  # the last line, cut in its midst
                raise
            self.frames += 1
            yield moment
        else:
            number += 1
        self._tell_missing(number, end)

    def _tell_missing(self, number: int, end: End | None) -> None:
        if end is None:
            log.warning(
                "%s: breaks off at line %d, before its end record; the %d frames before it are whole",
                *(self._path, number, self.frames),
            )
        elif end.frames != self.frames:
            log.warning("%s: holds %d of the %d frames that it once had", self._path, self.frames, end.frames)

    def _read_header(self) -> Header:
        number, line = next(self._lines, (1, b""))
        try:
            return Header.model_validate_json(line)
        except ValidationError as error:
            raise RecordingError(
                f"{self._path}: line {number}: no header of a {SCHEMA} ({_first(error)}); mien record makes recordings"
            ) from None

    def _parse(self, kind: type[Line], number: int, line: bytes) -> Line:
        try:
            return kind.model_validate_json(line)
        except ValidationError as error:
            raise self._damaged(number, _first(error)) from None

    def _read_lines(self) -> Iterator[tuple[int, bytes]]:
        number = 0
        try:
            for number, line in enumerate(self._file, start=1):
                yield number, line
        except EOFError:
            return  # a gzip file that breaks off
        except (OSError, zlib.error) as error:
            raise self._damaged(number + 1, str(error)) from None

    def _damaged(self, number: int, why: str) -> RecordingError:
        return RecordingError(f"{self._path}: line {number} is damaged: {why}; take it out, or record again")


def _first(error: ValidationError) -> str:
    """Pydantic's first complaint in a few words."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return "not JSON"
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
