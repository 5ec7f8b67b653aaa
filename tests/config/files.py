"""A file that gives every key its default, to spoil."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from edge.config.keys import Key, keys, tables
from edge.config.writing import initial

_GIVEN = re.compile(r"#(\w+) = .+")


@dataclass(frozen=True)
class Whole:
    """lines: of the file. at: the index of each key's line and each table's header, by dotted path."""

    lines: tuple[str, ...]
    at: dict[str, int]

    def given(self) -> list[Key]:
        return [key for key in keys().values() if key.name in self.at]

    def spoiled(self, name: str, line: str) -> list[str]:
        lines = list(self.lines)
        lines[self.at[name]] = line
        return lines


def whole() -> Whole:
    """Made from what ``mien config init`` writes: the prose left out, each default's comment sign taken away."""
    lines: list[str] = []
    at: dict[str, int] = {}
    table = ""
    for line in initial().splitlines():
        if header := re.fullmatch(r"\[(.+)\]", line):
            table = header[1] + "."
            at[header[1]] = len(lines)
        elif given := _GIVEN.fullmatch(line):
            at[table + given[1]] = len(lines)
            line = line[1:]
        elif line.startswith("#"):
            continue
        lines.append(line)
    assert {".".join(path) for path in tables() if path} <= at.keys()
    return Whole(tuple(lines), at)


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path
