"""Run as a process of its own, to be killed: puts events into an outbox without end, and publishes them if told where.

Usage: child.py OUTBOX [BROKER_URL]. Prints each event's id once ``put`` has returned.
"""

from __future__ import annotations

import itertools
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from edge.delivery import BrokerSettings, Outbox, OutboxSettings, Publisher
from edge.events import ClockMapping, DeviceIdentity, Info
from edge.events.convert import to_event
from edge.state.types import Episode, Phase, Severity

device = DeviceIdentity("child")
clock = ClockMapping(time.time(), synced=True)
with ExitStack() as stack:
    outbox = stack.enter_context(Outbox(OutboxSettings(path=Path(sys.argv[1]))))
    if len(sys.argv) > 2:
        info = Info(
            device="child",
            boot_id=device.boot_id,
            started_at=clock.wall(0),
            version="0",
            profile=None,
            model=None,
            model_sha256=None,
        )
        stack.enter_context(Publisher(BrokerSettings(url=sys.argv[2]), outbox, info))
    for number in itertools.count():
        episode = Episode(
            "driver", "yawn", Phase.START, f"e{number}", Severity.INFO, float(number), float(number), 0.0, 1.0, "good"
        )
        event = to_event(episode, device, clock)
        outbox.put(event)
        print(event.id, flush=True)
