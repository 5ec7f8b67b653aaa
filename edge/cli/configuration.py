"""``mien config``: check, show and begin a configuration file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from edge.cli.options import Commands, add_broker, add_preset, overrides


def add(commands: Commands) -> None:
    """Makes them."""
    verbs = commands.group(
        "config",
        help="check, show and begin a configuration file",
        description="The configuration: docs/configuration.md has every key. Of the default, the preset, the file, the "
        "environment (MIEN_BROKER__URL sets broker.url) and the command line, the later wins.",
        metavar="VERB",
    )
    check = verbs.add(
        "check",
        _check,
        "whether a file is right, and all that is wrong with it",
        "Reads the file, the environment and the options as mien run would; says in a line that all is fine, or "
        "names file, line, key and reason of each mistake and ends with 2.",
    )
    show = verbs.add(
        "show",
        _show,
        "what is in effect, and where each value comes from",
        "Prints every value in effect as TOML, beside it whether the default, the preset, a line of the file, the "
        "environment or the command line set it. Passwords are not shown.",
    )
    for verb in (check, show):
        verb.add_argument("config", nargs="?", type=Path, metavar="FILE", help="a TOML file (default: none)")
        add_preset(verb)
        add_broker(verb)
        verb.add_argument("--device", metavar="ID", help="as of mien run")
    verbs.add("schema", _schema, "the file's JSON Schema", "Prints the JSON Schema, for editors.")
    init = verbs.add(
        "init",
        _init,
        "write a file to begin with",
        "Writes every key with its meaning, bounds and default, commented out; without FILE, prints it.",
    )
    init.add_argument("file", nargs="?", type=Path, metavar="FILE", help="where to; never over a file that is there")
    add_preset(init)
    init.add_argument("--force", action="store_true", help="write over a file that is there")


def _check(arguments: argparse.Namespace) -> int:
    from edge.config import load_with_origins
    from edge.config.writing import summary

    loaded = load_with_origins(arguments.config, overrides(arguments))
    if not arguments.quiet:
        print(summary(arguments.config, loaded))
    return 0


def _show(arguments: argparse.Namespace) -> int:
    from edge.config import load_with_origins
    from edge.config.writing import shown

    print(shown(load_with_origins(arguments.config, overrides(arguments))), end="")
    return 0


def _schema(_arguments: argparse.Namespace) -> int:
    from edge.config.page import json_schema

    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return 0


def _init(arguments: argparse.Namespace) -> int:
    from edge.config.writing import initial, write_initial

    if arguments.file is None:
        print(initial(arguments.preset), end="")
        return 0
    write_initial(arguments.file, arguments.preset, force=arguments.force)
    if not arguments.quiet:
        print(f"{arguments.file}: written; check it with: mien config check {arguments.file}")
    return 0
