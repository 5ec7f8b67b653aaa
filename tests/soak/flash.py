"""What a broker on the device writes to its card, for one way to save and another. Needs root: it mounts file systems.

    python -m tests.soak.flash --minutes 4
    python -m tests.soak.flash --minutes 4 --waiting 500

Each candidate is a mosquitto with ``deploy/brokers/device.conf`` and another way to save, on an ext4 of its own, whose
block device counts what arrives: the database, the file system's journal and all. All hear the same device: its
driver's state twice a second, health every 30 s, ``--events`` an hour, with the contract's QoS and retain flags; one
subscriber keeps a session. ``--waiting`` events wait for another that is away, as they do for a bridge whose link is
down: each save writes them again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from tqdm import tqdm

from edge.events import Topics
from edge.events.catalogue import KINDS
from edge.events.examples import as_json, event, payloads
from tests.delivery.certificates import Authority
from tests.delivery.parts import find_mosquitto
from tests.deploy.shipped import Names, ShippedBroker

#: autosave_on_changes and autosave_interval.
WAYS = {
    "every change": ("true", "1"),
    "every 10 changes": ("true", "10"),
    "every second": ("false", "1"),
    "every 5 s": ("false", "5"),
    "every 15 s": ("false", "15"),
    "every minute": ("false", "60"),
    "at the end only": ("false", "0"),
}

_SECTOR = 512


class Card:
    """An ext4 in a file, as a block device of its own; ``written`` tells its bytes since it was mounted."""

    def __init__(self, folder: Path, name: str) -> None:
        image = folder / f"{name}.img"
        image.write_bytes(b"")
        with image.open("r+b") as file:
            file.truncate(64 << 20)
        _run("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", image)
        self.mount = folder / name
        self.mount.mkdir()
        _run("mount", "-o", "loop", image, self.mount)
        device = _run("findmnt", "-n", "-o", "SOURCE", self.mount).strip()
        self._stat = Path("/sys/block") / Path(device).name / "stat"
        self._before = 0
        self._before = self.written()

    def written(self) -> int:
        """Bytes that reached the block device, after all that is dirty was sent there."""
        _run("sync", "-f", self.mount)
        return int(self._stat.read_text().split()[6]) * _SECTOR - self._before

    def close(self) -> None:
        """Takes it away."""
        _run("umount", self.mount)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.flash", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--events", type=float, default=30.0, help="an hour")
    parser.add_argument("--waiting", type=int, default=0, help="events for a subscriber that is away")
    arguments = parser.parse_args()
    binary = find_mosquitto() or sys.exit("mosquitto is not installed: apt install mosquitto")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        authority = Authority(folder, "authority")
        names = Names.made_by(authority, "broker", "truck-7", "worker-1", "worker-2")
        cards = {}
        clients = []
        for way, (on_changes, interval) in WAYS.items():
            card = cards[way] = Card(folder, way.replace(" ", "-"))
            stack.callback(card.close)
            broker = ShippedBroker(
                binary,
                card.mount,
                "device.conf",
                names,
                replace={"autosave_on_changes": on_changes, "autosave_interval": interval},
            )
            stack.callback(broker.kill)
            broker.start()
            device, listener, away = (_client(broker, names, name) for name in ("truck-7", "worker-1", "worker-2"))
            clients += [device, listener]
            for client in (listener, away):
                client.subscribe("mien/1/+/driver/event", qos=1)
            time.sleep(0.5)  # its subscription must stand before it goes
            away.disconnect()
            _pile_up(device, arguments.waiting)
        before = {way: card.written() for way, card in cards.items()}
        _live(clients[::2], arguments.minutes * 60, arguments.events)
        hours = arguments.minutes / 60
        print("saves               MB an hour   TB in 2,000 h")
        for way, card in cards.items():
            an_hour = (card.written() - before[way]) / hours
            print(f"{way:<18} {an_hour / 1e6:>11.2f} {an_hour * 2000 / 1e12:>15.3f}")
        for client in clients:
            client.disconnect()


def _pile_up(device: Client, events: int) -> None:
    """Returns when the broker has them."""
    sent = [device.publish(Topics("truck-7").event("driver"), _microsleep(), qos=1) for _ in range(events)]
    for message in sent:
        message.wait_for_publish(30)


def _microsleep() -> bytes:
    return event(next(kind for kind in KINDS if kind.name == "microsleep")).to_json()


def _live(clients: list[Client], seconds: float, events_an_hour: float) -> None:
    """One device's messages, to all brokers."""
    topics, examples = Topics("truck-7"), payloads()
    state, health = (json.dumps(as_json(examples[name])) for name in ("driver-state", "health"))
    next_event_s = every_s = 3600 / events_an_hour
    for half in tqdm(range(round(seconds * 2)), desc="living", unit="state"):
        began = time.monotonic()
        for client in clients:
            client.publish(topics.state("driver"), state, qos=0, retain=True, properties=_expiring(10))
            if half % 60 == 0:
                client.publish(topics.health, health, qos=0, retain=True, properties=_expiring(90))
            if half / 2 >= next_event_s:
                client.publish(topics.event("driver"), _microsleep(), qos=1)
        if half / 2 >= next_event_s:
            next_event_s += every_s
        time.sleep(max(0.0, 0.5 - (time.monotonic() - began)))


def _expiring(seconds: int) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.MessageExpiryInterval = seconds
    return properties


def _client(broker: ShippedBroker, names: Names, name: str) -> Client:
    client = names.client(name)
    broker.resume(client)
    return client


def _run(*words: str | Path) -> str:
    return subprocess.run([*map(str, words)], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
