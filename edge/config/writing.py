"""The configuration as TOML: what is in effect, and a file to begin with."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from edge.config.errors import ConfigError, Origin, Problem, masked
from edge.config.keys import Key, Table, keys, tables, value_at
from edge.config.loading import Loaded, load
from edge.delivery.settings import PASSWORD_VARIABLE

_MASK = "********"
_WIDTH = 100


def toml_value(value: Any) -> str:  # noqa: ANN401 - any setting
    """A setting's value as TOML, on one line; secrets as asterisks."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, SecretStr):
        return f'"{_MASK}"'
    if isinstance(value, BaseModel):
        value = value.model_dump(exclude_none=True)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name} = {toml_value(inner)}' for name, inner in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    # JSON's escapes are TOML's, but for DEL, which JSON leaves as it is.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def shown(loaded: Loaded, environment: Mapping[str, str] | None = None) -> str:
    """The configuration in effect as TOML; beside each value where it comes from. What is not set is a comment.

    environment: by default the process's own; its broker password is told of, not shown.
    """
    password_given = PASSWORD_VARIABLE in (os.environ if environment is None else environment)
    lines = []
    for table in tables().values():
        lines += _header(table)
        rows = []
        for key in _keys_of(table):
            value, origin = value_at(loaded.config, key.path), loaded.origin(key.path)
            if key.path == ("broker", "password") and password_given:
                value, origin = SecretStr(_MASK), Origin(f"environment {PASSWORD_VARIABLE}")
            name = key.path[-1]
            rows.append((f"# {name} is not set" if value is None else f"{name} = {masked(toml_value(value))}", origin))
        width = min(48, max((len(text) for text, _ in rows), default=0))
        lines += [f"{text:{width}}  # {origin}" for text, origin in rows]
    return "\n".join(lines) + "\n"


def initial(preset: str | None = None) -> str:
    """A file that says what each key is for and sets none but the preset; a ``#`` stands before each key's default.

    Raises ConfigError where there is no such preset.
    """
    config = load(None, {} if preset is None else {"preset": preset}, environment={})
    lines = [
        "# The configuration of mien. Values written after a # are the defaults: take the # away to set another.",
        "# Check it:  mien config check FILE     See what is in effect, and why:  mien config show FILE",
    ]
    for table in tables().values():
        lines += _header(table)
        for key in _keys_of(table):
            lines += ["", *_explained(key)]
            name, value = key.path[-1], value_at(config, key.path)
            if value is None:
                lines.append(f"#{name} =")
            else:
                is_given = key.path == ("preset",) and preset is not None
                lines.append(f"{'' if is_given else '#'}{name} = {toml_value(value)}")
    return "\n".join(lines) + "\n"


def write_initial(path: Path, preset: str | None = None, *, force: bool = False) -> None:
    """Writes the initial file; raises ConfigError where there is a file already, unless forced, or it can't be."""
    text = initial(preset)
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError([Problem(Origin(str(path)), "", "exists already; name another file, or --force")]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError([Problem(Origin(str(path)), "", reason)]) from None


def summary(path: Path | None, loaded: Loaded) -> str:
    """One line about a configuration that is fine."""
    given = f"{len(loaded.origins)} of {len(keys())} keys set, preset {loaded.config.preset}"
    return f"{path or 'defaults and environment'}: fine; {given}"


def _keys_of(table: Table) -> Iterator[Key]:
    for name in table.names:
        if (*table.path, name) in keys():
            yield keys()[*table.path, name]


def _header(table: Table) -> list[str]:
    return ["", f"[{'.'.join(table.path)}]"] if table.path else []


def _explained(key: Key) -> list[str]:
    takes = key.takes + (f" ({key.unit})" if key.unit else "")
    if key.default_words:
        takes += f"; by default {key.default_words}"
    elif key.default is None:
        takes += "; not set by default"
    said = (f"{key.title}: {key.description}", f"Takes {takes}.")
    return [
        line
        for part in said
        for line in textwrap.wrap(part, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)
    ]
