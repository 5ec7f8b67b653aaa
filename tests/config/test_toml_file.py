"""Which line a key stands on, however it is written, and what is no TOML."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.config import ConfigError
from edge.config.toml_file import key_lines, read_toml

from .files import whole, write

DOCUMENT = '''\
# [not.a.table]
title = "a # no comment, [no.table] and no = key"   # a.b = 1
"quoted key".'dotted' . plain = """
[not.a.table]
no = "key" \\
""""" # two of them are the text's
literal = \'\'\'
[nor.this]
\'\'\'\'

[ table . "with spaces" ]
date = 1979-05-27 07:32:00
list = [
  "x = 1", # ]
  { inner = 1, deep = { er = [1, 2] } }, [[]],
]
after = { a = 1, b.c = {} }

[[many]]
one = 1
[[many]]
one = 2
two = 3
[empty]'''


def test_each_key_has_the_line_where_it_stands_first() -> None:
    tomllib.loads(DOCUMENT)  # it is TOML
    assert key_lines(DOCUMENT) == {
        ("title",): 2,
        ("quoted key",): 3,
        ("quoted key", "dotted"): 3,
        ("quoted key", "dotted", "plain"): 3,
        ("literal",): 7,
        ("table",): 11,
        ("table", "with spaces"): 11,
        ("table", "with spaces", "date"): 12,
        ("table", "with spaces", "list"): 13,
        ("table", "with spaces", "list", "inner"): 15,
        ("table", "with spaces", "list", "deep"): 15,
        ("table", "with spaces", "list", "deep", "er"): 15,
        ("table", "with spaces", "after"): 17,
        ("table", "with spaces", "after", "a"): 17,
        ("table", "with spaces", "after", "b"): 17,
        ("table", "with spaces", "after", "b", "c"): 17,
        ("many",): 19,
        ("many", "one"): 20,
        ("many", "two"): 23,
        ("empty",): 24,
    }


def test_the_first_files_keys_have_their_lines() -> None:
    file = whole()
    lines = key_lines("\n".join(file.lines))
    assert {".".join(path): line - 1 for path, line in lines.items()} == file.at


def _quoted(text: str) -> str:
    import json

    return json.dumps(text).replace("\x7f", "\\u007f")


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
TEXTS = st.one_of(
    NAMES.map(_quoted),
    st.text("ab=[]{}#.,\" \n\\'", max_size=8).map(lambda text: f'"""{_quoted(text)[1:-1]}"""'),
    st.text('ab=[]{}#.," \\', max_size=8).map(lambda text: f"'{text}'"),
    st.text('ab=[]{}#.,"\n\\', max_size=8).map(lambda text: f"'''{text}'''"),
)
VALUES = st.recursive(
    st.one_of(TEXTS, st.sampled_from(["1", "-0.5e3", "true", "1979-05-27", "0x1f", "+inf"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: "[" + ", # ]\n".join(parts) + "\n]"),
        st.lists(inner, max_size=3).map(
            lambda parts: "{" + ", ".join(f"k{i} = {part}" for i, part in enumerate(parts)) + "}"
        ),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(NAMES, VALUES), max_size=6, unique_by=lambda pair: pair[0]))
def test_whatever_stands_between_them_keys_are_found_on_their_lines(pairs: list[tuple[str, str]]) -> None:
    text = "# first\n"
    expected: dict[tuple[str, ...], int] = {}
    for number, (name, value) in enumerate(pairs):
        if number % 2:
            text += f"[table.{_quoted(name)}]\n"
            expected["table", name, "key"] = text.count("\n") + 1
            text += f"key = {value}\n"
        else:
            text += "[top]\n" if not number else f"[top{number}]\n"
            top = "top" if not number else f"top{number}"
            expected[top, name] = text.count("\n") + 1
            text += f"{_quoted(name)} = {value} # end\n"
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # an inline table over several lines: not before TOML 1.1
    lines = key_lines(text)
    assert {path: lines[path] for path in expected} == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("camera: 0\n", ":1: not TOML"),
        ("[camera]\nsource = 0\nsource = 1\n", ":3: not TOML: a key is given twice"),
        ("[camera]\n\n[camera]\n", ":3: not TOML: cannot declare"),
        ("a = 1\nb = [1,\n2", ":3: not TOML: unclosed array"),
        ("a = 1\r\nb = \r\n", ":2: not TOML: invalid value"),
        ('a = 1\nb = "\x00"', ":2: not TOML: illegal character"),
        (b"a = 1\nb = '\xe4'\n", ":2: not TOML: byte 0xe4 is not UTF-8; save it as UTF-8"),
        ("a = 1\n".encode("utf-16"), ":1: not TOML: the file is UTF-16; save it as UTF-8"),
        ("a = " + "[" * 1500, ": not TOML that can be read: lists or tables nested too deep"),
        ("a = " + "[\n" * 5000, ": not TOML that can be read: lists or tables nested too deep"),
        ("a = " + "\n".join(["9" * 1900] * 1) + "9" * 3000, ":1: a line of more than 2,000 characters"),
        ("#\n" * 200_000, ": more than 256 KiB"),
    ],
)
def test_what_is_no_toml_is_refused_with_its_line(tmp_path: Path, text: str | bytes, words: str) -> None:
    file = write(tmp_path / "mien.toml", text)
    with pytest.raises(ConfigError) as error:
        read_toml(file)
    assert str(error.value).startswith(f"{file}{words}")
    assert "\n" not in str(error.value)


def test_a_byte_order_mark_and_windows_lines_are_fine(tmp_path: Path) -> None:
    file = write(tmp_path / "mien.toml", b"\xef\xbb\xbf# x\r\n[camera]\r\nsource = '0'\r\n")
    read = read_toml(file)
    assert read.values == {"camera": {"source": "0"}}
    assert str(read.origin(("camera", "source"))) == f"{file}:3"


@pytest.mark.parametrize("name", ["none.toml", ".", "a\0b"])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_toml(tmp_path / name)
    assert len(str(error.value).splitlines()) == 1
