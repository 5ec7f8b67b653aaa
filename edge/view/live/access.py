"""Who may see the page."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from typing import Literal
from urllib.parse import parse_qs, urlsplit

#: The names by which a browser on this machine may ask for a page that is for this machine alone.
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

Verdict = Literal["welcome", "new", "token", "host", "origin"]


class Access:
    """Judges requests by their headers.

    token: what is asked for, None for nothing. loopback: whether only this machine can reach the page; then a name
    that is not its own is refused, so that no page of the web can rename itself to it (DNS rebinding).
    """

    def __init__(self, token: str | None, *, loopback: bool) -> None:
        self._token = None if token is None else token.encode()
        self._loopback = loopback
        # Not the token itself, and another name for another token: cookies don't tell ports apart.
        seal = "" if token is None else hmac.new(token.encode(), b"mien live page", hashlib.sha256).hexdigest()
        self._cookie_name, self._cookie_value = f"mien_{seal[:8]}", seal[8:]

    @property
    def cookie(self) -> str:
        """The header that makes a browser remember that it gave the token."""
        return f"{self._cookie_name}={self._cookie_value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000"

    def judge(
        self, query: str, host: str | None, origin: str | None, cookies: Iterable[str], authorization: Iterable[str]
    ) -> Verdict:
        """``welcome``; ``new``: likewise, by a token in the query, for which a cookie is due; else what is wrong.

        query: of the address. The others: the headers Host, Origin, Cookie and Authorization.
        """
        if self._loopback and _name(host) not in _LOOPBACK_NAMES:
            return "host"
        if origin is not None and (host is None or origin.partition("://")[2].lower() != host.lower()):
            return "origin"
        if self._token is None:
            return "welcome"
        if any(self._is_token(given) for given in parse_qs(query).get("token", ())):
            return "new"
        bearers = (value.partition(" ")[2] for value in authorization if value.lower().startswith("bearer "))
        if any(self._is_token(given.strip()) for given in bearers):
            return "welcome"
        return "welcome" if any(self._remembers(header) for header in cookies) else "token"

    def _is_token(self, given: str) -> bool:
        return self._token is not None and hmac.compare_digest(given.encode(), self._token)

    def _remembers(self, header: str) -> bool:
        try:
            cookie = SimpleCookie(header).get(self._cookie_name)
        except CookieError:
            return False
        return cookie is not None and hmac.compare_digest(cookie.value.encode(), self._cookie_value.encode())


def _name(host: str | None) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname if host else None
    except ValueError:
        return None
