"""The page's own files, and every answer's headers."""

from __future__ import annotations

from http import HTTPStatus
from importlib.resources import files

from websockets.datastructures import Headers
from websockets.http11 import Response

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
#: What a browser may do with it: run our scripts, talk to this device; nothing from or to anywhere else.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
    "Connection": "close",
}


def answer(
    status: HTTPStatus, body: bytes | str = "", kind: str = "text/plain; charset=utf-8", **extra: str
) -> Response:
    """A response; extra: further headers, with underscores for hyphens."""
    data = body.encode() if isinstance(body, str) else body
    headers = Headers(_HEADERS)
    headers["Content-Type"] = kind
    headers["Content-Length"] = str(len(data))
    for name, value in extra.items():
        headers[name.replace("_", "-")] = value
    return Response(status.value, status.phrase, headers, data)


class Files:
    """All files that there are, read once: a path is looked up among them, never on disk."""

    def __init__(self) -> None:
        folder = files("edge.view") / "static"
        self._files = {
            f"/{file.name}": (file.read_bytes(), _TYPES[suffix])
            for file in folder.iterdir()
            if (suffix := "." + file.name.rpartition(".")[2]) in _TYPES
        }

    def give(self, path: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
        """The file at this path, or the news that there is none."""
        found = self._files.get(path)
        return answer(HTTPStatus.NOT_FOUND, "No such page.\n") if found is None else answer(status, *found)
