"""How many devices one mosquitto bears: so many connections with TLS, each saying what a device says.

    python -m tests.soak.fleet --devices 100 500 1000

Against a mosquitto with the shipped site.conf, one after the other: each device has a certificate of its own, sends
driver/state twice a second, health every 30 s, and ``--events`` an hour; two consumers share one subscription to the
events, and a dashboard hears all states too where ``--dashboard`` is given. Told are the broker's processor time and
memory, from /proc, how long an event takes to its consumer, and whether each event came to one of the two, once.

The devices run on the same machine, in processes of their own: the broker's figures are its own, the latency is not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import random
import ssl
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from tqdm import tqdm

from edge.events import Topics
from edge.events.examples import as_json, payloads
from tests.delivery.certificates import Authority
from tests.delivery.parts import find_mosquitto, wait_for
from tests.deploy.shipped import Names, ShippedBroker
from tests.soak.process import look

SHARED = ("worker-1", "worker-2")

#: Who heard which event, and how many seconds after it was sent.
Heard = tuple[str, str, float]


@dataclass(frozen=True, slots=True)
class Load:
    """What each device says: states a second, events an hour."""

    states: float
    events: float
    seconds: float


class Device:
    """As much MQTT 5 as it takes to publish: a thousand of paho's clients would measure paho."""

    def __init__(self, name: str, port: int, context: ssl.SSLContext) -> None:
        self._topics = Topics(name)
        self._name = name
        self._port = port
        self._context = context

    async def live(self, load: Load, state: bytes, health: bytes, start: float) -> int:
        """Connects now, speaks from ``start`` on (monotonic seconds); returns how many events it has sent."""
        reader, writer = await asyncio.open_connection(
            "localhost", self._port, ssl=self._context, ssl_handshake_timeout=120
        )
        writer.write(_connect(self._name))
        answer = await reader.readexactly(4)
        assert (answer[0], answer[3]) == (0x20, 0), f"{self._name} is refused"
        drain = asyncio.create_task(reader.read(-1))
        # Devices were not switched on in step, and nobody falls asleep by the clock.
        phase = random.random()
        await asyncio.sleep(max(0.0, start + phase / load.states - time.monotonic()))
        began, turn, sent = time.monotonic(), 0, 0
        while turn / load.states < load.seconds:
            writer.write(_publish(self._topics.state("driver"), state, expiry_s=10))
            if turn % round(30 * load.states) == 0:
                writer.write(_publish(self._topics.health, health, expiry_s=90))
            if int(turn / load.states * load.events / 3600 + phase) > sent:
                sent += 1
                event = json.dumps({"id": f"{self._name}-{sent}", "at": time.time(), "padding": "x" * 700})
                writer.write(_publish(self._topics.event("driver"), event.encode(), packet=sent))
            turn += 1
            await asyncio.sleep(max(0.0, began + turn / load.states - time.monotonic()))
        await asyncio.sleep(1)
        writer.write(b"\xe0\x00")
        await writer.drain()
        drain.cancel()
        writer.close()
        return sent


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.fleet", description=__doc__.splitlines()[0])
    parser.add_argument("--devices", type=int, nargs="+", default=[100, 500, 1000])
    parser.add_argument("--states", type=float, default=2.0, help="driver/state a second")
    parser.add_argument("--events", type=float, default=30.0, help="an hour, each device")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--dashboard", action="store_true", help="one more consumer, of everything")
    parser.add_argument("--save", help="autosave_on_changes,autosave_interval instead of site.conf's")
    arguments = parser.parse_args()
    binary = find_mosquitto() or sys.exit("mosquitto is not installed: apt install mosquitto")
    load = Load(arguments.states, arguments.events, arguments.seconds)
    print("devices  messages/s  CPU % of one core  RSS MB  database MB  events  heard  median ms  99 % ms  shares")
    for devices in arguments.devices:
        with tempfile.TemporaryDirectory() as folder:
            _measure(binary, Path(folder), devices, load, dashboard=arguments.dashboard, save=arguments.save)


def _measure(binary: str, folder: Path, devices: int, load: Load, *, dashboard: bool, save: str | None) -> None:
    authority = Authority(folder, "authority")
    fleet = [f"truck-{number}" for number in range(devices)]
    names = Names.made_by(authority, "broker", "dispatcher", *SHARED, *tqdm(fleet, desc="certificates", leave=False))
    replace = dict(zip(("autosave_on_changes", "autosave_interval"), save.split(","), strict=True)) if save else {}
    broker = ShippedBroker(binary, folder, "site.conf", names, replace=replace)
    with ExitStack() as stack:
        stack.callback(broker.kill)
        broker.start()
        heard: list[Heard] = []
        for name in SHARED:
            stack.enter_context(_consumer(broker, names, name, "$share/desk/mien/1/+/driver/event", heard))
        if dashboard:
            stack.enter_context(_consumer(broker, names, "dispatcher", "mien/1/#", []))
        time.sleep(1)
        start = time.monotonic() + 5 + devices / 40
        with multiprocessing.get_context("fork").Pool(1) as pool:
            result = pool.apply_async(_run_devices, (fleet, broker.port, names, load, start))
            time.sleep(max(0.0, start + 2 - time.monotonic()))
            before = look(broker.pid)
            for _ in tqdm(range(round(load.seconds) - 4), desc=f"{devices} devices", unit="s", leave=False):
                time.sleep(1)
            after = look(broker.pid)
            share = (after.cpu_s - before.cpu_s) / (after.at - before.at)
            sent = result.get(300)
        wait_for(lambda: len(heard) >= sent, 20)
        database = max((path.stat().st_size for path in (folder / "data").iterdir()), default=0)
        waits = sorted(latency * 1000 for _, _, latency in heard) or [float("nan")]
        median, late = waits[len(waits) // 2], waits[int(len(waits) * 0.99)]
        shares = Counter(name for name, _, _ in heard)
        rate = devices * (load.states + 1 / 30 + load.events / 3600)
        print(
            f"{devices:>7} {rate:>11.0f} {share * 100:>18.1f} {after.rss / 1e6:>7.1f} {database / 1e6:>12.2f} "
            f"{sent:>7} {len(heard):>6} {median:>10.1f} {late:>8.1f}  {'/'.join(str(shares[name]) for name in SHARED)}",
            flush=True,
        )
        assert len(heard) == sent == len({event for _, event, _ in heard}), "each event to one of those who share, once"


def _run_devices(fleet: list[str], port: int, names: Names, load: Load, start: float) -> int:
    examples = payloads()
    state, health = (json.dumps(as_json(examples[name])).encode() for name in ("driver-state", "health"))

    async def run() -> int:
        async def one(name: str) -> int:
            context = ssl.create_default_context(cafile=str(names.ca))
            context.load_cert_chain(names.pairs[name].cert, names.pairs[name].key)
            return await Device(name, port, context).live(load, state, health, start)

        return sum(await asyncio.gather(*map(one, fleet)))

    return asyncio.run(run())


@contextmanager
def _consumer(broker: ShippedBroker, names: Names, name: str, topic: str, heard: list[Heard]) -> Iterator[None]:
    """A subscriber with a session; ``heard`` takes the events that it hears."""

    def take(_client: Client, _data: object, message: MQTTMessage) -> None:
        if message.topic.endswith("/event"):
            event = json.loads(message.payload)
            heard.append((name, event["id"], time.time() - event["at"]))

    client = names.client(name)
    client.on_message = take
    client.on_connect = lambda client, *_: client.subscribe(topic, qos=1) and None
    broker.resume(client)
    yield
    client.disconnect()
    client.loop_stop()


def _text(text: str) -> bytes:
    return struct.pack("!H", len(text)) + text.encode()


def _packet(kind: int, body: bytes) -> bytes:
    length, head = len(body), bytearray([kind])
    while True:
        length, low = divmod(length, 128)
        head.append(low | (0x80 if length else 0))
        if not length:
            return bytes(head) + body


def _connect(name: str) -> bytes:
    # MQTT 5, clean start, no keep-alive, no properties.
    return _packet(0x10, _text("MQTT") + b"\x05\x02\x00\x00\x00" + _text(name))


def _publish(topic: str, payload: bytes, *, expiry_s: int | None = None, packet: int | None = None) -> bytes:
    """A state (retained, QoS 0) with an expiry, or an event (QoS 1) with a packet id."""
    properties = b"" if expiry_s is None else b"\x02" + struct.pack("!I", expiry_s)
    number = b"" if packet is None else struct.pack("!H", packet)
    kind = 0x31 if packet is None else 0x32
    return _packet(kind, _text(topic) + number + bytes([len(properties)]) + properties + payload)


if __name__ == "__main__":
    main()
