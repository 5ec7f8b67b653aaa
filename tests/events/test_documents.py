"""The documents of the contract: made from the code, kept equal to it, and true to what is sent."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from edge.events import Event, schemas
from edge.events.asyncapi import asyncapi
from edge.events.catalogue import CHANNELS, KINDS, Kind
from edge.events.examples import as_json, event, payloads
from edge.events.page import files
from edge.events.requests import COMMANDS, SWITCHES
from edge.events.topics import ROOT, Topics

DOCS = Path(__file__).resolve().parents[2] / "docs" / "events"


def test_the_documents_on_disk_are_what_the_code_makes() -> None:
    made = files()
    there = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*") if path.is_file()}
    assert there == set(made), "run: make docs"
    for name, text in made.items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, f"{name} is stale; run: make docs"


def test_the_web_page_says_what_the_markdown_says_and_loads_nothing() -> None:
    made = files()
    page = made["index.html"]
    assert len(page) < 40_000
    assert re.findall(r"(?:\bsrc=|@import|url\()", page) == []
    assert {link for link in re.findall(r'href="([^"]*)"', page) if "//" in link} == {"https://cloudevents.io"}
    anchors = re.findall(r'href="#([^"]*)"', page)
    assert anchors
    assert all(f'id="{anchor}"' in page for anchor in anchors)
    words = set(re.findall(r"`([a-z_./{}-]+)`", made["README.md"]))
    text = html.unescape(re.sub(r"<[^>]+>", " ", page))
    assert {word for word in words if word not in text} == set()


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
        *(topics.state("audience"), topics.event("audience")),
        *map(topics.feature_state, SWITCHES),
    }
    told = {f"{ROOT}/truck-7/{channel.address}".replace("{camera}", "main") for channel in CHANNELS}
    assert told == used
    document = asyncapi()
    asked = {*map(topics.command, COMMANDS), *map(topics.feature_set, SWITCHES)}
    receiving = [name for name, operation in document["operations"].items() if operation["action"] == "receive"]
    addresses = [document["channels"][name.removeprefix("receive-")]["address"] for name in receiving]
    assert {address.replace("{device}", "truck-7") for address in addresses} == asked
    assert len(document["channels"]) == len(CHANNELS) + len(asked) + 1, "and one for the answers"


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
