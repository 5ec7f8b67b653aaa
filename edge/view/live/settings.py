"""What a user can choose about the live page."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from edge.errors import MienError
from edge.settings import rule

UNIX = "unix:"
#: As 12 random bytes in base64: more than can be tried out over a network.
TOKEN_MIN = 16


class ViewError(MienError):
    """The page cannot be served; the message names the key and the way out."""


class ViewSettings(BaseModel):
    """A page that shows what the device sees; off unless enabled."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    enabled: bool = Field(
        default=False, title="Enabled", description="Whether mien run serves the page. Needs mien[view]."
    )
    listen: str = Field(
        default="127.0.0.1",
        title="Listen on",
        description="An IP address, localhost, or a Unix socket for a proxy beside it: unix:/run/mien/view.sock. Any "
        "address but this machine's own (127.0.0.1, ::1) needs a token; 0.0.0.0 is all of them.",
    )
    port: int = rule(8077, "Port", "Where the page is, unless it listens on a Unix socket.", ge=1, le=65535)
    token: SecretStr | None = Field(
        default=None,
        title="Token",
        description=f"What the page asks of whoever opens it, at least {TOKEN_MIN} characters; better in token_file. "
        "It crosses the network unencrypted unless a proxy with TLS stands before the page.",
    )
    token_file: Path | None = Field(
        default=None, title="Token file", description="A file whose first line is the token: openssl rand -hex 16."
    )
    pixels: Literal["auto", "on", "off"] = Field(
        default="auto",
        title="Pixels",
        description="Whether the page shows the camera's picture, or faces as lines on black: then no picture leaves "
        "the process. auto: off with the preset driver, else on.",
    )
    fps: float = rule(
        15.0,
        "Frame rate",
        "The most frames a second that the page is given.",
        unit="1/s",
        source="own: blinks can be seen, and a Wi-Fi can carry it",
        ge=1,
        le=60,
    )
    viewers: int = rule(10, "Viewers", "How many browsers may watch at the same time.", ge=1, le=100)

    @property
    def socket_path(self) -> Path | None:
        """The Unix socket, if it is one."""
        return Path(self.listen.removeprefix(UNIX)) if self.listen.startswith(UNIX) else None

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the address."""
        if self.socket_path is not None:
            return False
        return self.listen == "localhost" or ipaddress.ip_address(self.listen).is_loopback

    def secret(self) -> str | None:
        """The token that is asked for, None where none is.

        Raises:
            ViewError: the file cannot be read, or holds none that will do.
        """
        if self.token is not None:
            return self.token.get_secret_value()
        if self.token_file is None:
            return None
        try:
            lines = self.token_file.expanduser().read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "is not UTF-8 text"
            raise ViewError(f"view.token_file {self.token_file}: {reason}") from None
        token = lines[0].strip() if lines else ""
        if len(token) < TOKEN_MIN:
            raise ViewError(
                f"view.token_file {self.token_file}: its first line must be a token of at least {TOKEN_MIN} "
                "characters: openssl rand -hex 16"
            )
        return token

    @field_validator("listen")
    @classmethod
    def _check_listen(cls, listen: str) -> str:
        if listen.startswith(UNIX):
            if not Path(listen.removeprefix(UNIX)).is_absolute():
                raise ValueError("a Unix socket needs its whole path: unix:/run/mien/view.sock")
            return listen
        if listen != "localhost":
            try:
                ipaddress.ip_address(listen)
            except ValueError:
                raise ValueError("must be an IP address, localhost or unix:/path/of.sock") from None
        return listen

    @field_validator("token")
    @classmethod
    def _check_token(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and len(token.get_secret_value()) < TOKEN_MIN:
            raise ValueError(f"must have at least {TOKEN_MIN} characters: openssl rand -hex 16")
        return token

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.token is not None and self.token_file is not None:
            raise ValueError("give token or token_file, not both")
        open_to_others = not self.loopback and self.socket_path is None
        if open_to_others and self.token is None and self.token_file is None:
            raise ValueError(
                f"listen {self.listen} lets others in: set token_file to a file with a token (openssl rand -hex 16), "
                "or listen on 127.0.0.1"
            )
        return self
