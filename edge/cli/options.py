"""What the commands share: their common options, what these set in the configuration, and how a command is made."""

from __future__ import annotations

import argparse
import signal
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge import logs

if TYPE_CHECKING:
    from edge.config import Config

Run = Callable[[argparse.Namespace], int]


class Commands:
    """The commands of one parser, each with the options that all have."""

    def __init__(self, parser: argparse.ArgumentParser, metavar: str = "COMMAND", *, required: bool = True) -> None:
        self._parsers = parser.add_subparsers(required=required, metavar=metavar)
        self._common = _common()

    def add(
        self, name: str, run: Run, help: str, description: str, epilog: str | None = None
    ) -> argparse.ArgumentParser:
        """Makes one. run: does what it is for and returns the exit code."""
        made = self._parsers.add_parser(
            name,
            parents=[self._common],
            help=help,
            description=textwrap.fill(description, 79),
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.set_defaults(run=run)
        return made

    def group(self, name: str, help: str, description: str, metavar: str = "COMMAND") -> Commands:
        """Makes one that has commands of its own."""
        return Commands(self._parsers.add_parser(name, help=help, description=description), metavar)


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    loudness = common.add_mutually_exclusive_group()
    loudness.add_argument("-v", "--verbose", action="store_true", help="say more on stderr")
    loudness.add_argument("-q", "--quiet", action="store_true", help="say only warnings on stderr")
    common.add_argument(
        "--log",
        choices=logs.FORMS,
        default="auto",
        help="on stderr, lines for people or JSON lines (default: auto, JSON only into systemd's journal)",
    )
    return common


def add_source(parser: argparse.ArgumentParser) -> None:
    """The camera, as an argument."""
    parser.add_argument(
        "source", nargs="?", help="camera number, device path, file or URL (default: the configuration's, else 0)"
    )


def add_config(parser: argparse.ArgumentParser) -> None:
    """The configuration file, and a preset below it."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="a TOML file; options on the command line win")
    add_preset(parser)


def add_preset(parser: argparse.ArgumentParser) -> None:
    """A preset alone."""
    parser.add_argument(
        "--preset",
        metavar="NAME",
        help="driver (no expressions), kiosk (an audience in totals) or full (default: the configuration's, else full)",
    )


def add_broker(parser: argparse.ArgumentParser) -> None:
    """Which broker, and the topics' root."""
    parser.add_argument(
        "--broker",
        metavar="URL",
        help="mqtt://[user@]host[:port], mqtts:// for TLS, ws:// or wss:// for WebSockets (default: mqtt://localhost)",
    )
    parser.add_argument("--root", metavar="TOPIC", help="what all topics begin with (default: mien/1)")


def positive_int(text: str) -> int:
    """A whole number from 1 on, as an option's type."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def positive(text: str) -> float:
    """A number above 0, as an option's type."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def configured(arguments: argparse.Namespace) -> Config:
    """The configuration that the command line asks for."""
    from edge.config import load

    return load(vars(arguments).get("config"), overrides(arguments))


def overrides(arguments: argparse.Namespace) -> dict[str, dict[str, Any] | str]:
    """What the command line's options set in the configuration."""
    from edge.delivery.settings import typed_url

    given = vars(arguments)
    set_by: dict[str, Any] = {
        "camera": {"source": given.get("source"), "loop": given.get("loop") or None},
        "broker": {"url": typed_url(given["broker"]) if given.get("broker") else None, "root": given.get("root")},
        "outbox": {"path": given.get("outbox")},
    }
    tables: dict[str, dict[str, Any] | str] = {
        table: {key: value for key, value in values.items() if value is not None} for table, values in set_by.items()
    }
    tables |= {key: given[key] for key in ("device", "preset") if given.get(key) is not None}
    return tables


def on_stop_signal(stop: Callable[[], None]) -> None:
    """Have Ctrl-C and SIGTERM end a command where it is ready to end, not in the midst of a message."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop())
