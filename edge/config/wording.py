"""Why a value is refused and what was meant instead, in words."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from edge.config.keys import Key, KeyPath, Kind, keys, tables

_BARE = re.compile(r"[A-Za-z0-9_-]+")
#: No key is nearly as long; difflib takes its time over what is.
_LONGEST_NAME = 64
_NUMERAL = re.compile(r"\s*[+-]?[\d_.]+(e[+-]?\d+)?\s*")


def unfit(key: Key, value: object) -> str | None:
    """Why a value cannot be a key's, judged by its type alone; None where the key's own rules are to judge.

    Type for type, because a configuration that means a number does not say "1.5".
    """
    if any("\0" in text or not _encodable(text) for text in _texts(value)):
        return "holds a character that no file name and no program takes (NUL, or not UTF-8)"
    if isinstance(value, list | tuple) and (wrong := [item for item in value if not _is_one_of(item, key.items)]):
        return f"must be {key.takes}; among them is {_said(key, wrong[0])}" if key.items else None
    # Lists and tables may be written in several ways, which only the field's own validators know.
    return None if key.kinds & {"array", "object"} or _is_one_of(value, key.kinds) else refusal(key, value)


def refusal(key: Key, value: object) -> str:
    """What a key takes, and what it was given instead."""
    unit = f" ({key.unit})" if key.unit else ""
    return f"must be {key.takes}{unit}, not {_said(key, value)}{_hint(key, value)}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``; did you mean …?``, or nothing where nothing known is close."""
    close = nearest(name, known)
    return f"; did you mean {close}?" if close else ""


def nearest(name: str, known: Iterable[str], *, at_least: float = 0.6) -> str | None:
    """Which of the known names is close to one that somebody typed. at_least: difflib's ratio."""
    close = get_close_matches(name, known, n=1, cutoff=at_least) if len(name) <= _LONGEST_NAME else []
    return close[0] if close else None


def unknown(path: KeyPath) -> str:
    """What to say of a key that is not there: the nearest of its table, or its name elsewhere, or a near name."""
    table, name = path[:-1], path[-1]
    everything = {key.name: key.path[-1] for key in keys().values()}
    meant = [dotted((*table, close))] if (close := nearest(name, tables()[table].names)) else []
    meant = meant or [whole for whole, last in everything.items() if last == name][:3]
    if not meant and (close := nearest(dotted(path), everything, at_least=0.8)):
        meant = [close]
    return f"unknown key; did you mean {' or '.join(meant)}?" if meant else "unknown key"


def dotted(path: Sequence[str]) -> str:
    """A key's path as TOML has it, shortened where somebody made it very long."""
    names = ".".join(name if _BARE.fullmatch(name) else f'"{name}"' for name in path)
    return names if len(names) <= 2 * _LONGEST_NAME else f"{names[: 2 * _LONGEST_NAME]}…"


def _is_one_of(value: object, kinds: Collection[Kind]) -> bool:
    if isinstance(value, bool):
        return "boolean" in kinds
    if isinstance(value, int):
        return "integer" in kinds
    if isinstance(value, float):
        return "number" in kinds and math.isfinite(value)
    return isinstance(value, str) and "string" in kinds


def _said(key: Key, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value) if abs(value) < 1e15 or isinstance(value, float) else "a number of many digits"
    if isinstance(value, str) and key.choices and len(value) <= _LONGEST_NAME:
        return f'"{value}"'
    # Texts are not repeated: one may be a password in the wrong place.
    if isinstance(value, str):
        return "a text"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return "a table" if isinstance(value, Mapping) else "a date or time"


def _hint(key: Key, value: object) -> str:
    if not isinstance(value, str):
        return ""
    if key.choices:
        return did_you_mean(value, map(str, key.choices))
    quoted = (key.kinds & {"integer", "number"} and _NUMERAL.fullmatch(value)) or (
        "boolean" in key.kinds and value in ("true", "false")
    )
    return ": leave the quotes off" if quoted else ""


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - any TOML
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield name
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
