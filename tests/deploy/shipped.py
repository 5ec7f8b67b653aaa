"""The shipped broker files as they are, but for the paths and ports of the machine they are meant for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.delivery.certificates import Authority, Pair
from tests.delivery.parts import Mosquitto

BROKERS = Path(__file__).resolve().parents[2] / "deploy" / "brokers"


@dataclass(frozen=True, slots=True)
class Names:
    """An authority, its list of revoked certificates, and certificates by name."""

    ca: Path
    crl: Path | None
    pairs: Mapping[str, Pair]

    @classmethod
    def made_by(cls, authority: Authority, broker: str, *clients: str) -> Names:
        """In no time, where the certificates are not what is tested; ``broker`` is at localhost."""
        pairs = {broker: authority.sign(broker, host="localhost")} | {name: authority.sign(name) for name in clients}
        return cls(authority.cert, None, pairs)

    def client(self, name: str) -> Client:
        """One of paho's with that certificate and MQTT 5, not connected yet."""
        client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5)
        client.tls_set(str(self.ca), str(self.pairs[name].cert), str(self.pairs[name].key))
        return client


class ShippedBroker(Mosquitto):
    """mosquitto with one of the files in deploy/brokers, as a drop-in to Debian's own configuration.

    folder: of this broker alone. replace: settings to have another value than in the file. extra: further lines.
    own: the broker's own name among ``names``.
    """

    def __init__(
        self,
        binary: str,
        folder: Path,
        file: str,
        names: Names,
        *,
        own: str = "broker",
        replace: Mapping[str, str] | None = None,
        extra: tuple[str, ...] = (),
    ) -> None:
        super().__init__(binary, folder)
        data = folder / "data"
        data.mkdir(exist_ok=True)
        self.url = f"mqtts://localhost:{self.port}"
        self.log = folder / "mosquitto.log"
        text = (BROKERS / file).read_text().replace("listener 8883", f"listener {self.port} 127.0.0.1")
        places = {
            "ca.crt": names.ca,
            "broker.crt": names.pairs[own].cert,
            "broker.key": names.pairs[own].key,
            "crl.pem": names.crl,
        }
        for name, path in places.items():
            text = text.replace(f"/etc/mosquitto/certs/mien/{name}", str(path))
        if names.crl is None:
            text = text.replace("crlfile ", "#crlfile ")
        text = text.replace("/etc/mosquitto/mien.acl", str(BROKERS / "mien.acl"))
        for key, value in (replace or {}).items():
            text, found = re.subn(rf"(?m)^{key} .*$", f"{key} {value}", text)
            assert found == 1, f"{file} sets {key} once"
        # What Debian's mosquitto.conf sets, and root, who alone reads a test's folder.
        debian = ("user root", "persistence true", f"persistence_location {data}/", f"log_dest file {self.log}")
        self._config.write_text("\n".join((*debian, text, *extra)) + "\n")

    def resume(self, client: Client) -> None:
        """Connects it, with the session that it left; its own lasts for a day without it."""
        session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        session.SessionExpiryInterval = 86_400
        client.connect("localhost", self.port, clean_start=False, properties=session)
        client.loop_start()

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None, "it runs"
        return self._process.pid


def shipped_bridge(ca: Path, pair: Pair, address: str, *, turned_on: str | None = "driver/event out 1") -> str:
    """bridge.conf with a certificate and an address; the line that ends with ``turned_on`` taken out of its comment."""
    text = (BROKERS / "bridge.conf").read_text()
    for name, path in {"ca.crt": ca, "bridge.crt": pair.cert, "bridge.key": pair.key}.items():
        text = text.replace(f"/etc/mosquitto/certs/mien/{name}", str(path))
    text = text.replace("cloud.example:8883", address).replace("restart_timeout 2 30", "restart_timeout 1")
    if turned_on is None:
        return text
    text, found = re.subn(rf"(?m)^#(topic mien/1/\+/{re.escape(turned_on)})$", r"\1", text)
    assert found == 1, f"bridge.conf has a commented line for {turned_on}"
    return text
