"""Run as a process of its own, to be measured: a device whose broker is away while events come, 50 a second for long.

Usage: python -m tests.soak.away OUTBOX BROKER_URL EVENTS. Prints "waiting" when all have been put, waits until the
broker has them all, sends as many of the same kind with paho alone over the same broker, and prints what it measured.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import asdict, dataclass
from json import dumps
from pathlib import Path
from unittest import mock

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.delivery import Outbox, OutboxSettings, Publisher
from edge.events import DeviceIdentity
from edge.events.models import CONTENT_TYPE
from tests.delivery.parts import make_event, make_info, quick, wait_for
from tests.soak.process import look

EVENTS_A_SECOND = 50


@dataclass(frozen=True)
class Measured:
    """Resident memory before the first event, with all of them waiting, and its highest while they are sent; and times.

    send_s: what the publisher took from the first to the last acknowledgement; paho_s: what paho alone took.
    """

    before_mb: float
    waiting_mb: float
    sending_mb: float
    put_s: float
    send_s: float
    paho_s: float


def measure(path: Path, url: str, events: int) -> Measured:
    """Puts events while simulated time passes, then sends them; the broker is to come when "waiting" is printed."""
    device = DeviceIdentity("away")
    me = os.getpid()
    # Time for the subscriber to come back first.
    broker = quick(url, settle_s=2.0)
    with Outbox(OutboxSettings(path=path)) as outbox, Publisher(broker, outbox, make_info(device)) as publisher:
        publisher.wait_connected(5)
        began_s = time.time()
        outbox.put(make_event(device, 0.0))
        before_mb = look(me).rss / 1e6
        put_began_s = time.monotonic()
        for number in range(1, events):
            # Ten minutes ago, and then on: the time that events are stamped with, not what they are sent by.
            now_s = began_s - (events - number) / EVENTS_A_SECOND
            with mock.patch("edge.delivery.outbox.time.time", return_value=now_s):
                outbox.put(make_event(device, number / EVENTS_A_SECOND))
        put_s = time.monotonic() - put_began_s
        waiting_mb = look(me).rss / 1e6
        print("waiting", flush=True)
        assert wait_for(lambda: outbox.depth() < events, 60)
        sent_began_s = time.monotonic()
        sending_mb = look(me).rss / 1e6
        while outbox.depth():
            time.sleep(0.02)
            sending_mb = max(sending_mb, look(me).rss / 1e6)
        send_s = time.monotonic() - sent_began_s
    return Measured(before_mb, waiting_mb, sending_mb, put_s, send_s, paho_alone(url, events))


def paho_alone(url: str, events: int) -> float:
    """Seconds that paho takes for as many messages of the same kind, with its own thread and its queue in memory."""
    payloads = [make_event(DeviceIdentity("paho"), float(number)).to_json() for number in range(events)]
    host, _, port = url.removeprefix("mqtt://").partition(":")
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ContentType = CONTENT_TYPE
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.connect(host, int(port))
    client.loop_start()
    assert wait_for(client.is_connected)
    began_s = time.monotonic()
    for payload in payloads:
        last = client.publish("mien/1/paho/driver/event", payload, qos=1, properties=properties)
    last.wait_for_publish()
    took_s = time.monotonic() - began_s
    client.disconnect()
    client.loop_stop()
    return took_s


if __name__ == "__main__":
    print(dumps(asdict(measure(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))))
