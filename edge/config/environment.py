"""Configuration from environment variables: ``MIEN_<TABLE>__<KEY>``, as ``MIEN_STATE__EYES__MICROSLEEP_S``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping

from edge.config.errors import Origin, Problem
from edge.config.keys import Key, KeyPath, keys
from edge.config.wording import did_you_mean

_PREFIX = "MIEN_"
_BETWEEN = "__"
_TRUTH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def variable(path: KeyPath) -> str:
    """The environment variable that sets a key."""
    return _PREFIX + _BETWEEN.join(path).upper()


def from_environment(
    environment: Mapping[str, str], problems: list[Problem]
) -> Iterator[tuple[KeyPath, object, Origin]]:
    """The keys that environment variables set, each with its value as the key wants it; an empty one sets nothing.

    A variable with two underscores that is no key's is a problem; others, as ``MIEN_MODELS``, are not ours to judge.
    """
    known = {variable(path): key for path, key in keys().items()}
    for name, text in environment.items():
        if name in known:
            if text:
                yield known[name].path, _typed(known[name], text), _origin(name)
        elif name.startswith(_PREFIX) and _BETWEEN in name:
            problems.append(Problem(_origin(name), "", f"no such key{did_you_mean(name, known)}"))


def _origin(name: str) -> Origin:
    return Origin(f"environment {name}")


def _typed(key: Key, text: str) -> object:
    """A value written as in TOML; quotes may be left off a text. What does not fit is left for the key to refuse."""
    if key.is_text:
        return text
    if key.kinds == {"boolean"}:
        return _TRUTH.get(text.strip().lower(), text)
    try:
        document = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return document["value"] if document.keys() == {"value"} else text
