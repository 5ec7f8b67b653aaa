"""From file, environment and command line to one configuration, and where each of its values comes from."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from edge.config.environment import from_environment
from edge.config.errors import DEFAULT, MOST_PROBLEMS, ConfigError, Origin, Problem
from edge.config.keys import KeyPath, keys, tables, value_at
from edge.config.model import PRESETS, Config
from edge.config.toml_file import read_toml
from edge.config.wording import dotted, refusal, unfit, unknown

#: Single values by table and key, as the command line gives them.
Overrides = Mapping[str, Mapping[str, Any] | str]

_COMMAND_LINE = Origin("command line")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration, and where each value that somebody set was set last."""

    config: Config
    origins: Mapping[KeyPath, Origin]

    def origin(self, path: KeyPath) -> Origin:
        """Where a key's value comes from."""
        if path in self.origins:
            return self.origins[path]
        if _at(PRESETS[self.config.preset], path) is not None:
            return Origin(f"preset {self.config.preset}")
        if value_at(self.config, path) != keys()[path].default:
            # Made of another key of its table: a user name out of a URL, a source that is a command.
            return next((origin for other, origin in self.origins.items() if other[:-1] == path[:-1]), DEFAULT)
        return DEFAULT


def load(
    path: Path | None, overrides: Overrides | None = None, *, environment: Mapping[str, str] | None = None
) -> Config:
    """The configuration from a TOML file (or none), the environment and single values, the later ones winning.

    environment: by default the process's own. Raises ConfigError that tells all that is wrong.
    """
    return load_with_origins(path, overrides, environment=environment).config


def load_with_origins(
    path: Path | None, overrides: Overrides | None = None, *, environment: Mapping[str, str] | None = None
) -> Loaded:
    """What ``load`` loads, with the origin of each value."""
    problems: list[Problem] = []
    values: dict[KeyPath, object] = {}
    origins: dict[KeyPath, Origin] = {}
    for key, value, origin in _given(
        path, overrides or {}, os.environ if environment is None else environment, problems
    ):
        values[key], origins[key] = value, origin
        if (reason := unfit(keys()[key], value)) is not None:
            problems.append(Problem(origin, dotted(key), reason))
    wrong = {problem.key for problem in problems}
    try:
        config = Config.model_validate(
            _nested({key: value for key, value in values.items() if dotted(key) not in wrong})
        )
    except ValidationError as error:
        problems += _explained(error, values, origins, wrong)
        raise ConfigError(problems) from None
    if problems:
        raise ConfigError(problems)
    return Loaded(config, origins)


def _given(
    path: Path | None, overrides: Overrides, environment: Mapping[str, str], problems: list[Problem]
) -> Iterator[tuple[KeyPath, object, Origin]]:
    """All that is set, the weakest first; what is no key becomes a problem."""
    if path is not None:
        file = read_toml(path)
        yield from _leaves(file.values, file.origin, problems)
    yield from from_environment(environment, problems)
    yield from _leaves(overrides, lambda _path: _COMMAND_LINE, problems)


def _leaves(
    values: Mapping[str, Any],
    origin: Callable[[KeyPath], Origin],
    problems: list[Problem],
    table: KeyPath = (),
) -> Iterator[tuple[KeyPath, object, Origin]]:
    for name, value in values.items():
        path = (*table, name)
        if path in keys():
            yield path, str(value) if isinstance(value, Path) else value, origin(path)
        elif path not in tables():
            # Looking for what was meant takes its time, and nobody reads the thousandth.
            reason = unknown(path) if len(problems) < MOST_PROBLEMS else "unknown key"
            problems.append(Problem(origin(path), dotted(path), reason))
        elif isinstance(value, Mapping):
            yield from _leaves(value, origin, problems, path)
        else:
            problems.append(Problem(origin(path), dotted(path), f"must be a table: [{dotted(path)}]"))


def _nested(values: Mapping[KeyPath, object]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for path, value in values.items():
        inner = whole
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        inner[path[-1]] = value
    return whole


def _at(values: Mapping[str, Any], path: KeyPath) -> object:
    inner: Any = values
    for name in path:
        inner = inner.get(name) if isinstance(inner, Mapping) else None
    return inner


def _explained(
    error: ValidationError, values: Mapping[KeyPath, object], origins: Mapping[KeyPath, Origin], wrong: set[str]
) -> list[Problem]:
    """Pydantic's complaints, one a key, with their origins. wrong: the keys that were refused before."""
    found: dict[str, Problem] = {}
    for complaint in error.errors(include_url=False, include_input=False):
        path = tuple(str(part) for part in complaint["loc"])
        message = complaint["msg"].removeprefix("Value error, ")
        key = next((path[:length] for length in range(len(path), 0, -1) if path[:length] in keys()), None)
        if key is not None:
            ours = complaint["type"] == "value_error"
            problem = Problem(
                origins.get(key, DEFAULT), dotted(key), message if ours else refusal(keys()[key], values.get(key))
            )
        elif any(name.startswith(".".join(path)) for name in wrong):
            continue  # a rule about several keys, one of which is missing because it was refused
        else:
            problem = Problem(_blamed(message, path, origins), dotted(path), message)
        found.setdefault(problem.key, problem)
    return list(found.values())


def _blamed(message: str, table: KeyPath, origins: Mapping[KeyPath, Origin]) -> Origin:
    """Where what a rule about several keys of a table complains of was set: the key that it names and was set last."""
    within = {path[-1]: origin for path, origin in origins.items() if path[:-1] == table}
    named = [within[word] for word in re.findall(r"\w+", message) if word in within]
    # What has no line comes after the file.
    return max(named or within.values(), key=lambda origin: (not origin.line, origin.line), default=DEFAULT)
