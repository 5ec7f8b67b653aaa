"""TLS, client certificates, passwords and rights at a real broker: what is right works, what is wrong is named."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from edge.delivery import BrokerSettings, DeliveryError, Outbox, OutboxSettings, Publisher
from edge.events import DeviceIdentity

from .certificates import Authority
from .parts import Mosquitto, Relay, find_mosquitto, free_port, make_event, make_info, quick, wait_for

DEVICE = DeviceIdentity("cab-7")
INFO = make_info(DEVICE)
PASSWORD = "correct horse"
EXPIRED = timedelta(days=-1)


class Site:
    """One mosquitto with a port for each kind of trouble, and the papers of those who come."""

    def __init__(self, folder: Path) -> None:
        binary, tool = find_mosquitto(), shutil.which("mosquitto_passwd")
        if binary is None or tool is None:
            pytest.skip("mosquitto is not installed: apt install mosquitto")
        self.authority, self.foreign = Authority(folder, "authority"), Authority(folder, "foreign")
        self.client = self.authority.sign("cab")
        self.expired_client = self.authority.sign("expired-cab", left=EXPIRED)
        self.foreign_client = self.foreign.sign("foreign-cab")
        good = self.authority.sign("broker", host="127.0.0.1")
        expired = self.authority.sign("expired", host="127.0.0.1", left=EXPIRED)
        elsewhere = self.authority.sign("elsewhere", host="broker.example")
        passwords, rights = folder / "passwords", folder / "rights"
        subprocess.run([tool, "-b", "-c", str(passwords), "cab", PASSWORD], check=True, capture_output=True)
        rights.write_text("user cab\ntopic write mien/1/cab-7/#\n")
        guarded = ("allow_anonymous false", f"password_file {passwords}", f"acl_file {rights}")
        listeners = {"tls": good, "websocket": good, "mutual": good, "expired": expired, "elsewhere": elsewhere}
        self.ports = {name: free_port() for name in listeners}
        lines = ["per_listener_settings true", *guarded]
        for name, papers in listeners.items():
            lines += [f"listener {self.ports[name]} 127.0.0.1", f"certfile {papers.cert}", f"keyfile {papers.key}"]
            if name == "mutual":
                lines += [f"cafile {self.authority.cert}", "require_certificate true", "use_identity_as_username true"]
                lines += [f"acl_file {rights}"]
            else:
                lines += guarded
            if name == "websocket":
                lines += ["protocol websockets", "socket_domain ipv4"]
        self.broker = Mosquitto(binary, folder, tuple(lines)).start()
        self.ports["plain"] = self.broker.port

    def settings(self, port: str, **others: Any) -> dict[str, Any]:
        """How somebody with the right papers comes to a port, except for what is given."""
        scheme = "wss" if port == "websocket" else "mqtts"
        papers: dict[str, Any] = {"url": f"{scheme}://127.0.0.1:{self.ports[port]}", "ca_file": self.authority.cert}
        if port == "mutual":
            papers |= {"cert_file": self.client.cert, "key_file": self.client.key}
        else:
            papers |= {"username": "cab", "password": PASSWORD}
        return {key: value for key, value in (papers | others).items() if value is not None}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    place = Site(tmp_path_factory.mktemp("site"))
    yield place
    place.broker.kill()


#: What is wrong, and what the one line says of it: the port, what differs from the right papers, words.
WRONGS: dict[str, tuple[str, Callable[[Site], dict[str, Any]], tuple[str, ...]]] = {
    "expired server": ("expired", lambda _: {}, ("its certificate has expired", "renew it")),
    "foreign server": ("tls", lambda site: {"ca_file": site.foreign.cert}, ("none of the authorities", "set ca_file")),
    "unknown server": ("tls", lambda _: {"ca_file": None}, ("none of the authorities", "set ca_file")),
    "other name": ("elsewhere", lambda _: {}, ("is for another name than 127.0.0.1", "url")),
    "no client certificate": (
        "mutual",
        lambda _: {"cert_file": None, "key_file": None},
        ("it wants a client certificate: set cert_file and key_file",),
    ),
    "foreign client": (
        "mutual",
        lambda site: {"cert_file": site.foreign_client.cert, "key_file": site.foreign_client.key},
        ("does not know the authority that signed the client certificate", "have it signed by the broker's CA"),
    ),
    "expired client": (
        "mutual",
        lambda site: {"cert_file": site.expired_client.cert, "key_file": site.expired_client.key},
        ("the client certificate", "has expired: renew it"),
    ),
    "wrong password": ("tls", lambda _: {"password": "hush"}, ("Not authorized", "check username, its password")),
    "no password": ("tls", lambda _: {"username": None, "password": None}, ("Not authorized", "set username")),
    "no TLS there": ("plain", lambda _: {}, ("need a port that speaks TLS",)),
}


@pytest.mark.parametrize("port", ["tls", "mutual", "websocket"])
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_with_the_right_papers_events_arrive(site: Site, outbox: Outbox, port: str, protocol: str) -> None:
    with Publisher(quick(**site.settings(port, protocol=protocol)), outbox, INFO) as publisher:
        assert publisher.wait_connected(5).kind == "connected"
        for t in range(50):
            outbox.put(make_event(DEVICE, t))
        assert wait_for(lambda: outbox.depth() == 0)
        assert publisher.trouble is None


@pytest.mark.parametrize("wrong", WRONGS)
def test_what_is_wrong_is_named_in_one_line_with_the_way_out(site: Site, outbox: Outbox, wrong: str) -> None:
    port, papers, words = WRONGS[wrong]
    with Publisher(quick(**site.settings(port, **papers(site))), outbox, INFO) as publisher:
        outcome = publisher.wait_connected(5)
    assert outcome.kind != "connected"
    assert "\n" not in outcome.reason
    assert "hush" not in outcome.reason
    for word in words:
        assert word in outcome.reason


def test_a_plain_url_on_a_tls_port_is_told_to_use_tls(site: Site, outbox: Outbox) -> None:
    url = f"mqtt://127.0.0.1:{site.ports['tls']}"
    with Publisher(quick(url, connect_timeout_s=1.0), outbox, INFO) as publisher:
        assert "does this port want TLS, mqtts://?" in publisher.wait_connected(5).reason


def test_whatever_is_wrong_is_said_once_and_tried_again_ever_more_slowly(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    roads = {wrong: Relay(site.ports[port]) for wrong, (port, _, _) in WRONGS.items()}
    with ExitStack() as stack:
        box = stack.enter_context(Outbox(OutboxSettings(path=tmp_path / "outbox.sqlite")))
        for wrong, (port, papers, _) in WRONGS.items():
            roads[wrong].up()
            stack.callback(roads[wrong].cut)
            values = site.settings(port, **papers(site)) | {"url": roads[wrong].url.replace("mqtt:", "mqtts:")}
            settings = quick(**values, reconnect_min_s=0.2, reconnect_max_s=10.0, protocol="5", client_id=wrong)
            stack.callback(Publisher(settings, box, INFO).start(unattended=True).close)
        time.sleep(2.5)
        attempts = {wrong: road.connections for wrong, road in roads.items()}
        lines = {
            wrong: [record.getMessage() for record in caplog.records if road.address in record.getMessage()]
            for wrong, road in roads.items()
        }
    # Waits of at least 0.1, 0.2, 0.4, 0.8 and 1.6 s lie between them.
    assert all(2 <= count <= 5 for count in attempts.values()), attempts
    assert all(len(said) == 1 for said in lines.values()), lines
    assert "hush" not in caplog.text
    assert PASSWORD not in caplog.text


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was said as an error."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_topic_that_may_not_be_written_is_named_once_and_events_wait(
    site: Site, outbox: Outbox, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.delivery.backlog.REFUSED_RETRY_S", 0.2)
    road = Relay(site.ports["mutual"])
    road.up()
    values = site.settings("mutual", url=road.url.replace("mqtt:", "mqtts:"), protocol="5", root="else/1")
    with Publisher(quick(**values), outbox, INFO) as publisher:
        assert publisher.wait_connected(5).kind == "connected"
        for t in range(100):
            outbox.put(make_event(DEVICE, t))
        topic = "else/1/cab-7/driver/event"
        assert wait_for(lambda: any(topic in line for line in errors(caplog)))
        time.sleep(1.0)
        assert publisher.connected
        assert outbox.depth() == 100
        assert "refuses topic else/1/cab-7/status: Not authorized" in str(publisher.trouble)
    road.cut()
    said = errors(caplog)
    assert len(said) == 3, said
    assert {line.partition("refuses topic ")[2].partition(":")[0] for line in said} == {
        *("else/1/cab-7/status", "else/1/cab-7/info", topic)
    }
    assert all("its ACL must let this client write it" in line for line in said)
    assert road.connections == 1


def test_with_3_1_1_a_broker_acknowledges_what_it_then_throws_away(site: Site, outbox: Outbox) -> None:
    # The protocol has no other answer; this is why MQTT 5 is tried first.
    values = site.settings("mutual", protocol="3.1.1", root="else/1")
    with Publisher(quick(**values), outbox, INFO) as publisher:
        publisher.wait_connected(5)
        outbox.put(make_event(DEVICE))
        assert wait_for(lambda: outbox.depth() == 0)
        assert publisher.trouble is None


def security_plugin() -> Path:
    """Mosquitto's, which unlike an acl_file refuses a subscription instead of keeping silent on it."""
    found = list(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"))
    if not found:
        pytest.skip("mosquitto's dynamic security plugin is not installed")
    return found[0]


@pytest.mark.parametrize(("protocol", "reason"), [("5", "Not authorized"), ("3.1.1", "Unspecified error")])
def test_a_topic_that_may_not_be_read_is_named_once_and_events_still_go_out(
    start_mosquitto: Callable[..., Mosquitto],
    outbox: Outbox,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    protocol: str,
    reason: str,
) -> None:
    rights = tmp_path / "rights.json"
    may = {"publishClientSend": True, "publishClientReceive": True, "subscribe": False, "unsubscribe": True}
    rights.write_text(json.dumps({"defaultACLAccess": may}))
    broker = start_mosquitto("allow_anonymous true", f"plugin {security_plugin()}", f"plugin_opt_config_file {rights}")
    settings = quick(broker.url, protocol=protocol)
    with Publisher(settings, outbox, INFO, inputs={"car/speed": lambda _message: None}) as publisher:
        publisher.wait_connected(5)
        outbox.put(make_event(DEVICE))
        assert wait_for(lambda: outbox.depth() == 0)
        time.sleep(0.3)
        assert publisher.connected
    (line,) = errors(caplog)
    assert f"refuses topic car/speed: {reason}" in line
    assert "its ACL must let this client read it" in line


def test_a_key_that_needs_a_passphrase_is_refused_instead_of_asking_for_it(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    papers = authority.sign("cab", passphrase=b"secret")
    settings = BrokerSettings(url="mqtts://host", cert_file=papers.cert, key_file=papers.key)
    with pytest.raises(DeliveryError, match=r"cab\.key: is encrypted: decrypt it"):
        settings.tls_context()
