"""``mien view``: what the device sees, in a browser."""

from __future__ import annotations

import argparse
import secrets
import threading
import webbrowser

from edge.cli.options import Commands, add_config, add_source, on_stop_signal, overrides, positive_int


def add(commands: Commands) -> None:
    """Makes it."""
    view = commands.add(
        "view",
        _view,
        "what the device sees, live in a browser",
        "Serves a page on this machine that shows a camera's picture with all that is read from it: faces, eyes, "
        "expressions, the driver's state; prints its address. A file begins again at its end. Nothing is stored and no "
        "broker is needed. Ends with Ctrl-C.",
    )
    add_source(view)
    add_config(view)
    view.set_defaults(loop=True)
    view.add_argument("--port", type=positive_int, metavar="N", help="the page's port (default: 8077)")
    view.add_argument(
        "--listen",
        metavar="ADDRESS",
        help="let other machines see it: 0.0.0.0 for all of them; who opens the page needs a token, which is made up "
        "where the configuration has none",
    )
    view.add_argument(
        "--pixels",
        action=argparse.BooleanOptionalAction,
        help="show the camera's picture, or only faces as lines on black (default: the configuration's, else the "
        "picture, but lines with the preset driver)",
    )
    view.add_argument("--open", action="store_true", help="open the page in the browser of this machine")


def _view(arguments: argparse.Namespace) -> int:
    from edge.config import load
    from edge.viewing import view

    given = overrides(arguments)
    pixels = None if arguments.pixels is None else "on" if arguments.pixels else "off"
    page = {"listen": arguments.listen, "port": arguments.port, "pixels": pixels}
    token = load(arguments.config, given).view.secret()
    if arguments.listen is not None and token is None:
        page["token"] = token = secrets.token_urlsafe(16)
    given["view"] = {key: value for key, value in page.items() if value is not None}
    stop = threading.Event()
    on_stop_signal(stop.set)

    def tell(address: str) -> None:
        address += f"?token={token}" if token is not None else ""
        print(f"{address}  (Ctrl-C ends it)", flush=True)
        if arguments.open:
            webbrowser.open(address)

    view(load(arguments.config, given), stop=stop, on_open=tell)
    return 0
