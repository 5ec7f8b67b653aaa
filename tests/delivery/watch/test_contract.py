"""The watcher as judge of the contract: as strict as JSON Schema, and it knows what a schema cannot say."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from paho.mqtt.client import MQTTMessage
from pydantic import ValidationError

from edge.delivery.watch.contract import Contract, Findings
from edge.delivery.watch.message import take_apart
from edge.events import ROOT, schemas
from edge.events.examples import as_json, payloads
from edge.events.schemas import PAYLOADS

#: Payloads by name; each model's example, in JSON.
EXAMPLES: dict[str, Any] = {
    name: as_json(message) for name, message in payloads().items() if not isinstance(message, str)
}
WRONG: tuple[Any, ...] = (None, True, -1, 10**9, 0.5, "", "never heard of", [], ["x"], {}, {"x": 1})


def altered(value: Any) -> Iterator[Any]:
    """The value with one thing in it changed or missing, in all ways."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield {name: other for name, other in value.items() if name != key}
            yield from (value | {key: change} for change in altered(part))
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from ([*value[:place], change, *value[place + 1 :]] for change in altered(part))
    yield from WRONG


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_models_judge_as_the_json_schema_does(name: str) -> None:
    schema = Draft202012Validator(schemas()[name], format_checker=FormatChecker())
    judged = {True: 0, False: 0}
    for message in altered(EXAMPLES[name]):
        try:
            PAYLOADS[name].model_validate_json(json.dumps(message), strict=True)
        except ValidationError as error:
            # JSON Schema doesn't look at times, unless one more package is there.
            if all("datetime" in problem["type"] for problem in error.errors()):
                continue
            right = False
        else:
            right = True
        assert schema.is_valid(message) == right, message
        judged[right] += 1
    assert min(judged.values()) > 0


def check(rest: str, payload: Any, *, qos: int = 1, retain: bool = False) -> Findings:
    message = MQTTMessage(topic=f"{ROOT}/truck-7/{rest}".encode())
    message.payload = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    message.qos, message.retain = qos, retain
    return Contract().check(take_apart(message, ROOT))


def event(**changes: Any) -> dict[str, Any]:
    """The example with parts of its data changed, or of its envelope."""
    changed = copy.deepcopy(EXAMPLES["event"])
    for name, value in changes.items():
        (changed if name in changed else changed["data"])[name] = value
    return dict(changed)


def test_the_examples_are_beyond_reproach() -> None:
    for rest, name, qos in (
        ("driver/event", "event", 1),
        ("driver/state", "driver-state", 0),
        ("expression/state", "expression-state", 0),
        ("health", "health", 0),
        ("info", "info", 1),
        ("camera/main/status", "camera-status", 1),
    ):
        assert check(rest, EXAMPLES[name], qos=qos) == Findings(), rest
    assert check("status", b"online") == Findings()


@pytest.mark.parametrize(
    ("changes", "violation"),
    [
        ({"source": "/mien/truck-8"}, "source names device truck-8, the topic truck-7"),
        ({"subject": "expression"}, "subject expression on topic driver/event"),
        ({"type": "org.mien.driver.sleep"}, "type org.mien.driver.sleep for the kind microsleep of driver"),
        ({"severity": "critical"}, "microsleep is never of severity critical"),
        ({"phase": "end"}, "phase end with ended_at None"),
        ({"duration_s": "1.5"}, "data.duration_s Input should be a valid number"),
        ({"started_at": "yesterday"}, "data.started_at Input should be a valid datetime"),
    ],
)
def test_an_event_that_contradicts_itself_or_the_contract_is_told_in_a_line(
    changes: dict[str, Any], violation: str
) -> None:
    assert any(found.startswith(violation) for found in check("driver/event", event(**changes)).violations)


def test_a_kept_event_and_a_word_that_is_no_status_violate_the_contract() -> None:
    assert check("driver/event", event(), retain=True).violations == ("was retained, which this topic never is",)
    assert check("status", b"onlnie").violations == ("'onlnie' is none of online, stopped, offline",)
    assert check("status", b"\xff").violations
    assert check("driver/event", b"").violations


def test_what_a_newer_device_may_say_is_noted_and_no_violation() -> None:
    newer = event() | {"traceparent": "00"}
    newer["data"] |= {"weather": "rain", "kind": "hiccup"}
    newer["type"] = "org.mien.driver.hiccup"
    assert check("driver/event", newer) == Findings(
        notes=("unknown field data.weather", "unknown field traceparent", "unknown kind hiccup")
    )
    assert check("lights/state", b"ON") == Findings(notes=("this topic is not in the contract",))
    faces = copy.deepcopy(EXAMPLES["expression-state"])
    faces["faces"][0]["age"] = 30
    assert check("expression/state", faces, qos=0).notes == ("unknown field faces.age",)


def test_a_qos_that_a_broker_may_have_changed_is_noted() -> None:
    assert check("driver/event", event(), qos=0) == Findings(notes=("arrived with QoS 0, not 1",))


def test_it_counts() -> None:
    contract = Contract()
    for word in (b"online", b"of line", b"stopped"):
        message = MQTTMessage(topic=b"mien/1/truck-7/status")
        message.payload, message.qos = word, 1
        contract.check(take_apart(message, ROOT))
    assert (contract.checked, contract.wrong, contract.noted) == (3, 1, 0)
    assert contract.summary() == "3 messages checked against the contract, 1 violate it (status)"
