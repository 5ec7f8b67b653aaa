"""A bridge loses nothing: its link is away while events flow, and both brokers are restarted meanwhile.

    python -m tests.soak.bridge --minutes 10

mien itself publishes to a mosquitto with the shipped device.conf and bridge.conf (driver events, which are off by
default, turned on), that bridges through a link that can be cut to a mosquitto with site.conf, all with certificates. A
subscriber with a session of its own hears the far side. The device's broker is restarted after a third of the time and
the far one after two thirds; events come all the while. Then the link comes back.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from edge.delivery import Outbox, OutboxSettings, Publisher
from edge.delivery.delivery import CONNECTED
from edge.events import DeviceIdentity
from tests.delivery.certificates import Authority
from tests.delivery.parts import (
    Relay,
    find_mosquitto,
    make_event,
    make_info,
    quick,
    wait_for,
    without_repeats,
)
from tests.deploy.shipped import Names, ShippedBroker, shipped_bridge

DEVICE = "truck-7"


@dataclass(frozen=True)
class Bridged:
    """What came of it. put, heard: event ids in order, with repeats. waited: events made while the link was away."""

    put: list[str]
    heard: list[str]
    waited: int

    @property
    def repeats(self) -> int:
        """Events that came once more than was needed."""
        return len(self.heard) - len(set(self.heard))

    @property
    def whole(self) -> bool:
        """Each event came, under its id, in the order in which they were made."""
        return without_repeats(self.heard) == self.put


def soak(folder: Path, binary: str, away_s: float, events_a_second: float) -> Bridged:
    """Cuts the link for ``away_s`` seconds."""
    names = Names.made_by(Authority(folder, "authority"), "broker", DEVICE, "dispatcher")
    places = {name: folder / name for name in ("near", "far")}
    for place in places.values():
        place.mkdir()
    with ExitStack() as stack:
        far = ShippedBroker(binary, places["far"], "site.conf", names)
        stack.callback(far.kill)
        link = Relay(far.port)
        stack.callback(link.cut)
        bridge = shipped_bridge(names.ca, names.pairs[DEVICE], link.address.replace("127.0.0.1", "localhost"))
        near = ShippedBroker(binary, places["near"], "device.conf", names, extra=(bridge,))
        stack.callback(near.kill)
        far.start()
        link.up()
        near.start()
        heard = stack.enter_context(_listening(far, names))
        pair = names.pairs[DEVICE]
        device = DeviceIdentity(DEVICE)
        settings = quick(near.url, ca_file=names.ca, cert_file=pair.cert, key_file=pair.key)
        outbox = stack.enter_context(Outbox(OutboxSettings(path=folder / "outbox.sqlite")))
        publisher = stack.enter_context(Publisher(settings, outbox, make_info(device)))
        assert publisher.wait_connected(5) is CONNECTED
        put: list[str] = []

        def flow(seconds: float, what: str) -> None:
            for _ in tqdm(
                range(max(1, round(seconds * events_a_second))), desc=what, unit="event", disable=seconds < 10
            ):
                event = make_event(device, float(len(put)))
                outbox.put(event)
                put.append(str(event.id))
                time.sleep(1 / events_a_second)

        flow(0.5, "link up")
        assert wait_for(lambda: len(set(heard)) == len(put), 20), "the bridge carries events"
        link.cut()
        before = len(put)
        flow(away_s / 3, "link away")
        near.stop()
        flow(0.5, "device's broker down")
        near.start()
        flow(away_s / 3, "link away")
        far.stop()
        flow(0.5, "far broker down")
        far.start()
        flow(away_s / 3, "link away")
        waited = len(put) - before
        link.up()
        flow(0.5, "link up")
        wait_for(lambda: len(set(heard)) >= len(put), 60)
        return Bridged(put, list(heard), waited)


@contextmanager
def _listening(broker: ShippedBroker, names: Names) -> Iterator[list[str]]:
    """The ids of the events that a subscriber with a session of its own hears."""
    heard: list[str] = []
    client = names.client("dispatcher")
    client.reconnect_delay_set(0.05, 0.05)  # type: ignore[arg-type]
    client.on_connect = lambda client, *_: client.subscribe("mien/1/+/driver/event", qos=1) and None
    subscribed: list[bool] = []
    client.on_subscribe = lambda *_: subscribed.append(True)
    client.on_message = lambda _client, _data, message: heard.append(json.loads(message.payload)["id"])
    broker.resume(client)
    assert wait_for(lambda: bool(subscribed))
    yield heard
    client.disconnect()
    client.loop_stop()


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.bridge", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="how long the link is away")
    parser.add_argument("--rate", type=float, default=5.0, help="events a second")
    arguments = parser.parse_args()
    binary = find_mosquitto() or sys.exit("mosquitto is not installed: apt install mosquitto")
    with tempfile.TemporaryDirectory() as folder:
        result = soak(Path(folder), binary, arguments.minutes * 60, arguments.rate)
    print(
        f"link away {arguments.minutes:g} minutes: {len(result.put)} events made, {result.waited} of them meanwhile; "
        f"{len(set(result.heard))} heard, {result.repeats} repeats, {'in order' if result.whole else 'NOT WHOLE'}"
    )
    sys.exit(0 if result.whole else 1)


if __name__ == "__main__":
    main()
