"""mosquitto with the files that ship, and certificates made by the commands that deploy/README.md gives."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.delivery import BrokerSettings, Outbox, OutboxSettings, Publisher
from edge.delivery.delivery import CONNECTED
from edge.events import DeviceIdentity
from tests.delivery.certificates import Authority, Pair
from tests.delivery.parts import find_mosquitto, make_event, make_info, quick, wait_for
from tests.soak.bridge import soak

from .shell import blocks
from .shipped import BROKERS, Names, ShippedBroker, shipped_bridge

ROOT = BROKERS.parents[1]

pytestmark = pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed: apt install mosquitto")


@dataclass(frozen=True)
class Pki:
    """An authority made as the page says, in a home of its own."""

    home: Path
    names: Names

    def easyrsa(self, *arguments: str) -> None:
        """One more of its commands."""
        _shell(f"cd ~/mien-ca\n./easyrsa {' '.join(arguments)}", self.home, ROOT)

    def keep(self, name: str) -> Pair:
        """A copy of a certificate: easyrsa puts away those that it revokes."""
        pki, kept = self.home / "mien-ca" / "pki", self.home / "kept"
        kept.mkdir(exist_ok=True)
        return Pair(
            Path(shutil.copy(pki / "issued" / f"{name}.crt", kept)),
            Path(shutil.copy(pki / "private" / f"{name}.key", kept)),
        )


def _shell(commands: str, home: Path, folder: Path) -> None:
    """What a person types, who answers easyrsa's questions with a passphrase and yes."""
    answers = {"EASYRSA_BATCH": "1", "EASYRSA_PASSIN": "pass:secret", "EASYRSA_PASSOUT": "pass:secret"}
    # None is old enough to be renewed on the day that it was made.
    environment = os.environ | answers | {"HOME": str(home), "EASYRSA_CERT_RENEW": "9999"}
    done = subprocess.run(
        ["sh", "-ec", commands], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """Every command of the README's chapter that concerns the authority, up to the revocation, in its order."""
    if shutil.which("make-cadir") is None:
        pytest.skip("easy-rsa is not installed: apt install easy-rsa")
    home = tmp_path_factory.mktemp("authority")
    for kind, commands in blocks(ROOT / "deploy" / "README.md"):
        if kind == "device":
            _shell(commands, home, home)
        elif kind == "ca" and "revoke" not in commands and "renew" not in commands:
            _shell(commands.replace("broker.example,IP:192.0.2.20", "localhost,IP:127.0.0.1"), home, ROOT)
    folder = home / "mien-ca" / "pki"
    made = {
        "broker": Pair(folder / "issued" / "broker.crt", folder / "private" / "broker.key"),
        "dispatcher": Pair(folder / "issued" / "dispatcher.crt", folder / "private" / "dispatcher.key"),
        "truck-7": Pair(folder / "issued" / "truck-7.crt", home / "device.key"),
    }
    return Pki(home, Names(folder / "ca.crt", folder / "crl.pem", made))


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Names:
    """Certificates made in no time, for what is not about how they are made."""
    authority = Authority(tmp_path_factory.mktemp("certificates"), "authority")
    return Names.made_by(
        authority, "broker", "truck-7", "truck-8", "dispatcher", "technician", "worker-1", "worker-2", "homeassistant"
    )


@pytest.fixture(scope="module")
def site(names: Names, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShippedBroker]:
    broker = ShippedBroker(find_mosquitto() or "", tmp_path_factory.mktemp("site"), "site.conf", names)
    broker.start()
    yield broker
    broker.kill()


class Peer:
    """A client of MQTT 5 by its certificate; keeps what it hears, and what the broker says to what it writes."""

    def __init__(self, port: int, ca: Path, pair: Pair | None, *, client_id: str = "", session_s: int = 0) -> None:
        self.heard: list[MQTTMessage] = []
        self.answers: dict[int, str] = {}
        self.ended = False
        self._subscribed: list[int] = []
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        self._client.tls_set(str(ca), *((str(pair.cert), str(pair.key)) if pair else ()))
        self._client.on_message = lambda _client, _data, message: self.heard.append(message)
        self._client.on_publish = lambda _client, _data, mid, reason, _: self.answers.update({mid: reason.getName()})
        self._client.on_subscribe = lambda _client, _data, mid, *_: self._subscribed.append(mid)
        self._client.on_disconnect = lambda *_: setattr(self, "ended", True)
        session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        session.SessionExpiryInterval = session_s
        self._client.connect("localhost", port, clean_start=not session_s, properties=session)
        self._client.loop_start()

    @property
    def let_in(self) -> bool:
        return wait_for(lambda: self._client.is_connected() or self.ended, 5) and self._client.is_connected()

    def listen(self, *topics: str) -> Peer:
        assert self.let_in
        _, mid = self._client.subscribe([(topic, 1) for topic in topics])
        assert wait_for(lambda: mid in self._subscribed)
        return self

    def write(self, topic: str, payload: str = "x", *, answer_to: str | None = None, retain: bool = False) -> str:
        """Returns the broker's answer."""
        assert self.let_in
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if answer_to is not None:
            properties.ResponseTopic = answer_to
        mid = self._client.publish(topic, payload, qos=1, retain=retain, properties=properties).mid
        assert wait_for(lambda: mid in self.answers, 5)
        return self.answers[mid]

    def topics(self) -> list[str]:
        return [message.topic for message in self.heard]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def meet(names: Names, site: ShippedBroker) -> Iterator[Callable[..., Peer]]:
    """Connects to the site's broker under a name."""
    peers: list[Peer] = []

    def connect(name: str, **others: int | str) -> Peer:
        peers.append(Peer(site.port, names.ca, names.pairs[name], **others))  # type: ignore[arg-type]
        return peers[-1]

    yield connect
    for peer in peers:
        peer.close()


@pytest.fixture
def refused(names: Names, site: ShippedBroker) -> Callable[[str, str], bool]:
    """Whether the site's broker refuses a name a topic; 2.0.11 then ends the connection, so each has its own."""

    def ask(name: str, topic: str, payload: str = "x") -> bool:
        peer = Peer(site.port, names.ca, names.pairs[name])
        answer = peer.write(topic, payload)
        peer.close()
        return answer == "Not authorized"

    return ask


def test_a_device_writes_its_own_topics_and_no_others(
    meet: Callable[..., Peer], refused: Callable[[str, str], bool]
) -> None:
    dispatcher = meet("dispatcher").listen("#")
    for topic in ("status", "driver/event", "driver/state", "camera/main/status", "command/identify/result"):
        assert not refused("truck-7", f"mien/1/truck-7/{topic}")
    foreign = (
        *("mien/1/truck-8/driver/event", "mien/1/truck-8/privacy/set", "mien/1/driver/event"),
        *("reply/dispatcher/truck-8", "bridge/truck-8/state", "vss/truck-8/Vehicle/Speed", "vehicle/truck-7/speed"),
        *("homeassistant/device/mien_truck-7/config", "elsewhere"),
    )
    for topic in foreign:
        assert refused("truck-7", topic), topic
    assert wait_for(lambda: len(dispatcher.heard) == 5)
    assert all(topic.startswith("mien/1/truck-7/") for topic in dispatcher.topics())


def test_a_device_hears_its_own_orders_and_nobody_elses(meet: Callable[..., Peer]) -> None:
    dispatcher = meet("dispatcher")
    seven, eight = meet("truck-7").listen("#"), meet("truck-8").listen("#")
    dispatcher.write("mien/1/truck-7/command/identify", "{}")
    dispatcher.write("mien/1/truck-7/privacy/set", "ON")
    eight.write("mien/1/truck-8/driver/event")
    dispatcher.write("mien/1/truck-8/privacy/set", "OFF")
    assert wait_for(lambda: bool(eight.heard))
    assert seven.topics() == ["mien/1/truck-7/command/identify", "mien/1/truck-7/privacy/set"]
    assert eight.topics() == ["mien/1/truck-8/privacy/set"]


def test_who_has_no_certificate_gets_nothing(names: Names, site: ShippedBroker, tmp_path: Path) -> None:
    nobody = Peer(site.port, names.ca, None)
    stranger = Peer(site.port, names.ca, Authority(tmp_path, "another").sign("truck-7"))
    assert not nobody.let_in
    assert not stranger.let_in
    plain = Client(CallbackAPIVersion.VERSION2)
    ended: list[bool] = []
    plain.on_disconnect = lambda *_: ended.append(True)
    plain.connect("localhost", site.port)
    plain.loop_start()
    assert wait_for(lambda: bool(ended))
    assert not plain.is_connected()
    plain.loop_stop()
    nobody.close()
    stranger.close()


def test_consumers_read_and_do_not_write(meet: Callable[..., Peer], refused: Callable[[str, str], bool]) -> None:
    worker, technician = meet("worker-1").listen("#"), meet("technician").listen("#")
    truck = meet("truck-7")
    for topic in ("driver/event", "driver/state", "health"):
        truck.write(f"mien/1/truck-7/{topic}")
    assert wait_for(lambda: len(worker.heard) == 3 and bool(technician.heard))
    assert technician.topics() == ["mien/1/truck-7/health"]
    assert refused("worker-2", "mien/1/truck-7/privacy/set")
    # Nor may a consumer pass for a device that has its name.
    assert refused("worker-2", "mien/1/worker-2/driver/event")
    assert refused("homeassistant", "mien/1/homeassistant/status")


def test_an_answer_cannot_be_given_by_another_device(
    meet: Callable[..., Peer], refused: Callable[[str, str], bool]
) -> None:
    dispatcher = meet("dispatcher").listen("reply/dispatcher/#")
    dispatcher.write("mien/1/truck-7/command/identify", "{}", answer_to="reply/dispatcher/truck-7")
    assert refused("truck-8", "reply/dispatcher/truck-7")
    assert not refused("truck-7", "reply/dispatcher/truck-7")
    assert wait_for(lambda: len(dispatcher.heard) == 1)


def test_a_foreign_client_id_throws_nobody_out(meet: Callable[..., Peer]) -> None:
    dispatcher = meet("dispatcher", client_id="dispatcher", session_s=60).listen("mien/1/+/driver/event")
    rival = meet("truck-8", client_id="dispatcher")
    assert rival.let_in
    assert not dispatcher.ended
    meet("truck-7").write("mien/1/truck-7/driver/event")
    assert wait_for(lambda: len(dispatcher.heard) == 1)
    assert not rival.heard


def test_two_workers_share_the_events_each_to_one(meet: Callable[..., Peer]) -> None:
    workers = [meet(name).listen("$share/desk/mien/1/+/driver/event") for name in ("worker-1", "worker-2")]
    truck = meet("truck-7")
    for number in range(20):
        truck.write("mien/1/truck-7/driver/event", str(number))
    assert wait_for(lambda: sum(len(worker.heard) for worker in workers) == 20)
    shares = [{int(message.payload) for message in worker.heard} for worker in workers]
    assert all(shares)
    assert set.union(*shares) == set(range(20))
    assert not set.intersection(*shares)


@contextmanager
def delivering(settings: BrokerSettings, folder: Path) -> Iterator[Outbox]:
    device = DeviceIdentity("truck-7")
    with (
        Outbox(OutboxSettings(path=folder / "outbox.sqlite")) as outbox,
        Publisher(settings, outbox, make_info(device)) as publisher,
    ):
        assert publisher.wait_connected(5) == CONNECTED
        outbox.put(make_event(device))
        yield outbox


def test_certificates_made_as_the_page_says_deliver_and_one_that_is_revoked_does_not(pki: Pki, tmp_path: Path) -> None:
    pki.easyrsa("build-client-full", "truck-8", "nopass")
    lost = pki.keep("truck-8")
    broker = ShippedBroker(find_mosquitto() or "", tmp_path, "site.conf", pki.names)
    ca, own, dispatcher = pki.names.ca, pki.names.pairs["truck-7"], pki.names.pairs["dispatcher"]
    with ExitStack() as stack:
        stack.callback(broker.kill)
        broker.start()
        listener = Peer(broker.port, ca, dispatcher)
        stack.callback(listener.close)
        listener.listen("mien/1/+/driver/event")
        settings = quick(broker.url, ca_file=ca, cert_file=own.cert, key_file=own.key)
        with delivering(settings, tmp_path) as outbox:
            assert wait_for(lambda: len(listener.heard) == 1 and outbox.depth() == 0)

        before = Peer(broker.port, ca, lost)
        assert before.let_in
        before.close()
        [revoke] = [text for kind, text in blocks(ROOT / "deploy" / "README.md") if kind == "ca" and "revoke" in text]
        _shell(revoke.replace("truck-7", "truck-8"), pki.home, ROOT)
        broker.reload()
        time.sleep(0.3)
        after = Peer(broker.port, ca, lost)
        stack.callback(after.close)
        assert not after.let_in
        assert "certificate verify failed" in broker.log.read_text()

        # The broker's own certificate, renewed, is taken up by a reload as well.
        [renew] = [text for kind, text in blocks(ROOT / "deploy" / "README.md") if kind == "ca" and "renew" in text]
        _shell(renew, pki.home, ROOT)
        broker.reload()
        time.sleep(0.3)
        assert wait_for(lambda: not listener.ended)
        again = Peer(broker.port, ca, dispatcher)
        stack.callback(again.close)
        assert again.let_in


def test_a_bridge_whose_link_was_away_loses_nothing_even_if_both_brokers_are_restarted(tmp_path: Path) -> None:
    result = soak(tmp_path, find_mosquitto() or "", 0.9, 40)
    assert result.waited >= 30
    assert result.whole


def test_a_bridge_carries_how_devices_fare_and_nothing_of_a_driver(names: Names, tmp_path: Path) -> None:
    for place in ("near", "far"):
        (tmp_path / place).mkdir()
    far = ShippedBroker(find_mosquitto() or "", tmp_path / "far", "site.conf", names)
    bridge = shipped_bridge(names.ca, names.pairs["truck-7"], f"localhost:{far.port}", turned_on=None)
    near = ShippedBroker(find_mosquitto() or "", tmp_path / "near", "device.conf", names, extra=(bridge,))
    with ExitStack() as stack:
        for broker in (far, near):
            stack.callback(broker.kill)
            broker.start()
        listener = Peer(far.port, names.ca, names.pairs["dispatcher"])
        stack.callback(listener.close)
        listener.listen("#")
        truck = Peer(near.port, names.ca, names.pairs["truck-7"])
        stack.callback(truck.close)
        for topic in ("driver/event", "driver/state", "expression/event", "expression/state", "audience/event"):
            truck.write(f"mien/1/truck-7/{topic}")
        for topic in ("info", "camera/main/status", "health", "status"):
            truck.write(f"mien/1/truck-7/{topic}", retain=True)
        assert wait_for(lambda: "mien/1/truck-7/status" in listener.topics())
        assert {topic for topic in listener.topics() if "driver" in topic or "expression" in topic} == set()
        assert wait_for(lambda: len(set(listener.topics())) == 4)


def test_every_file_that_a_broker_needs_is_one_that_the_page_puts_there() -> None:
    page = (ROOT / "deploy" / "README.md").read_text()
    for file in BROKERS.iterdir():
        for path in re.findall(r"(?m)^\w+ (/etc/mosquitto/\S+)$", file.read_text()):
            assert Path(path).name in page, f"{file.name} reads {path}"
