"""What the user can set about the broker and the outbox."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from platformdirs import user_state_path
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from edge.delivery.errors import DeliveryError
from edge.events import ROOT, TopicError
from edge.events.topics import check_root

PASSWORD_VARIABLE = "MIEN_MQTT_PASSWORD"  # noqa: S105 - the variable's name

_DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}


class BrokerSettings(BaseModel):
    """The MQTT broker: where it is and how to log in.

    A password in the URL is taken out of it, so that neither ``repr`` nor an error shows it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str = Field(
        default="mqtt://localhost:1883",
        title="Broker",
        description="mqtt://[user[:password]@]host[:port], or mqtts:// for TLS",
    )
    username: str | None = Field(default=None, title="User", description="User name at the broker; also in the URL.")
    password: SecretStr | None = Field(
        default=None,
        title="Password",
        description=f"Better given in {PASSWORD_VARIABLE}, which wins, or in password_file.",
    )
    password_file: Path | None = Field(
        default=None, title="Password file", description="A file whose first line is the password."
    )
    client_id: str | None = Field(
        default=None, title="Client id", min_length=1, description="Unique at the broker; by default mien-<device>."
    )
    root: str = Field(default=ROOT, title="Topic root", description="What all topics begin with.")
    protocol: Literal["auto", "5", "3.1.1"] = Field(
        default="auto", title="MQTT version", description="auto tries MQTT 5 first, then 3.1.1."
    )
    keepalive_s: int = Field(
        default=30, title="Keep-alive", ge=5, le=65535, description="A silent connection is given up after this long."
    )
    connect_timeout_s: float = Field(
        default=5.0, title="Connection timeout", gt=0, le=60, description="How long one attempt may take."
    )
    reconnect_min_s: float = Field(
        default=1.0, title="First retry", gt=0, description="Wait before the first new attempt; doubles each time."
    )
    reconnect_max_s: float = Field(
        default=60.0, title="Slowest retry", gt=0, description="The longest wait between attempts."
    )
    settle_s: float = Field(
        default=1.5,
        title="Settle",
        ge=0,
        le=30,
        description="Wait after a reconnect before events are sent: their subscribers lost the broker too, and an "
        "event reaches only who is back.",
    )
    ca_file: Path | None = Field(
        default=None, title="CA file", description="PEM certificates to trust instead of the system's (mqtts only)."
    )
    cert_file: Path | None = Field(
        default=None, title="Client certificate", description="PEM certificate of this client (mqtts only)."
    )
    key_file: Path | None = Field(
        default=None, title="Client key", description="PEM key of the client certificate (mqtts only)."
    )

    @classmethod
    def from_url(cls, url: str, **others: Any) -> BrokerSettings:  # noqa: ANN401 - fields of this model
        """Settings from a URL typed by a user.

        Raises:
            DeliveryError: the URL or another value is wrong; one line, without the password.
        """
        try:
            return cls(url=url, **others)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "url"
            raise DeliveryError(f"broker {where}: {first['msg'].removeprefix('Value error, ')}") from None

    @model_validator(mode="before")
    @classmethod
    def _take_login_out_of_url(cls, data: Any) -> Any:  # noqa: ANN401 - pydantic hands over what the user gave
        if not isinstance(data, dict) or not isinstance(data.get("url"), str):
            return data
        parts = urlsplit(data["url"])
        if "@" not in parts.netloc:
            return data
        login, _, place = parts.netloc.rpartition("@")
        user, _, password = login.partition(":")
        data = data | {"url": parts._replace(netloc=place).geturl()}
        for key, value in (("username", user), ("password", password)):
            if value and data.get(key) is not None:
                raise ValueError(f"{key} is given both in the URL and as a key of its own")
            if value:
                data[key] = unquote(value)
        return data

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS:
            raise ValueError("must begin with mqtt:// or mqtts://")
        if not parts.hostname:
            raise ValueError("names no host: write mqtt://host:port")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError("must end after the port: topics are set with root")
        try:
            port = parts.port
        except ValueError:
            port = 0
        if port == 0:
            raise ValueError("the port must be a number from 1 to 65535")
        return url

    @field_validator("root")
    @classmethod
    def _check_root(cls, root: str) -> str:
        try:
            return check_root(root)
        except TopicError as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="after")
    def _check_together(self) -> BrokerSettings:
        if self.username is None and (self.password or self.password_file):
            raise ValueError("a password is given without a user name")
        if self.password and self.password_file:
            raise ValueError("give password or password_file, not both")
        if not self.tls and (self.ca_file or self.cert_file or self.key_file):
            raise ValueError("ca_file, cert_file and key_file need an mqtts:// URL")
        if self.key_file and not self.cert_file:
            raise ValueError("key_file is given without cert_file")
        return self

    @property
    def host(self) -> str:
        """The broker's host name or address."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The broker's TCP port."""
        parts = urlsplit(self.url)
        return parts.port or _DEFAULT_PORTS[parts.scheme]

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return urlsplit(self.url).scheme == "mqtts"

    @property
    def address(self) -> str:
        """``host:port`` for messages."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def login(self) -> tuple[str, str | None] | None:
        """User name and password, or None where the broker takes anybody.

        Raises:
            DeliveryError: the password file cannot be read.
        """
        if self.username is None:
            return None
        if PASSWORD_VARIABLE in os.environ:
            return self.username, os.environ[PASSWORD_VARIABLE]
        if self.password_file is not None:
            try:
                lines = self.password_file.expanduser().read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "not UTF-8 text"
                raise DeliveryError(f"password_file {self.password_file}: {reason}") from None
            return self.username, lines[0] if lines else ""
        return self.username, self.password.get_secret_value() if self.password else None

    def tls_context(self) -> ssl.SSLContext | None:
        """The TLS context for an ``mqtts://`` URL, None for ``mqtt://``.

        Raises:
            DeliveryError: a certificate or key file cannot be read.
        """
        if not self.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise DeliveryError(f"ca_file {self.ca_file}: {error.strerror or error}") from None
        if self.cert_file is not None:
            try:
                context.load_cert_chain(self.cert_file, self.key_file)
            except (OSError, ssl.SSLError) as error:
                files = " and ".join(str(path) for path in (self.cert_file, self.key_file) if path)
                raise DeliveryError(f"cert_file and key_file ({files}): {error.strerror or error}") from None
        return context


def _default_outbox() -> Path:
    return user_state_path("mien") / "outbox.sqlite"


class OutboxSettings(BaseModel):
    """The file that keeps events until the broker has them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path = Field(
        default_factory=_default_outbox,
        title="File",
        description="An SQLite file on a disk of this machine; made when missing.",
    )
    max_events: int = Field(
        default=50_000,
        title="Most events",
        ge=1,
        description="When full, the oldest event of the lowest severity makes room (an event takes about 1 kB).",
    )
    max_age_days: float = Field(
        default=30.0,
        title="Longest wait",
        gt=0,
        description="Events of severity info that waited longer are dropped; alerts never are for their age.",
    )
