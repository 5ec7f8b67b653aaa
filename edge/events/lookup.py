"""What ``mien events`` prints: the contract piece by piece, by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from edge.errors import MienError
from edge.events.catalogue import KINDS
from edge.events.examples import as_json, event, payloads
from edge.events.schemas import schemas


class UnknownNameError(MienError):
    """A name that the contract doesn't have."""


def check_name(name: str, names: Iterable[str], what: str) -> str:
    """Returns the name if it is one of ``names``; what: says what they name.

    Raises:
        UnknownNameError: it is none of them; the line tells the nearest, or all where none is near.
    """
    names = list(names)
    if name in names:
        return name
    near = difflib.get_close_matches(name.lower(), names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
    raise UnknownNameError(f"no {what} {name!r}; {hint}")


def schema(name: str | None) -> dict[str, Any]:
    """A payload's JSON Schema, or all of them by name; raises UnknownNameError."""
    known = schemas()
    return known if name is None else known[check_name(name, known, "schema")]


def example(name: str) -> Any:  # noqa: ANN401 - any JSON
    """An event of this kind, or a payload of this name, in JSON; raises UnknownNameError."""
    shown = payloads()
    kinds = {kind.name: kind for kind in KINDS}
    check_name(name, (*kinds, *shown), "kind or payload")
    return as_json(event(kinds[name]) if name in kinds else shown[name])


def kinds() -> list[str]:
    """A line for each kind of event: name, subject, severities, meaning."""
    rows = [(kind.name, kind.subject, " or ".join(kind.severities), kind.meaning) for kind in KINDS]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return ["  ".join((*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3])) for row in rows]
