"""What is wrong with a configuration: one line for each mistake, with the place where it was made."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from edge.errors import MienError

#: More of them help nobody; the rest is counted.
MOST_PROBLEMS = 50
_LONGEST = 400
_LOGIN = re.compile(r"(?<=://)[^/\s\"'@]*:[^/\s\"']*@")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was set: a file with its line, an environment variable, the command line, a preset or nowhere."""

    place: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.place}:{self.line}" if self.line else self.place


DEFAULT = Origin("default")


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. key: its dotted path; empty where the file as a whole cannot be read."""

    origin: Origin
    key: str
    reason: str

    def __str__(self) -> str:
        return one_line(": ".join(filter(None, (str(self.origin), self.key, self.reason))))


class ConfigError(MienError):
    """A configuration that can't be used as it is: a line for each problem, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.origin.line))
        lines = [str(problem) for problem in self.problems[:MOST_PROBLEMS]]
        if more := len(self.problems) - len(lines):
            lines.append(f"… and {more} more")
        super().__init__("\n".join(lines))


def one_line(text: str) -> str:
    """Text as one line that is safe to print: no passwords of URLs, nothing that moves the cursor, not too long."""
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in masked(text))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def masked(text: str) -> str:
    """Text whose URLs have asterisks where user and password stood."""
    return _LOGIN.sub("********@", text)
