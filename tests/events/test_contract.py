"""The contract: what is made is what the schemas say, and reading it back gives the same."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from edge.events import (
    CameraStatus,
    ClockMapping,
    DeviceIdentity,
    Event,
    EventData,
    Health,
    Info,
    TopicError,
    Topics,
    schemas,
    split_topic,
    watch_filters,
)
from edge.events.convert import driver_snapshot, expression_snapshot, to_event
from edge.state.types import DriverState, Episode, ExpressionState, Phase, Severity

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CLOCK = ClockMapping.at(100.0, NOON.timestamp(), synced=True)


def microsleep(**others: Any) -> Episode:
    start = Episode(
        subject="driver",
        kind="microsleep",
        phase=Phase.START,
        episode_id="e1",
        severity=Severity.WARNING,
        t_s=101.5,
        started_s=100.0,
        duration_s=1.5,
        confidence=0.9,
        sensing="good",
        measures={"openness": 0.04, "eyes": "closed"},
    )
    return replace(start, **others)


def check(name: str, payload: bytes | str) -> None:
    Draft202012Validator(schemas()[name]).validate(json.loads(payload))


def test_a_microsleep_becomes_a_cloudevent_with_the_time_it_was_recognized() -> None:
    event = to_event(microsleep(), DeviceIdentity("cab-7", model_sha256="ab" * 32), CLOCK)
    sent = json.loads(event.to_json())
    assert sent["specversion"] == "1.0"
    assert sent["type"] == "org.mien.driver.microsleep"
    assert sent["source"] == "/mien/cab-7"
    assert sent["time"] == "2026-01-01T12:00:01.500000Z"
    assert sent["dataschema"] == schemas()["event-data"]["$id"]
    assert sent["data"]["started_at"] == "2026-01-01T12:00:00Z"
    assert sent["data"]["ended_at"] is None
    assert sent["data"]["speed_kmh"] is None
    assert event.device == "cab-7"


def test_ids_are_unique_within_a_run_and_between_runs() -> None:
    first, second = DeviceIdentity("cab-7"), DeviceIdentity("cab-7")
    events = [to_event(microsleep(), device, CLOCK) for device in (first, first, second, second)]
    assert len({event.id for event in events}) == 4
    assert [event.data.seq for event in events] == [1, 2, 1, 2]


def test_a_file_analyzed_twice_gives_the_same_ids() -> None:
    twice = [to_event(microsleep(), DeviceIdentity.for_file("pc", "ab" * 32), CLOCK) for _ in range(2)]
    assert twice[0] == twice[1]
    other = to_event(microsleep(), DeviceIdentity.for_file("pc", "cd" * 32), CLOCK)
    assert other.id != twice[0].id


def test_a_measure_that_is_no_number_is_sent_as_unknown() -> None:
    episode = microsleep(measures={"openness": math.nan, "perclos": math.inf, "known": True})
    event = to_event(episode, DeviceIdentity("pc"), CLOCK)
    assert event.data.measures == {"openness": None, "perclos": None, "known": True}


def test_every_payload_validates_against_its_schema() -> None:
    device = DeviceIdentity("cab-7")
    start = to_event(microsleep(), device, CLOCK)
    end = to_event(microsleep(phase=Phase.END, ended_s=103.0, duration_s=3.0), device, CLOCK, speed_kmh=62.5)
    for event in (start, end):
        check("event", event.to_json())
        check("event-data", event.data.model_dump_json())
    state = DriverState(101.0, True, "unknown", None, 0.0, None, ("microsleep",))
    check("driver-state", driver_snapshot(state, CLOCK).model_dump_json())
    face = ExpressionState(101.0, "t1", None, {"neutral": 0.7, "happiness": 0.3})
    check("expression-state", expression_snapshot(101.0, [face], CLOCK).model_dump_json())
    info = Info(
        device="cab-7",
        boot_id=device.boot_id,
        started_at=NOON,
        version="0.1.0",
        profile="driver",
        model=None,
        model_sha256=None,
    )
    check("info", info.model_dump_json())
    health = Health(
        time=NOON, uptime_s=1, fps=15.0, latency_ms=None, temperature_c=None, outbox_depth=0, outbox_dropped=0
    )
    check("health", health.model_dump_json())
    check("camera-status", CameraStatus(camera="front", status="lost", reason="unplugged", time=NOON).model_dump_json())
    for word in ("online", "stopped", "offline"):
        check("status", json.dumps(word))


def test_the_schemas_refuse_what_is_not_in_the_contract() -> None:
    good = json.loads(to_event(microsleep(), DeviceIdentity("pc"), CLOCK).to_json())
    bad = [
        good | {"specversion": "0.3"},
        {key: value for key, value in good.items() if key != "id"},
        good | {"data": good["data"] | {"phase": "middle"}},
        good | {"data": good["data"] | {"confidence": 1.1}},
        good | {"data": {key: value for key, value in good["data"].items() if key != "time_synced"}},
    ]
    validator = Draft202012Validator(schemas()["event"])
    assert validator.is_valid(good)
    assert not [event for event in bad if validator.is_valid(event)]
    with pytest.raises(ValidationError):
        Event.model_validate(good | {"time": "yesterday"})
    with pytest.raises(ValidationError):
        Event.model_validate(good | {"time": "2026-01-01T12:00:00"})
    for schema in schemas().values():
        Draft202012Validator.check_schema(schema)


def test_fields_of_a_later_version_are_ignored() -> None:
    event = to_event(microsleep(), DeviceIdentity("pc"), CLOCK)
    later = json.loads(event.to_json()) | {"traceparent": "00-1"}
    later["data"]["new_measure"] = 1
    assert Event.model_validate(later) == event


moments = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9998, 1, 1), timezones=st.just(UTC))
numbers = st.floats(min_value=0, max_value=1e9)
measures = st.dictionaries(
    st.text(max_size=20),
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    max_size=5,
)
events = st.builds(
    Event,
    id=st.uuids().map(str),
    source=st.from_regex(r"\A/mien/[a-z0-9_.-]{1,20}\Z"),
    type=st.just("org.mien.driver.yawn"),
    time=moments,
    subject=st.sampled_from(["driver", "expression", "audience"]),
    data=st.builds(
        EventData,
        kind=st.from_regex(r"\A[a-z][a-z0-9_]{0,20}\Z"),
        phase=st.sampled_from(["start", "update", "end"]),
        episode_id=st.text(min_size=1),
        severity=st.sampled_from(["info", "notice", "warning", "critical"]),
        started_at=moments,
        ended_at=st.none() | moments,
        duration_s=numbers,
        confidence=st.floats(0, 1),
        sensing=st.sampled_from(["good", "degraded", "lost"]),
        speed_kmh=st.none() | numbers,
        time_synced=st.booleans(),
        delayed=st.booleans(),
        boot_id=st.uuids(),
        seq=st.integers(1, 2**53),
        model_sha256=st.none() | st.from_regex(r"\A[0-9a-f]{64}\Z"),
        track_id=st.none() | st.text(),
        measures=measures,
    ),
)


@given(events)
def test_any_event_survives_json_and_validates(event: Event) -> None:
    text = event.to_json()
    back = Event.model_validate_json(text)
    assert back == event
    assert {name: type(value) for name, value in back.data.measures.items()} == {
        name: type(value) for name, value in event.data.measures.items()
    }
    check("event", text)


def test_topics_are_those_of_the_contract() -> None:
    topics = Topics("cab-7")
    assert topics.status == "mien/1/cab-7/status"
    assert topics.info == "mien/1/cab-7/info"
    assert topics.health == "mien/1/cab-7/health"
    assert topics.camera_status("front") == "mien/1/cab-7/camera/front/status"
    assert topics.state("driver") == "mien/1/cab-7/driver/state"
    assert topics.event("expression") == "mien/1/cab-7/expression/event"
    assert topics.feature_set("camera") == "mien/1/cab-7/camera/set"
    assert topics.feature_state("camera") == "mien/1/cab-7/camera/state"
    assert topics.command("recalibrate") == "mien/1/cab-7/command/recalibrate"
    assert Topics("a", root="fleet/north").status == "fleet/north/a/status"
    assert split_topic("mien/1/cab-7/camera/front/status") == ("cab-7", "camera/front/status")
    assert split_topic("other/1/cab-7/status") is None
    assert "mien/1/+/+/event" in watch_filters()


@pytest.mark.parametrize("name", ["", "a/b", "+", "#", "a b", "é", "a\n", "x" * 65])
def test_a_name_that_would_break_a_topic_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(TopicError, match="cannot be part of a topic") as error:
        Topics(name)
    assert "\n" not in str(error.value)
    with pytest.raises(TopicError):
        DeviceIdentity(name)
    with pytest.raises(TopicError):
        Topics("pc").camera_status(name)


def test_time_maps_to_the_moment_it_was_captured() -> None:
    assert CLOCK.wall(100.0) == NOON
    assert ClockMapping(0.0, synced=False).wall(1.25) == datetime(1970, 1, 1, 0, 0, 1, 250_000, tzinfo=UTC)


def test_a_run_has_a_boot_id_of_its_own() -> None:
    assert DeviceIdentity("pc").boot_id.version == 4
    assert DeviceIdentity("pc", UUID(int=1)).event_id(1) == DeviceIdentity("lab", UUID(int=1)).event_id(1)
