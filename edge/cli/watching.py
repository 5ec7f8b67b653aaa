"""``mien watch`` and ``mien events``: what subscribers hear, and the contract behind it."""

from __future__ import annotations

import argparse
import json
import logging
from typing import Any

from edge.cli.options import Commands, add_broker, on_stop_signal, positive, positive_int

_WATCH_EPILOG = """\
for scripts:
  mien watch --json --severity warning | jq .payload.data.kind
  mien watch --kind sleep --count 1 --seconds 60 && echo "asleep within the last minute"
  mien watch --validate -q --seconds 60     quiet and 0 where a minute's messages keep the contract
"""


def add(commands: Commands) -> None:
    """Makes them."""
    _add_watch(commands)
    _add_events(commands)


def _add_watch(commands: Commands) -> None:
    watch = commands.add(
        "watch",
        _watch,
        "show events as they arrive",
        "Subscribes to a broker and prints the events and statuses of every device, one line each, until Ctrl-C or "
        "enough. A broken connection is mended by itself.",
        epilog=_WATCH_EPILOG,
    )
    add_broker(watch)
    watch.add_argument("--topic", action="append", metavar="FILTER", help="subscribe to this instead; may be repeated")
    look = watch.add_mutually_exclusive_group()
    look.add_argument(
        "--json",
        action="store_true",
        help="one JSON object a line: topic and payload; with --validate also violations and notes",
    )
    look.add_argument(
        "--dashboard",
        action="store_true",
        help="fill the terminal: drivers, what goes on, last events, health; needs mien[watch]",
    )
    chosen = watch.add_argument_group("which messages", "without these all; of one option any, of different ones all")
    chosen.add_argument("--device", action="append", metavar="ID", help="of this device; may be repeated")
    chosen.add_argument(
        "--kind", action="append", metavar="KIND", help="events of this kind (mien events kinds); may be repeated"
    )
    chosen.add_argument(
        "--severity", choices=("info", "notice", "warning", "critical"), help="events at least as grave as this"
    )
    chosen.add_argument(
        "--subject",
        action="append",
        choices=("driver", "expression", "audience"),
        help="what is about this; may be repeated",
    )
    watch.add_argument(
        "--validate",
        action="store_true",
        help="hold every message, states included, against the contract and tell what violates it; with -q show "
        "nothing else. Exit code 1 where something did",
    )
    watch.add_argument(
        "--count",
        type=positive_int,
        metavar="N",
        help="end after N messages; exit code 1 where --seconds ends it first",
    )
    watch.add_argument("--seconds", type=positive, metavar="S", help="end S seconds after subscribing")


def _add_events(commands: Commands) -> None:
    events = commands.group(
        "events",
        help="the contract with subscribers: schemas, examples, kinds",
        description="Prints the contract of the messages, piece by piece.",
        metavar="WHAT",
    )
    for name, help, argument, optional in (
        ("kinds", "the kinds of events: subject, severities, meaning", "", False),
        ("example", "a message as the device sends it, to test a subscriber with", "KIND|PAYLOAD", False),
        ("schema", "a payload's JSON Schema; without NAME all of them", "NAME", True),
        ("asyncapi", "topics, guarantees and messages as an AsyncAPI 3 document", "", False),
    ):
        piece = events.add(name, _events, help, f"Prints {help}.")
        if argument:
            piece.add_argument("name", metavar=argument, nargs="?" if optional else None)
        piece.set_defaults(what=name)


def _watch(arguments: argparse.Namespace) -> int:
    from edge.delivery import BrokerSettings, Watcher
    from edge.delivery.settings import typed_url
    from edge.delivery.watch.contract import Contract
    from edge.delivery.watch.lines import Lines
    from edge.delivery.watch.message import Selection
    from edge.delivery.watch.watcher import View
    from edge.events.catalogue import KINDS
    from edge.events.lookup import check_name

    given = {"url": arguments.broker and typed_url(arguments.broker), "root": arguments.root}
    settings = BrokerSettings.from_url(**{"url": "mqtt://localhost:1883"} | {k: v for k, v in given.items() if v})
    selection = Selection(
        devices=frozenset(arguments.device or ()),
        kinds=frozenset(check_name(kind, (known.name for known in KINDS), "kind") for kind in arguments.kind or ()),
        subjects=frozenset(arguments.subject or ()),
        severity=arguments.severity,
    )
    contract = Contract() if arguments.validate else None
    view: View = Lines(raw=arguments.json, only_findings=arguments.validate and arguments.quiet)
    topics = arguments.topic
    if arguments.dashboard:
        from edge.delivery.watch.board import require_rich

        require_rich()
        from edge.delivery.watch.dashboard import Dashboard

        # All that its devices say; what is chosen of that is for the board to show.
        topics = topics or selection.filters(settings.root, states=True)
        view, selection = Dashboard(settings.address, selection), Selection(devices=selection.devices)
    watcher = Watcher(
        settings,
        topics,
        view=view,
        selection=selection,
        contract=contract,
        count=arguments.count,
        seconds=arguments.seconds,
    )
    on_stop_signal(watcher.stop)
    watcher.run()
    if contract is not None:
        logging.getLogger("mien").log(logging.WARNING if contract.wrong else logging.INFO, "%s", contract.summary())
    too_few = arguments.seconds is not None and watcher.shown < (arguments.count or 0)
    return 1 if too_few or (contract is not None and contract.wrong) else 0


def _events(arguments: argparse.Namespace) -> int:
    from edge.events import lookup
    from edge.events.asyncapi import asyncapi

    said: Any = {
        "kinds": lambda: "\n".join(lookup.kinds()),
        "example": lambda: lookup.example(arguments.name),
        "schema": lambda: lookup.schema(arguments.name),
        "asyncapi": asyncapi,
    }[arguments.what]()
    # A status is a bare word.
    print(said if isinstance(said, str) else json.dumps(said, indent=2, ensure_ascii=False))
    return 0
