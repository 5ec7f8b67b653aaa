"""The documents of the contract: made from the code, kept equal to it, and true to what is sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from edge.events import Event, schemas
from edge.events.asyncapi import asyncapi
from edge.events.catalogue import CHANNELS, KINDS, Kind
from edge.events.examples import as_json, event, payloads
from edge.events.page import files
from edge.events.topics import ROOT, Topics

DOCS = Path(__file__).resolve().parents[2] / "docs" / "events"


def test_the_documents_on_disk_are_what_the_code_makes() -> None:
    made = files()
    there = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*") if path.is_file()}
    assert there == set(made), "run: make docs"
    for name, text in made.items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, f"{name} is stale; run: make docs"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_an_example_of_each_kind_is_an_event_of_the_contract(kind: Kind) -> None:
    sent = event(kind).to_json()
    Draft202012Validator(schemas()["event"]).validate(json.loads(sent))
    assert Event.model_validate_json(sent).data.kind == kind.name


def test_an_example_of_each_payload_validates() -> None:
    shown = payloads()
    assert {channel.payload for channel in CHANNELS} == set(shown)
    for name, message in shown.items():
        Draft202012Validator(schemas()[name]).validate(as_json(message))


def test_the_addresses_are_the_topics_that_are_used() -> None:
    topics = Topics("truck-7")
    used = {
        *(topics.status, topics.info, topics.health, topics.camera_status("main")),
        *(topics.state("driver"), topics.event("driver"), topics.state("expression"), topics.event("expression")),
    }
    told = {f"{ROOT}/truck-7/{channel.address}".replace("{camera}", "main") for channel in CHANNELS}
    assert told == used
    document = asyncapi()
    assert set(document["channels"]) == {channel.name for channel in CHANNELS}


def test_every_reference_in_the_asyncapi_document_leads_somewhere() -> None:
    document = asyncapi()

    def follow(value: object) -> None:
        if isinstance(value, dict):
            ref = value.get("$ref")
            if isinstance(ref, str):
                at: object = document
                for part in ref.removeprefix("#/").split("/"):
                    assert isinstance(at, dict)
                    assert part in at, ref
                    at = at[part]
            for part in value.values():
                follow(part)
        elif isinstance(value, list):
            for part in value:
                follow(part)

    follow(document)
