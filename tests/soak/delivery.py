"""Not one event lost: a device that is killed again and again, and a broker that comes and goes.

    python -m tests.soak.delivery            # 100 kills, and a broker that is away for 30,000 events
    python -m tests.soak.delivery --kills 5  # shorter

The broker keeps nothing by default. Here it has what it takes to lose none of the events that it has acknowledged:
``persistence true`` (sessions and what waits for them are saved when it is stopped), ``max_queued_messages 0`` (no
limit to what waits for a subscriber that is away, instead of 1000), and a subscriber with QoS 1 and a session that
outlives its connection. A broker that is itself killed also needs ``autosave_on_changes``, and can still lose what
came after the last save.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge.delivery import Outbox, OutboxSettings, Publisher
from edge.events import DeviceIdentity, Event
from tests.delivery.parts import (
    REPOSITORY,
    Mosquitto,
    child,
    find_mosquitto,
    make_info,
    quick,
    wait_for,
    without_repeats,
)
from tests.soak.away import EVENTS_A_SECOND, Measured

PERSISTENT = ("allow_anonymous true", "persistence true", "max_queued_messages 0")

#: How long a device lives from its first event, how long the broker runs and is away; seconds, at random between.
LIFE_S = (0.0, 2.0)
BROKER_UP_S = (0.5, 5.0)
BROKER_AWAY_S = (0.1, 2.0)


@dataclass(frozen=True)
class Survived:
    """What came of the kills. unreported: events that were kept, but whose maker was killed before it could say so."""

    kills: int
    broker_stops: int
    accepted: int
    received: int
    repeats: int
    unreported: int
    seconds: float


class Faithful:
    """A subscriber whose session outlives its connections, so that the broker keeps for it what it misses."""

    def __init__(self, port: int) -> None:
        self._payloads: list[bytes] = []
        self._client = Client(
            CallbackAPIVersion.VERSION2, "faithful", clean_session=False, protocol=MQTTProtocolVersion.MQTTv311
        )
        self._subscribed = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe("mien/1/+/+/event", qos=1) and None
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._hear
        self._client.reconnect_delay_set(0.05, 0.05)  # type: ignore[arg-type]
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._subscribed.wait(10)

    def _hear(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self._payloads.append(bytes(message.payload))

    @property
    def count(self) -> int:
        """How many messages were heard."""
        return len(self._payloads)

    def ids(self) -> list[str]:
        """The ids heard so far, in order, without repeats."""
        return without_repeats([json.loads(payload)["id"] for payload in list(self._payloads)])

    def events(self, device: str) -> list[Event]:
        """A device's events, in the order they were heard, repeats included."""
        events = (Event.model_validate_json(payload) for payload in list(self._payloads))
        return [event for event in events if event.device == device]

    def close(self) -> None:
        """Goes away."""
        self._client.disconnect()
        self._client.loop_stop()


class FitfulBroker:
    """Stops and starts a broker at random, until it is told to stay."""

    def __init__(self, broker: Mosquitto, chance: random.Random) -> None:
        self.stops = 0
        self._broker = broker
        self._chance = chance
        self._stay = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stay(self) -> None:
        """Returns when the broker runs, and will."""
        self._stay.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stay.wait(self._chance.uniform(*BROKER_UP_S)):
            self._broker.stop()
            self.stops += 1
            time.sleep(self._chance.uniform(*BROKER_AWAY_S))
            self._broker.start()


def survive(folder: Path, *, kills: int, seed: int) -> Survived:
    """Kills a device so many times while its broker comes and goes; returns when all it accepted has arrived.

    Raises:
        AssertionError: an event is lost, out of order, or came under two ids.
    """
    binary = find_mosquitto()
    assert binary is not None, "mosquitto is not installed: apt install mosquitto"
    began_s = time.monotonic()
    chance = random.Random(seed)
    outbox_file = folder / "outbox.sqlite"
    broker = Mosquitto(binary, folder, (*PERSISTENT, f"persistence_location {folder}/")).start()
    subscriber = Faithful(broker.port)
    fitful = FitfulBroker(broker, random.Random(seed + 1))
    accepted: list[str] = []
    try:
        for _ in range(kills):
            accepted += _one_life(outbox_file, broker.url, chance.uniform(*LIFE_S), beheaded=chance.random() < 0.2)
    finally:
        fitful.stay()
    try:
        info = make_info(DeviceIdentity("child"))
        with Outbox(OutboxSettings(path=outbox_file)) as outbox, Publisher(quick(broker.url), outbox, info):
            assert wait_for(lambda: outbox.depth() == 0, 60), f"{outbox.depth()} events stay in the outbox"
        assert wait_for(lambda: set(accepted) <= set(subscriber.ids()), 30), "events are lost"
    finally:
        subscriber.close()
        broker.kill()
    events = subscriber.events("child")
    first = without_repeats([event.id for event in events])
    _check(accepted, first, events)
    return Survived(
        kills=kills,
        broker_stops=fitful.stops,
        accepted=len(accepted),
        received=len(first),
        repeats=len(events) - len(first),
        unreported=len(first) - len(accepted),
        seconds=time.monotonic() - began_s,
    )


def _one_life(outbox_file: Path, url: str, life_s: float, *, beheaded: bool) -> list[str]:
    """Runs a device and kills it; beheaded: while it starts. Returns the ids that it reported."""
    with child(str(outbox_file), url, str(EVENTS_A_SECOND)) as process:
        assert process.stdout is not None
        reported: list[str] = []
        if not beheaded:
            reported.append(process.stdout.readline().strip())
        time.sleep(life_s)
        process.kill()
        reported += process.stdout.read().split()
    # A death before the first event ends the first read with nothing.
    return [id_ for id_ in reported if id_]


def _check(accepted: list[str], first: list[str], events: list[Event]) -> None:
    known = set(accepted)
    assert [id_ for id_ in first if id_ in known] == accepted, "the events came out of order"
    by_place: dict[tuple[str, int], Event] = {}
    for event in events:
        place = str(event.data.boot_id), event.data.seq
        same = by_place.setdefault(place, event)
        # Only whether it is late may differ between a message and its repeat.
        data = event.data.model_copy(update={"delayed": same.data.delayed})
        assert event.model_copy(update={"data": data}) == same, f"{place} came as two events"


def outlast(folder: Path, *, events: int) -> Measured:
    """A broker that is away while so many events come; returns what that cost when all have arrived, in order."""
    binary = find_mosquitto()
    assert binary is not None, "mosquitto is not installed: apt install mosquitto"
    broker = Mosquitto(binary, folder, PERSISTENT)
    command = [sys.executable, "-m", "tests.soak.away", str(folder / "outbox.sqlite"), broker.url, str(events)]
    subscriber: Faithful | None = None
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as device:
        assert device.stdout is not None
        try:
            assert device.stdout.readline().strip() == "waiting", "the device ended early"
            broker.start()
            subscriber = Faithful(broker.port)
            measured = Measured(**json.loads(device.stdout.readline()))
            # What paho sent alone came last.
            assert wait_for(lambda: subscriber.count >= 2 * events, 60), f"only {subscriber.count} of 2 * {events}"
            seen = without_repeats([str(event.data.seq) for event in subscriber.events("away")])
            assert seen == [str(number) for number in range(1, events + 1)], "lost, or out of order"
        finally:
            device.kill()
            broker.kill()
            if subscriber is not None:
                subscriber.close()
    return measured


def main() -> None:
    """Runs both and prints what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.delivery", description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100, help="how often the device is killed (default: 100)")
    parser.add_argument("--events", type=int, default=30_000, help="that come while the broker is away (30000)")
    parser.add_argument("--seed", type=int, default=1, help="of what happens at random (default: 1)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(survived(survive(Path(folder), kills=arguments.kills, seed=arguments.seed)), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        print(outlasted(outlast(Path(folder), events=arguments.events), arguments.events), flush=True)


def survived(it: Survived) -> str:
    """The outcome in words."""
    return (
        f"{it.kills} kills, {it.broker_stops} stops of the broker, {it.seconds:.0f} s: {it.accepted} events accepted, "
        f"{it.accepted} arrived in order, {it.repeats} repeats with equal ids, {it.unreported} more that were kept but "
        "not yet reported"
    )


def outlasted(it: Measured, events: int) -> str:
    """The outcome in words."""
    ours, paho = events / it.send_s, events / it.paho_s
    return (
        f"broker away for {events / EVENTS_A_SECOND / 60:.1f} minutes, {events} events: all arrived in order; resident "
        f"memory {it.before_mb:.0f} MB, {it.waiting_mb:.0f} MB with all waiting, {it.sending_mb:.0f} MB at most while "
        f"sending; {ours:.0f} events/s from the outbox, {paho:.0f} with paho alone ({ours / paho:.0%}); each put took "
        f"{it.put_s / events * 1000:.1f} ms"
    )


if __name__ == "__main__":
    main()
