"""``mien events``: the contract on stdout."""

from __future__ import annotations

import json

import pytest

from edge.cli import main
from edge.events import Event, schemas
from edge.events.asyncapi import asyncapi
from edge.events.catalogue import KINDS
from edge.events.examples import payloads
from edge.events.lookup import UnknownNameError, check_name


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["events", *arguments]) == 0
    return capsys.readouterr().out


def test_schemas_examples_and_the_document_are_printed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(told(capsys, "schema")) == schemas()
    assert json.loads(told(capsys, "schema", "health")) == schemas()["health"]
    assert json.loads(told(capsys, "asyncapi")) == asyncapi()
    for kind in KINDS:
        assert Event.model_validate_json(told(capsys, "example", kind.name)).data.kind == kind.name
    for payload in payloads():
        assert told(capsys, "example", payload)
    assert told(capsys, "example", "status") == "online\n"


def test_each_kind_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(capsys, "kinds").splitlines()
    assert [line.split()[0] for line in lines] == [kind.name for kind in KINDS]
    assert "notice or warning" in lines[3]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("example", "mircosleep"), "no kind or payload 'mircosleep'; did you mean microsleep?"),
        (("example", "Driver-State"), "did you mean driver-state?"),
        (("schema", "helth"), "no schema 'helth'; did you mean health?"),
        (("schema", "xyzzy"), "there are event, event-data, status"),
    ],
)
def test_a_name_with_a_typo_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], error: str
) -> None:
    assert main(["events", *arguments]) == 2
    caught = capsys.readouterr()
    assert caught.out == ""
    assert caught.err.count("\n") == 1
    assert error in caught.err


def test_a_right_name_is_left_alone() -> None:
    assert check_name("a", iter(["a", "b"]), "letter") == "a"
    with pytest.raises(UnknownNameError, match="no letter 'zz'; there are a, b"):
        check_name("zz", iter(["a", "b"]), "letter")
