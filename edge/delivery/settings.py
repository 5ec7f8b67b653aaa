"""What the user can set about the broker and the outbox."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

from platformdirs import user_state_path
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from edge.delivery.errors import DeliveryError
from edge.events import ROOT
from edge.events.topics import check_root
from edge.settings import rule

PASSWORD_VARIABLE = "MIEN_MQTT_PASSWORD"  # noqa: S105 - the variable's name

_DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}

# Where brokers take WebSockets unless told otherwise.
_WEBSOCKET_PATH = "/mqtt"


class BrokerSettings(BaseModel):
    """The MQTT broker: where it is and how to log in.

    A password in the URL is taken out of it, so that neither ``repr`` nor an error shows it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str = Field(
        default="mqtt://localhost:1883",
        title="Broker",
        description="mqtt://[user[:password]@]host[:port], or mqtts:// for TLS; ws:// or wss:// for WebSockets, with "
        "the broker's path behind the port (/mqtt where none is given).",
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
    root: Annotated[str, AfterValidator(check_root)] = Field(
        default=ROOT, title="Topic root", description="What all topics begin with."
    )
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
        default=1.0,
        title="First retry",
        gt=0,
        le=600,
        description="Wait before the first new attempt; doubles each time.",
    )
    reconnect_max_s: float = Field(
        default=60.0, title="Slowest retry", gt=0, le=86_400, description="The longest wait between attempts."
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
        default=None, title="CA file", description="PEM certificates to trust instead of the system's (TLS only)."
    )
    cert_file: Path | None = Field(
        default=None, title="Client certificate", description="PEM certificate of this client (TLS only)."
    )
    key_file: Path | None = Field(
        default=None, title="Client key", description="PEM key of the client certificate (TLS only)."
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
            raise ValueError("must begin with mqtt://, mqtts://, ws:// or wss://")
        if not parts.hostname:
            raise ValueError(f"names no host: write {parts.scheme}://host:port")
        if parts.query or parts.fragment:
            raise ValueError("must have no ? and no #")
        if parts.path.strip("/") and not parts.scheme.startswith("ws"):
            raise ValueError("must end after the port: topics are set with root, and a path needs ws:// or wss://")
        try:
            port = parts.port
        except ValueError:
            port = 0
        if port == 0:
            raise ValueError("the port must be a number from 1 to 65535")
        return url

    @model_validator(mode="after")
    def _check_together(self) -> BrokerSettings:
        if self.username is None and (self.password or self.password_file):
            raise ValueError("a password is given without a user name")
        if self.password and self.password_file:
            raise ValueError("give password or password_file, not both")
        if not self.tls and (self.ca_file or self.cert_file or self.key_file):
            raise ValueError("ca_file, cert_file and key_file need an mqtts:// or wss:// URL")
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
        return urlsplit(self.url).scheme in {"mqtts", "wss"}

    @property
    def websocket_path(self) -> str | None:
        """The path that a WebSocket is asked for, None where MQTT runs on TCP itself."""
        parts = urlsplit(self.url)
        return (parts.path or _WEBSOCKET_PATH) if parts.scheme.startswith("ws") else None

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
        """The TLS context for an ``mqtts://`` or ``wss://`` URL, None for the others.

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
                context.load_cert_chain(self.cert_file, self.key_file, password=self._no_passphrase)
            except (OSError, ssl.SSLError) as error:
                files = " and ".join(str(path) for path in (self.cert_file, self.key_file) if path)
                raise DeliveryError(f"cert_file and key_file ({files}): {error.strerror or error}") from None
        return context

    def _no_passphrase(self) -> str:
        """Asked for by an encrypted key; OpenSSL itself would ask on the terminal, and a daemon wait for ever."""
        file = self.key_file or self.cert_file
        raise DeliveryError(f"key_file {file}: is encrypted: decrypt it (openssl pkey), readable by mien's user alone")


def typed_url(url: str) -> str:
    """A broker's URL as typed on a command line, which every user of the machine sees in the list of processes.

    Raises:
        DeliveryError: it holds a password.
    """
    if urlsplit(url).password:
        raise DeliveryError(
            "--broker: a password on the command line shows in the list of processes: leave it out of the URL and "
            f"give it in {PASSWORD_VARIABLE}, or in password_file in the configuration"
        )
    return url


def _default_outbox() -> Path:
    return user_state_path("mien") / "outbox.sqlite"


class OutboxSettings(BaseModel):
    """The file that keeps events until the broker has them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path = Field(
        default_factory=_default_outbox,
        title="File",
        description="An SQLite file on a disk of this machine; made when missing.",
        json_schema_extra={"default_words": "mien/outbox.sqlite in the user's state folder, ~/.local/state"},
    )
    max_events: int = Field(
        default=50_000,
        title="Most events",
        ge=1,
        le=10_000_000,
        description="When full, the oldest event of the lowest severity makes room (an event takes about 1 kB).",
    )
    max_age_days: float = Field(
        default=30.0,
        title="Longest wait",
        gt=0,
        le=3650,
        description="Events of severity info that waited longer are dropped; alerts never are for their age.",
    )


AlarmSeverity = Literal["notice", "warning", "critical"]
ALARM_SEVERITIES: tuple[AlarmSeverity, ...] = ("notice", "warning", "critical")

# A program and its arguments.
Command = Annotated[tuple[str, ...], Field(min_length=1)]


class AlarmSettings(BaseModel):
    """What wakes the driver on the spot; nothing does unless one of command, gpio_chip and bell is set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: Mapping[AlarmSeverity, Command] = Field(
        default_factory=dict,
        title="Command",
        description="A program with its arguments, run without a shell: a list for all severities, or a table with a "
        "list for each of notice, warning and critical. MIEN_KIND, MIEN_SEVERITY, MIEN_PHASE and MIEN_EPISODE_ID in "
        "its environment say what it is about. It is ended when the alarm is over, except a notice's.",
    )
    command_repeat: bool = rule(
        True,
        "Repeat",
        "Run the command of a warning or a critical alarm again when it has ended, while the alarm lasts.",
    )
    command_at_end: bool = rule(
        False, "Command at the end", "Run the command once more, with MIEN_PHASE=end, when the alarm falls silent."
    )
    command_limit_s: float = rule(
        10.0,
        "Command limit",
        "A command that still runs after this long counts as hung and is killed, with its children.",
        unit="s",
        gt=0,
        le=600,
    )
    gpio_chip: Path | None = Field(
        default=None,
        title="GPIO chip",
        description="A buzzer's or a relay's chip, as /dev/gpiochip0; needs mien[gpio].",
    )
    gpio_line: Annotated[int, Field(ge=0, le=65_535)] | str | None = Field(
        default=None, title="GPIO line", description="The line's offset on the chip, or its name, as GPIO17."
    )
    gpio_active_low: bool = rule(False, "Active low", "The buzzer sounds while the line is low.")
    bell: bool = rule(False, "Bell", "Ring the terminal that mien was started in: for trials at a desk.")
    notice_beep_s: float = rule(0.15, "Notice", "Length of a notice's single beep.", unit="s", gt=0, le=5)
    warning_beep_s: float = rule(0.3, "Warning", "Length of each of a warning's beeps.", unit="s", gt=0, le=5)
    warning_pause_s: float = rule(
        0.7,
        "Warning's pause",
        "Silence between a warning's beeps, and between runs of its command.",
        unit="s",
        gt=0,
        le=60,
    )
    snooze_limit_s: float = rule(
        600.0,
        "Longest snooze",
        "Notices and warnings can be silenced for no longer; critical never is.",
        unit="s",
        ge=0,
        le=86_400,
    )

    @field_validator("command", mode="before", json_schema_input_type=Command | Mapping[AlarmSeverity, Command])
    @classmethod
    def _one_for_all(cls, command: Any) -> Any:  # noqa: ANN401 - pydantic hands over what the user gave
        if isinstance(command, str):
            raise ValueError('must be a list of arguments: ["aplay", "alarm.wav"]')
        return dict.fromkeys(ALARM_SEVERITIES, command) if isinstance(command, list | tuple) else command

    @model_validator(mode="after")
    def _chip_and_line(self) -> AlarmSettings:
        if (self.gpio_chip is None) != (self.gpio_line is None):
            raise ValueError("gpio_chip and gpio_line go together")
        return self


def _topic(topic: str) -> str:
    if not topic or set(topic) & set("+#\0"):
        raise ValueError("must be one topic, without + and #")
    if len(topic.encode()) > 65_535:
        raise ValueError("is too long for MQTT")
    return topic


InputTopic = Annotated[str, AfterValidator(_topic)]


class VehicleSettings(BaseModel):
    """Where on the broker the vehicle says how fast it goes; nothing is known of it where no topic is set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    speed_topic: InputTopic | None = Field(
        default=None, title="Speed topic", description="Its payload is a number, or JSON with one at speed_path."
    )
    speed_path: str | None = Field(
        default=None,
        title="Speed path",
        description="Where in a JSON payload the speed stands: dp.value, or data.0.speed.",
    )
    speed_unit: Literal["km/h", "m/s", "mph"] = Field(
        default="km/h", title="Speed unit", description="The unit of the numbers received; events are in km/h."
    )
    speed_max_kmh: float = rule(
        251.0,
        "Highest speed",
        "A number above it is no speed but a sensor's way to say that it has none: unknown.",
        unit="km/h",
        source="SAE J1939-71, SPN 84: 0 to 250.996 km/h, above it error or not available",
        gt=0,
        le=1000,
    )
    reverse_topic: InputTopic | None = Field(
        default=None, title="Reverse topic", description="Says whether reverse gear is in; may be the speed's topic."
    )
    reverse_path: str | None = Field(
        default=None, title="Reverse path", description="Where in a JSON payload it stands."
    )
    reverse_value: str | None = Field(
        default=None,
        title="Reverse value",
        description="What means reverse, where gears are sent: R, or -1. By default true, 1 or ON.",
    )
    stale_s: float = rule(3.0, "Stale", "What was last heard longer ago than this is unknown.", unit="s", gt=0, le=60)

    @model_validator(mode="after")
    def _paths_have_topics(self) -> VehicleSettings:
        if self.speed_path is not None and self.speed_topic is None:
            raise ValueError("speed_path is given without speed_topic")
        if self.reverse_topic is None and not (self.reverse_path is None and self.reverse_value is None):
            raise ValueError("reverse_path or reverse_value is given without reverse_topic")
        return self
