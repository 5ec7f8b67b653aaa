"""Events reach the outbox in order, and a slow disk holds nobody up."""

from __future__ import annotations

import time

import pytest

from edge.delivery import Outbox
from edge.delivery.writer import OutboxWriter
from edge.events import DeviceIdentity, Event

from .parts import make_event


def test_a_disk_that_stalls_does_not_hold_up_who_hands_events_over(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = outbox.put

    def slowly(event: Event) -> None:
        time.sleep(0.1)
        put(event)

    monkeypatch.setattr(outbox, "put", slowly)
    device = DeviceIdentity("pc")
    events = [make_event(device, t) for t in range(5)]
    kept: list[Event] = []
    with OutboxWriter(outbox, kept.append) as writer:
        began_s = time.monotonic()
        for event in events:
            writer.put(event)
        assert time.monotonic() - began_s < 0.1
        assert outbox.depth() < 5
    assert kept == events
    assert [waiting.id for waiting in outbox.pending(10)] == [event.id for event in events]
