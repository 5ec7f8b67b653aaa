"""The socket that the page is served on."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

from edge.view.live.settings import ViewError, ViewSettings

#: The kernel keeps no more of what a browser has not yet taken, so that what it gets is new.
_SEND_BUFFER = 256 * 1024


def listen(settings: ViewSettings) -> socket.socket:
    """Listens where the settings say.

    Raises:
        ViewError: that cannot be listened on; one line.
    """
    path = settings.socket_path
    try:
        made = _listen_on_address(settings) if path is None else _listen_on_path(path)
    except OSError as error:
        where = f"view.listen {settings.listen}" + (f", view.port {settings.port}" if path is None else "")
        raise ViewError(f"{where}: {error.strerror or error}; set another") from None
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    return made


def _listen_on_address(settings: ViewSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.listen else socket.AF_INET
    return socket.create_server((settings.listen, settings.port), family=family)


def _listen_on_path(path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    try:
        _clear(path)
        made.bind(str(path))
        path.chmod(0o660)  # for the proxy, by its group
        made.listen()
    except OSError:
        made.close()
        raise
    return made


def _clear(path: Path) -> None:
    """Takes a socket away that a killed daemon left behind: one that nobody answers on."""
    with socket.socket(socket.AF_UNIX) as other, contextlib.suppress(FileNotFoundError):
        try:
            other.connect(str(path))
        except ConnectionRefusedError:
            if path.is_socket():
                path.unlink()
