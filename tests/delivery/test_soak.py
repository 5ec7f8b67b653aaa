"""The soak of ``make soak``, in short: a device killed again and again, a broker that comes and goes or stays away."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.delivery import outlast, outlasted, survive, survived

from .parts import find_mosquitto

pytestmark = pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed: apt install mosquitto")


def test_a_device_killed_again_and_again_loses_no_event(tmp_path: Path) -> None:
    outcome = survive(tmp_path, kills=4, seed=84)
    print(survived(outcome))
    assert outcome.accepted > 30
    assert outcome.broker_stops > 0
    # Each kill may hide at most one event that was kept but not yet reported.
    assert outcome.unreported <= outcome.kills


def test_a_broker_that_was_away_for_long_gets_all_and_memory_stays_flat(tmp_path: Path) -> None:
    events = 500
    outcome = outlast(tmp_path, events=events)
    print(outlasted(outcome, events))
    assert outcome.waiting_mb - outcome.before_mb < 10
    assert outcome.sending_mb - outcome.before_mb < 10
    # Far below what is usual: this is to notice a sync for each acknowledgement, not a busy machine.
    assert outcome.send_s < 10 * outcome.paho_s
