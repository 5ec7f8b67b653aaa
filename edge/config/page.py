"""The reference page, in Markdown, from the fields: ``python -m edge.config.page FILE``; and the JSON Schema."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from edge.config.environment import variable
from edge.config.keys import Key, Table, keys, tables
from edge.config.model import PRESETS, Config
from edge.config.reloading import reloadable
from edge.config.writing import toml_value
from edge.markdown import table_of_words

_INTRODUCTION = """\
# Configuration

<!-- Made by `make docs` from the settings' fields; change it there. -->

One TOML file; all that it leaves out has a default.

```sh
mien config init --preset driver mien.toml   # a file with every key, its meaning, bounds and default, commented out
mien config check mien.toml                  # one line: fine; or a line for each mistake, and exit code 2
mien config show mien.toml                   # what is in effect, and where each value comes from
mien config schema > mien.schema.json        # JSON Schema, for editors
mien run --config mien.toml
```

```toml
preset = "driver"
device = "cab-7"

[camera]
source = "/dev/video0"

[broker]
url = "mqtts://broker.example"
username = "cab-7"
password_file = "/etc/mien/password"

[alarm]
command = ["aplay", "/etc/mien/alarm.wav"]
```

A key or table that does not exist is refused, and so is a value of another type or out of bounds; the message names
file, line and key:

```text
mien: mien.toml:2: camera.sorce: unknown key; did you mean camera.source?
mien: mien.toml:5: state.eyes.microsleep_s: must be a number from 0.5 to 10 (s), not 0.1
```

## Which value wins

The last one given of:

1. the default,
2. the preset's,
3. the file's,
4. the environment's,
5. the command line's (`--broker`, `--device`, …).

**Environment.** `{example}` is `{example_key}`: `MIEN_`, then the tables and the key in
capitals with two underscores between them. `{device}` and `{preset}` have no table. A value is written as in
TOML, a text without quotes; for true and false also yes, no, on, off, 1, 0. An empty variable sets nothing. A variable
that begins with `MIEN_`, has two underscores together and names no key is refused.

**Secrets.** The broker's password is best given in `MIEN_MQTT_PASSWORD`, which wins over all else, or in
`broker.password_file`. No command and no message shows it, nor a password that stands in a URL.

## Presets

`preset = "driver"` in the file, or `mien run --preset driver`:

{presets}

## Changing it while running

On SIGHUP (`systemctl reload mien-vision@mien`) the file is read anew. A file with a mistake changes nothing: the log
says what is wrong. Taken over at once: {reloadable}. The log names changed keys that wait for the next start.

## Every key

Under *source of the default*, *own* is our judgement and *measured* was measured on recordings.
"""


def page() -> str:
    """The whole page."""
    example = ("state", "eyes", "microsleep_s")
    taken_over = dict.fromkeys(
        f"`{key.name}`" if key.path[0] == "vision" else f"`[{key.path[0]}]`"
        for key in keys().values()
        if reloadable(key.path)
    )
    introduction = _INTRODUCTION.format(
        example=variable(example),
        example_key=".".join(example),
        device=variable(("device",)),
        preset=variable(("preset",)),
        presets=table_of_words(
            ("preset", "sets"), ((f"`{name}`", _settings(values)) for name, values in PRESETS.items())
        ),
        reloadable=", ".join(taken_over),
    )
    return "\n\n".join((introduction.rstrip(), *map(_section, tables().values()))) + "\n"


def json_schema() -> dict[str, Any]:
    """The file's JSON Schema, 2020-12."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}


def _settings(values: Any) -> str:  # noqa: ANN401 - tables of tables
    given = [
        f"`{table}.{key} = {toml_value(value)}`" for table, inner in values.items() for key, value in inner.items()
    ]
    return ", ".join(given) or "nothing: all is on"


def _section(table: Table) -> str:
    within = [key for key in keys().values() if key.path[:-1] == table.path]
    head = (
        f"### `[{'.'.join(table.path)}]`\n\n{table.title}. {table.description}"
        if table.path
        else "### At the top of the file"
    )
    rows = [(f"`{key.path[-1]}`", _default(key), key.unit, _bounds(key), _meaning(key), key.source) for key in within]
    return f"{head}\n\n{table_of_words(('key', 'default', 'unit', 'bounds', 'meaning', 'source of the default'), rows)}"


def _default(key: Key) -> str:
    if key.default_words:
        return key.default_words
    return "not set" if key.default is None else f"`{toml_value(key.default)}`"


def _bounds(key: Key) -> str:
    return key.takes.removeprefix("a number ")


def _meaning(key: Key) -> str:
    return f"**{key.title}.** {key.description}"


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else "docs/configuration.md").write_text(page(), encoding="utf-8")
