"""A TOML file's values, and the line of each of its keys, which ``tomllib`` does not tell."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.config.errors import ConfigError, Origin, Problem

#: The file that ``mien config init`` writes, several times over; ``tomllib`` is slow on what is far larger.
MOST_BYTES = 256 * 1024
#: A key of thousands of dotted parts takes ``tomllib`` minutes.
LONGEST_LINE = 2000

_TOKEN = re.compile(
    r"""
      (?P<text>"{3}(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5} | '{3}(?:[^']|'{1,2}(?!'))*'{3,5}
             | "(?:[^"\\\n]|\\.)*" | '[^'\n]*')
    | (?P<comment>\#[^\n]*)
    | (?P<mark>[\[\]{},=.\n])
    | (?P<bare>[^\s\[\]{},=.\#"']+)
    """,
    re.VERBOSE | re.DOTALL,
)
_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_PLAINER = {
    "Cannot overwrite a value": "a key is given twice",
    "Invalid statement": "neither a [table] nor a key = value",
}


@dataclass(frozen=True, slots=True)
class TomlFile:
    """What a file holds. lines: of each key and table, by its path; those within a list are the list's."""

    name: str
    values: Mapping[str, Any]
    lines: Mapping[tuple[str, ...], int]

    def origin(self, path: tuple[str, ...]) -> Origin:
        """Where a key or a table stands."""
        return Origin(self.name, self.lines.get(path, 0))


def read_toml(path: Path) -> TomlFile:
    """Reads a TOML file; raises ConfigError with the line of the first thing in it that is not TOML."""
    name = str(path)
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise _refusal(name, 0, getattr(error, "strerror", None) or str(error)) from None
    if len(data) > MOST_BYTES:
        raise _refusal(name, 0, f"more than {MOST_BYTES // 1024} KiB: too large for a configuration")
    text = _decoded(name, data)
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > LONGEST_LINE:
            raise _refusal(name, number, f"a line of more than {LONGEST_LINE:,} characters; break a long list up")
    try:
        return TomlFile(name, tomllib.loads(text), key_lines(text))
    except RecursionError:
        raise _refusal(name, 0, "not TOML that can be read: lists or tables nested too deep") from None
    except ValueError as error:  # TOMLDecodeError, or Python's own for a number of thousands of digits
        raise _refusal(name, *_explained(text, str(error))) from None


def key_lines(text: str) -> dict[tuple[str, ...], int]:
    """The line of each key and table of a valid TOML document, counted from 1, where it appears first."""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    here: tuple[str, ...] = ()  # the key whose value is being read
    parts: list[str] = []  # of the key or header being read
    open_brackets: list[tuple[str, tuple[str, ...]]] = []  # each with the key whose value it opened
    in_header = False
    in_key = True
    line, last = 1, 0

    def found(path: tuple[str, ...]) -> None:
        for length in range(1, len(path) + 1):
            lines.setdefault(path[:length], line)

    for token in _TOKEN.finditer(text):
        line += text.count("\n", last, token.start())
        last = token.start()
        if token["comment"]:
            continue
        word = token.group()
        if token["mark"] is None:
            if in_key:
                parts.append(tomllib.loads(f"key = {word}")["key"] if token["text"] else word)
        elif in_key and word == "=":
            here = (open_brackets[-1][1] if open_brackets else table) + tuple(parts)
            found(here)
            parts, in_key = [], False
        elif word == "\n":
            if in_header:
                table = tuple(parts)
                found(table)
            if not open_brackets:
                parts, in_header, in_key = [], False, True
        elif in_key and not open_brackets and word in "[]":
            in_header = True
        elif word in "[{":
            open_brackets.append((word, here))
            in_key = word == "{"
        elif word in "]}":
            here = open_brackets.pop()[1]
            in_key = False
        elif word == ",":
            in_key = open_brackets[-1][0] == "{"
    if in_header:
        found(tuple(parts))
    return lines


def _decoded(name: str, data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _refusal(name, 1, "not TOML: the file is UTF-16; save it as UTF-8")
    try:
        # Editors on Windows begin a file with a byte order mark. TOML's lines end as \n or \r\n, and tomllib's too.
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _refusal(name, line, f"not TOML: byte 0x{data[error.start]:02x} is not UTF-8; save it as UTF-8") from None


def _explained(text: str, message: str) -> tuple[int, str]:
    """The line that tomllib's message names, and the rest of it."""
    if "integer string conversion" in message:
        return 0, "not TOML: a number of thousands of digits"
    place = _PLACE.search(message)
    line = text.count("\n") + 1
    if place and place[1]:
        line = int(place[1])
    message = _PLACE.sub("", message)
    return line, f"not TOML: {_PLAINER.get(message, message[:1].lower() + message[1:])}"


def _refusal(name: str, line: int, reason: str) -> ConfigError:
    return ConfigError([Problem(Origin(name, line), "", reason)])
