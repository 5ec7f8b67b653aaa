"""Every message of a full demo keeps the contract."""

from __future__ import annotations

from pathlib import Path

from edge.events.catalogue import CHANNELS, SWITCH_STATES

from .demo import demo_run
from .parts import Received


def by_channel(messages: tuple[Received, ...]) -> dict[str, list[Received]]:
    found: dict[str, list[Received]] = {}
    for message in messages:
        channel = message.heard().channel
        assert channel is not None, message.topic
        found.setdefault(channel.name, []).append(message)
    return found


def test_every_message_of_the_demo_is_valid_and_holds_nothing_unknown(face_models: Path) -> None:
    run = demo_run()
    assert run.returncode == 0, run.stdout + run.stderr
    heard = by_channel(run.heard)
    # It is over before its first health message is due, and by default nothing is told of single visits.
    assert set(heard) == {channel.name for channel in CHANNELS} - {"health", "audience-event"}
    assert len(heard["driver-state"]) > 20
    assert len(heard["driver-event"]) >= 4
    for message in run.heard:
        findings = message.check()
        assert not findings.violations, message
        # amqtt delivers in the subscription's QoS.
        assert all(note.startswith("arrived with QoS") for note in findings.notes), message


def test_what_the_broker_keeps_of_the_demo_is_what_the_contract_says_is_retained(face_models: Path) -> None:
    kept = demo_run().kept
    switches = {channel.address for channel in SWITCH_STATES.values()}
    said = {"status", "info", "camera/puppet/status", "driver/state", "audience/state", *switches}
    assert {message.heard().rest for message in kept} == said
    assert set(by_channel(kept)) == {channel.name for channel in CHANNELS if channel.retain} - {"health"}
    for message in kept:
        assert message.check().violations == (), message
        if message.heard().rest == "status":
            assert message.payload == b"stopped"
