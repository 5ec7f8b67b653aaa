"""Run as a process of its own, to be killed: puts events into an outbox without end, and publishes them if told where.

Usage: child.py OUTBOX [BROKER_URL [EVENTS_A_SECOND]]. Prints each event's id once ``put`` has returned.
"""

from __future__ import annotations

import itertools
import logging
import math
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from edge.delivery import Outbox, OutboxSettings, Publisher
from edge.events import DeviceIdentity
from tests.delivery.parts import make_event, make_info, quick

logging.disable(logging.WARNING)  # that the broker comes and goes is meant
device = DeviceIdentity("child")
a_second = float(sys.argv[3]) if len(sys.argv) > 3 else math.inf
with ExitStack() as stack:
    outbox = stack.enter_context(Outbox(OutboxSettings(path=Path(sys.argv[1]))))
    if len(sys.argv) > 2:
        stack.enter_context(Publisher(quick(sys.argv[2]), outbox, make_info(device)))
    began_s = time.monotonic()
    for number in itertools.count():
        time.sleep(max(0.0, began_s + number / a_second - time.monotonic()))
        event = make_event(device, float(number))
        outbox.put(event)
        print(event.id, flush=True)
