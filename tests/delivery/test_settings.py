"""Broker settings: URLs that users type, and passwords that nobody sees."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from edge.delivery import BrokerSettings, DeliveryError, OutboxSettings
from edge.delivery.settings import typed_url


def test_a_url_says_all() -> None:
    settings = BrokerSettings.from_url("mqtt://cab:p%40ss@broker.example:1884")
    assert (settings.host, settings.port, settings.tls) == ("broker.example", 1884, False)
    assert settings.login() == ("cab", "p@ss")
    assert settings.url == "mqtt://broker.example:1884"


def test_ports_default_by_scheme() -> None:
    assert BrokerSettings.from_url("mqtt://host").port == 1883
    assert BrokerSettings.from_url("mqtts://host/").port == 8883
    assert BrokerSettings.from_url("mqtt://[::1]:1").address == "[::1]:1"


def test_no_password_shows_in_repr_or_errors(tmp_path: Path) -> None:
    settings = BrokerSettings.from_url("mqtt://cab:hush@host")
    assert "hush" not in repr(settings)
    assert "hush" not in settings.model_dump_json()
    with pytest.raises(DeliveryError) as error:
        BrokerSettings.from_url("http://cab:hush@host")
    assert "hush" not in str(error.value)


def test_the_environment_wins_then_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "password"
    file.write_text("from file\nsecond line\n")
    settings = BrokerSettings(username="cab", password_file=file)
    assert settings.login() == ("cab", "from file")
    monkeypatch.setenv("MIEN_MQTT_PASSWORD", "from environment")
    assert settings.login() == ("cab", "from environment")
    assert BrokerSettings().login() is None


def test_an_unreadable_password_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="nowhere: No such file"):
        BrokerSettings(username="cab", password_file=tmp_path / "nowhere").login()


def test_an_unreadable_certificate_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("not a certificate")
    with pytest.raises(DeliveryError, match=r"ca_file .*broken\.pem"):
        BrokerSettings(url="mqtts://host", ca_file=broken).tls_context()
    with pytest.raises(DeliveryError, match=r"cert_file and key_file .*missing\.pem"):
        BrokerSettings(url="mqtts://host", cert_file=tmp_path / "missing.pem").tls_context()


@pytest.mark.parametrize(
    ("url", "others", "reason"),
    [
        ("localhost:1883", {}, "must begin with mqtt://"),
        ("mqtt://", {}, "names no host"),
        ("mqtt://host:99999", {}, "the port must be a number"),
        ("mqtt://host:port", {}, "the port must be a number"),
        ("mqtt://host/topic", {}, "must end after the port"),
        ("ws://host/mqtt?token=1", {}, "must have no ?"),
        ("mqtt://a:b@host", {"password": "c"}, "given both in the URL"),
        ("mqtt://host", {"password": "c"}, "without a user name"),
        ("mqtt://host", {"ca_file": "ca.pem"}, "need an mqtts:// or wss:// URL"),
        ("mqtt://host", {"root": "a/#"}, "cannot be part of a topic"),
        ("mqtt://host", {"usrname": "a"}, "usrname"),
        ("mqtt://host", {"protocol": "3.1"}, "protocol"),
    ],
)
def test_a_wrong_setting_is_told_in_one_line(url: str, others: dict[str, str], reason: str) -> None:
    with pytest.raises(DeliveryError) as error:
        BrokerSettings.from_url(url, **others)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("model", [BrokerSettings, OutboxSettings])
def test_every_setting_has_a_title_and_a_description(model: type[BaseModel]) -> None:
    assert not [name for name, field in model.model_fields.items() if not (field.title and field.description)]


def test_websockets_have_a_path(tmp_path: Path) -> None:
    assert BrokerSettings.from_url("mqtt://host").websocket_path is None
    plain = BrokerSettings.from_url("ws://host:9001")
    assert (plain.port, plain.tls, plain.websocket_path) == (9001, False, "/mqtt")
    secure = BrokerSettings.from_url("wss://cab@host/broker/mqtt")
    assert (secure.port, secure.tls, secure.websocket_path) == (443, True, "/broker/mqtt")


def test_a_password_typed_on_the_command_line_is_refused_with_the_way_out() -> None:
    assert typed_url("mqtt://cab@host") == "mqtt://cab@host"
    with pytest.raises(DeliveryError, match=r"list of processes.* MIEN_MQTT_PASSWORD, or in password_file") as error:
        typed_url("mqtt://cab:hush@host")
    assert "hush" not in str(error.value)
