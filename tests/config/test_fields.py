"""What is said of each key, and that the page, the first file and the schema say the same."""

from __future__ import annotations

import socket
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from edge.config import PRESETS, Config, load
from edge.config.keys import keys, tables, value_at
from edge.config.page import json_schema, page
from edge.config.writing import initial, toml_value, write_initial

from .files import whole

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"


def test_every_key_says_what_it_is_what_it_takes_and_in_which_unit() -> None:
    for key in keys().values():
        assert key.title, key.name
        assert len(key.description) > 10, key.name
        assert key.takes, key.name
        if key.path[-1].endswith(("_s", "_ms", "_deg", "_kmh", "_days", "_fps")):
            assert key.unit, f"{key.name}: the name ends in a unit"


def test_every_number_has_a_least_and_a_most() -> None:
    unbounded = []
    for key in keys().values():
        for alternative in key.takes.split(", or "):
            if alternative.startswith(("a number", "a whole number")):
                least = any(word in alternative for word in ("from ", "at least", "above"))
                most = any(word in alternative for word in (" to ", "at most", "below"))
                unbounded += [] if least and most else [f"{key.name}: {alternative}"]
    assert unbounded == []


def test_a_default_that_this_machine_decides_is_told_in_words() -> None:
    here = (str(Path.home()), socket.gethostname())
    assert [k.name for k in keys().values() if not k.default_words and any(h in str(k.default) for h in here)] == []


def test_every_table_has_a_title_and_a_description() -> None:
    assert [table.path for table in tables().values() if table.path and not (table.title and table.description)] == []


def test_the_reference_page_is_what_the_fields_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make docs"


def test_the_pages_example_is_a_configuration(tmp_path: Path) -> None:
    file = tmp_path / "mien.toml"
    file.write_text(page().partition("```toml\n")[2].partition("```")[0])
    config = load(file, environment={})
    assert (config.preset, config.device, config.broker.tls) == ("driver", "cab-7", True)


def test_the_first_file_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "mien.toml"
    write_initial(file)
    assert load(file, environment={}) == Config()
    assert not [line for line in initial().splitlines() if line and line[0] not in "#["]


@pytest.mark.parametrize("preset", PRESETS)
def test_the_first_file_of_a_preset_is_that_preset(tmp_path: Path, preset: str) -> None:
    file = tmp_path / "mien.toml"
    write_initial(file, preset)
    assert load(file, environment={}) == Config.model_validate({"preset": preset})


@pytest.mark.parametrize("preset", PRESETS)
def test_taking_every_comment_sign_away_changes_nothing_either(tmp_path: Path, preset: str) -> None:
    file = tmp_path / "mien.toml"
    given = (line for line in initial(preset).splitlines() if not line.endswith(" ="))
    file.write_text("\n".join(line.removeprefix("#") if line[1:2].isalpha() else line for line in given))
    assert load(file, environment={}) == Config.model_validate({"preset": preset})


def test_the_schema_takes_the_whole_file_and_refuses_what_is_refused() -> None:
    Draft202012Validator.check_schema(json_schema())
    validator = Draft202012Validator(json_schema())
    assert list(validator.iter_errors(tomllib.loads("\n".join(whole().lines)))) == []
    for wrong in ('camera.sorce = "0"', "camera.stall_s = 900", 'preset = "cab"', 'vision.eyes = "yes"'):
        assert list(validator.iter_errors(tomllib.loads(wrong))), wrong
    for right in ('alarm.command = ["siren"]', 'alarm.command.warning = ["siren"]'):
        assert not list(validator.iter_errors(tomllib.loads(right))), right


def test_every_default_can_be_written_and_read_again() -> None:
    for key in keys().values():
        default = value_at(Config(), key.path)
        if default is not None and not key.secret:
            read = tomllib.loads(f"value = {toml_value(default)}")["value"]
            assert (tuple(read) if isinstance(read, list) else read) == (
                str(default) if isinstance(default, Path) else default
            )


@pytest.mark.parametrize("text", ['"', "\\", "\n\r\t", "\x7f\x01", "Größe ☃ 😀", "'''", '"""', ""])
def test_any_text_can_be_written_and_read_again(text: str) -> None:
    assert tomllib.loads(f"value = {toml_value(text)}")["value"] == text
    assert "\n" not in toml_value(text)
