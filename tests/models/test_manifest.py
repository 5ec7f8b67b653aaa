"""The manifest: sealed, of one schema, and refused in one line where it is anything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.models import ModelsError
from edge.models.manifest import MANIFEST_FILE, Manifest, parse, seal, seal_bytes
from tests.models.bundles import Facts, resealed, shipped_files

SHIPPED = shipped_files()[MANIFEST_FILE]


def parses(content: bytes) -> bool:
    try:
        parse(content, "manifest.json")
    except ModelsError as error:
        said = str(error)
    else:
        return True
    assert said.startswith("manifest.json: ")
    assert len(said.splitlines()) == 1
    return False


def test_what_is_sealed_reads_back_the_same() -> None:
    manifest = parse(SHIPPED, "manifest.json")
    again = parse(seal(manifest), "manifest.json")
    assert again.model_copy(update={"seal": manifest.seal}) == manifest


@settings(deadline=None)
@given(st.integers(0, len(SHIPPED) - 1), st.integers(1, 255))
def test_a_byte_changed_anywhere_breaks_the_seal(at: int, by: int) -> None:
    changed = bytearray(SHIPPED)
    changed[at] ^= by
    assert not parses(bytes(changed))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_other_bytes_are_refused_in_one_line(content: bytes) -> None:
    assert not parses(content)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(
        [(key,) for key in json.loads(SHIPPED) if key != "seal"] + [("input", "scale"), ("golden", "cases")]
    ),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=6,
    ),
)
def test_any_value_anywhere_is_taken_or_refused_in_one_line(path: tuple[str, ...], value: Any) -> None:
    def edit(facts: Facts) -> None:
        for key in path[:-1]:
            facts = facts[key]
        facts[path[-1]] = value

    try:
        content = resealed(SHIPPED, edit)
    except ValueError:  # a made-up key of its own is called "seal"
        return
    parses(content)


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (lambda facts: facts.update(schema="mien-model/1"), "schema"),
        (lambda facts: facts.update(author="me"), "author"),
        (lambda facts: facts["input"].update(unit="lx"), "input.unit"),
        (lambda facts: facts.pop("licence"), "licence"),
        (lambda facts: facts.update(name="../elsewhere"), "name"),
        (lambda facts: facts.update(temperature=1e9), "temperature"),
        (lambda facts: facts.update(temperature=float("nan")), "temperature"),
        (lambda facts: facts["input"].update(scale=None), "input: scale and zero_point"),
        (lambda facts: facts["golden"].update(cases=[]), "golden.cases"),
        (lambda facts: facts["golden"].update(tolerance=0.9), "golden.tolerance"),
        (lambda facts: facts["golden"]["cases"][0].update(input="AAAA"), "golden.cases.0.input: 3 bytes, not 2304"),
        (lambda facts: facts["golden"]["cases"][0]["probabilities"].pop(), "golden.cases.0: 6 probabilities"),
        (lambda facts: facts["golden"]["cases"][0].update(probabilities=[0.5] * 7), "do not add up to 1"),
    ],
)
def test_a_sealed_mistake_is_named_with_its_key(edit: Any, complaint: str) -> None:
    with pytest.raises(ModelsError, match=rf"manifest\.json: {complaint}|manifest\.json: .*{complaint}"):
        parse(resealed(SHIPPED, edit), "manifest.json")


def test_metrics_may_say_anything() -> None:
    content = resealed(SHIPPED, lambda facts: facts.update(metrics={"mine": {"deep": [1, None, "x"]}}))
    assert parse(content, "manifest.json").metrics == {"mine": {"deep": [1, None, "x"]}}


def test_a_manifest_has_one_seal() -> None:
    assert not parses(SHIPPED.replace(b'"seal"', b'"sael"'))
    with pytest.raises(ValueError, match="not a sealed manifest"):
        seal_bytes(b"{}")
    two = SHIPPED.replace(b'"metrics": {', b'"metrics": {"seal": "' + b"0" * 64 + b'", ')
    assert not parses(two)


def test_the_manifest_does_not_change_once_read() -> None:
    manifest: Manifest = parse(SHIPPED, "manifest.json")
    with pytest.raises(ValueError, match="frozen"):
        manifest.temperature = 2.0  # type: ignore[misc]
