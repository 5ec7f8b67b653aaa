"""Hundreds of spoiled files: each refused with file, line or key, and reason; none half-taken, no traceback."""

from __future__ import annotations

import random
import re
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from edge.cli import main
from edge.config import ConfigError, Problem, load
from edge.config.keys import Key, keys, value_at

from .files import Whole, whole, write

COUNT = 210


@dataclass(frozen=True)
class Spoiled:
    """A file with one mistake. where: a pattern of what the refusal must begin with after the file's name."""

    data: bytes
    where: str


Spoiler = Callable[[Whole, random.Random], Spoiled]


def _line(file: Whole, name: str, line: str, where: str | None = None) -> Spoiled:
    """A key's line replaced; the refusal names line and key unless told otherwise."""
    number = file.at[name] + 1
    text = "\n".join(file.spoiled(name, line))
    return Spoiled(text.encode(), re.escape(f":{number}: {name}: " if where is None else f":{number}: {where}"))


def _any_key(file: Whole, rng: random.Random) -> Key:
    return rng.choice([key for key in file.given() if key.path != ("alarm", "command")])


def wrong_type(file: Whole, rng: random.Random) -> Spoiled:
    key = _any_key(file, rng)
    wrong = {
        "boolean": "true",
        "integer": "3",
        "number": "2.5",
        "string": '"2.5"',
        "array": "[1, 2]",
        "object": "{ a = 1 }",
        "date": "2026-11-22",
        "time": "07:32:00",
    }
    text = rng.choice([text for kind, text in wrong.items() if kind not in key.kinds])
    return _line(file, key.name, f"{key.path[-1]} = {text}")


def unknown_key(file: Whole, rng: random.Random) -> Spoiled:
    key = _any_key(file, rng)
    *table, name = key.path
    at = rng.randrange(len(name))
    typed = rng.choice([name[:at] + name[at + 1 :], name[:at] + rng.choice("aeiouxyz") + name[at:], name.upper()])
    typed = typed if typed and (*table, typed) not in keys() else f"{name}x"
    return _line(file, key.name, f"{typed} = 1", f"{'.'.join((*table, typed))}: unknown key")


def unknown_table(file: Whole, rng: random.Random) -> Spoiled:
    name = rng.choice([name for name in file.at if file.lines[file.at[name]].startswith("[")])
    return _line(file, name, f"[{name}x]", f"{name}x: unknown key; did you mean {name}")


def out_of_range(file: Whole, rng: random.Random) -> Spoiled:
    numbers = [key for key in file.given() if key.kinds & {"integer", "number"} and not key.is_text]
    key = rng.choice(numbers)
    far = ["-1", "-1000000000", "1000000000000", "9" * 400]
    far += [] if "number" not in key.kinds else ["inf", "-inf", "nan", "1e300", "-0.001", "-1e-300"]
    return _line(file, key.name, f"{key.path[-1]} = {rng.choice(far)}")


def wrong_choice(file: Whole, rng: random.Random) -> Spoiled:
    key = rng.choice([key for key in file.given() if key.choices])
    wrong = "45" if "integer" in key.kinds else rng.choice(['""', '"none"', f'"{key.choices[0]}x"'])
    return _line(file, key.name, f"{key.path[-1]} = {wrong}")


def broken_rule(file: Whole, rng: random.Random) -> Spoiled:
    name, value = rng.choice(
        [
            ("state.eyes.closed_below", "0.9"),
            ("state.eyes.microsleep_s", "9.0"),
            ("state.expression.leave", "0.9"),
            ("state.attention.slow_kmh", "150"),
            ("state.sensing.unreadable_below", "0.95"),
            ("camera.retry_min_s", "50"),
        ]
    )
    table, key = name.rsplit(".", 1)
    # The line is that of one of the keys that the rule is about.
    return Spoiled("\n".join(file.spoiled(name, f"{key} = {value}")).encode(), rf":\d+: {table}: ")


def broken_toml(file: Whole, rng: random.Random) -> Spoiled:
    name = rng.choice([key.name for key in file.given()])
    line = file.lines[file.at[name]]
    key, _, value = line.partition(" = ")
    broken = rng.choice(
        [
            f"{key} {value}",
            f"{key} =",
            f"{key} = {value} {value}",
            f"{key}: {value}",
            f"= {value}",
            f'{key} = "{value[1:2]}',
            f"{key} = {value}]",
            f"{key} = yes",
            f'{key} = "\\q"',
            f"{key} = 01",
            f"[{key}",
            f"[{key}]]",
            f"{key}\n= {value}",
            f"<{key}>",
            f'"{key} = {value}',
        ]
    )
    return _line(file, name, broken, "not TOML: ")


def unclosed(file: Whole, rng: random.Random) -> Spoiled:
    name = rng.choice([key.name for key in file.given()])
    key = file.lines[file.at[name]].partition(" = ")[0]
    text = "\n".join(file.spoiled(name, f"{key} = {rng.choice(['[', '[[1],', chr(34) * 3, chr(39) * 3])}"))
    return Spoiled(text.encode(), r":\d+: not TOML: ")


def wrong_encoding(file: Whole, rng: random.Random) -> Spoiled:
    text = "\n".join(file.lines)
    at = rng.randrange(len(file.lines))
    bad = rng.choice([b"\xe4", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80\x80\x80"])
    if rng.random() < 0.3:
        return Spoiled(text.encode(rng.choice(["utf-16", "utf-32"])), ":1: not TOML: the file is UTF-16")
    lines = [line.encode() for line in file.lines]
    lines[at] += b" # " + bad
    return Spoiled(b"\n".join(lines), f":{at + 1}: not TOML: byte 0x{bad[0]:02x} is not UTF-8")


def given_twice(file: Whole, rng: random.Random) -> Spoiled:
    key = rng.choice([key for key in file.given() if len(key.path) > 1])
    line = file.lines[file.at[key.name]]
    if rng.random() < 0.5:
        text = "\n".join(file.spoiled(key.name, f"{line}\n{line}"))
        return Spoiled(text.encode(), f":{file.at[key.name] + 2}: not TOML: a key is given twice")
    header = f"[{'.'.join(key.path[:-1])}]"
    text = "\n".join((*file.lines, header, ""))
    return Spoiled(text.encode(), f":{len(file.lines) + 1}: not TOML: cannot declare")


def nul_bytes(file: Whole, rng: random.Random) -> Spoiled:
    key = rng.choice([key for key in file.given() if key.is_text and not key.choices])
    if rng.random() < 0.5:
        return _line(file, key.name, f'{key.path[-1]} = "a\\u0000b"')
    return _line(file, key.name, f'{key.path[-1]} = "a\0b"', "not TOML: illegal character")


def mark_in_the_middle(file: Whole, rng: random.Random) -> Spoiled:
    name = rng.choice([key.name for key in file.given()])
    return _line(file, name, f"\ufeff{file.lines[file.at[name]]}", "not TOML: ")


def too_large(file: Whole, rng: random.Random) -> Spoiled:
    text = "\n".join(file.lines)
    kind = rng.randrange(4)
    number = len(file.lines) + 1
    if kind == 0:
        return Spoiled((text + "\n# and so on" * 30_000).encode(), ": more than 256 KiB")
    if kind == 1:
        return Spoiled(f"{text}\nx = '{'x' * 3000}'".encode(), f":{number}: a line of more than 2,000 characters")
    if kind == 2:
        return Spoiled(f"{text}\n{'a.' * 5000}a = 1".encode(), f":{number}: a line of more than 2,000 characters")
    return Spoiled(text.encode() + b"\n" + b"\0" * 300_000, ": more than 256 KiB")


def too_deep(file: Whole, rng: random.Random) -> Spoiled:
    text, number = "\n".join(file.lines), len(file.lines) + 1
    depth = rng.choice([50, 1900, 20_000])
    if depth == 50:
        nested = rng.choice(["[" * depth + "]" * depth, "{ a = " * depth + "1" + "}" * depth])
        key = rng.choice([key for key in file.given() if key.kinds <= {"boolean", "number", "integer"}])
        return _line(file, key.name, f"{key.path[-1]} = {nested}")
    if depth == 1900:
        return Spoiled(f"{text}\nx = {'[' * depth}".encode(), ": not TOML that can be read: .* nested too deep")
    return Spoiled(f"{text}\nx = {'[' * depth}".encode(), f":{number}: a line of more than 2,000 characters")


def key_for_a_table(file: Whole, rng: random.Random) -> Spoiled:
    name = rng.choice(["camera", "broker", "outbox", "vehicle", "vision", "alarm"])
    value = rng.choice(["1", '"x"', "true", "[]", "[{}]"])
    return Spoiled(f"{name} = {value}\n".encode(), f":1: {name}: must be a table: ")


SPOILERS: tuple[Spoiler, ...] = (
    wrong_type,
    unknown_key,
    unknown_table,
    out_of_range,
    wrong_choice,
    broken_rule,
    broken_toml,
    unclosed,
    wrong_encoding,
    given_twice,
    nul_bytes,
    mark_in_the_middle,
    too_large,
    too_deep,
    key_for_a_table,
)


def _spoiled(count: int) -> Iterator[tuple[str, Spoiled]]:
    file, rng = whole(), random.Random(1)
    for number in range(count):
        spoil = SPOILERS[number % len(SPOILERS)]
        yield spoil.__name__, spoil(file, rng)


def test_two_hundred_and_ten_spoiled_files_are_refused_where_and_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began_s = time.process_time()
    file = tmp_path / "mien.toml"
    wrong = []
    for name, spoiled in _spoiled(COUNT):
        write(file, spoiled.data)
        code = main(["config", "check", str(file)])
        out, err = capsys.readouterr()
        lines = err.splitlines()
        first_right = lines and re.match(re.escape(f"mien: {file}") + spoiled.where, lines[0])
        all_named = all(line.startswith(f"mien: {file}") and len(line) < 700 for line in lines)
        if code != 2 or out or not first_right or not all_named:
            wrong.append((name, spoiled.where, err[:300]))
    assert wrong == []
    assert time.process_time() - began_s < 10


def _leaves(values: Mapping[str, Any], table: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in values.items():
        if (*table, name) in keys():
            yield (*table, name), value
        else:
            yield from _leaves(value, (*table, name))


def _plain(value: Any) -> Any:
    if isinstance(value, Path | SecretStr):
        return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


def _assert_refused_or_meant(file: Path) -> bool:
    """A file is refused line by line, or every value in it is in effect as it stands there; says whether refused."""
    try:
        config = load(file, environment={})
    except ConfigError as error:
        for line in str(error).splitlines():
            assert line.startswith((f"{file}: ", f"{file}:", "… and ")), line
            assert line.isprintable()
        return True
    for path, value in _leaves(tomllib.loads(file.read_bytes().decode("utf-8-sig"))):
        meant = _plain(value_at(config, path))
        if path != ("broker", "url") and path != ("alarm", "command"):
            assert meant in (value, str(Path(str(value))), str(value)), path
    return False


def test_files_spoiled_at_random_are_refused_or_mean_what_they_say(tmp_path: Path) -> None:
    rng = random.Random(2)
    original = "\n".join(whole().lines).encode()
    file = tmp_path / "mien.toml"
    refused = 0
    for _ in range(COUNT):
        data = bytearray(original)
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(data))
            change = rng.randrange(5)
            if change == 0:
                data[at] = rng.randrange(256)
            elif change == 1:
                del data[at : at + rng.randint(1, 40)]
            elif change == 2:
                data[at:at] = rng.choice([b"[", b"]", b'"', b"=", b".", b"#", b"\n", b"\0", b"{", b",", b"'''", b"0"])
            elif change == 3:
                # What does no harm: else hardly any file in hundreds would be taken.
                line_end = data.find(b"\n", at)
                data[line_end:line_end] = b"  # noted"
            else:
                end = rng.randrange(len(data))
                data[at:at] = data[end : end + rng.randint(1, 200)]
        refused += _assert_refused_or_meant(write(file, bytes(data)))
    assert 0 < refused < COUNT


ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(), st.text(max_size=8), st.dates()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(list(keys())), ANYTHING, max_size=4))
def test_any_value_for_any_key_is_taken_or_refused_by_name(given: dict[tuple[str, ...], Any]) -> None:
    overrides: dict[str, Any] = {}
    for path, value in given.items():
        inner = overrides
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        inner[path[-1]] = value
    problems: tuple[Problem, ...] = ()
    try:
        load(None, overrides, environment={})
    except ConfigError as error:
        problems = error.problems
    tables = {".".join(path[:length]) for path in given for length in range(1, len(path) + 1)}
    assert {problem.key for problem in problems} <= tables
    assert all(str(problem).startswith("command line: ") and str(problem).isprintable() for problem in problems)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_taken_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    _assert_refused_or_meant(write(tmp_path_factory.getbasetemp() / "any.toml", data))
