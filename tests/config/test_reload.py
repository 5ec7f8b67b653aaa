"""A changed file, read while running."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.config import Config, ConfigError, load, reload

from .files import write


def test_what_the_rules_and_the_alarm_use_is_taken_over_and_the_rest_waits(tmp_path: Path) -> None:
    file = write(tmp_path / "mien.toml", 'broker.url = "mqtt://a"\n')
    old = load(file, environment={})
    write(
        file,
        'broker.url = "mqtt://b"\nvision.max_faces = 2\nvision.threads = 1\n'
        "alarm.bell = true\nstate.eyes.sleep_s = 4\n",
    )
    result = reload(old, file, environment={})
    assert result.changed == ("vision.max_faces", "vision.threads", "state.eyes.sleep_s", "broker.url", "alarm.bell")
    assert result.needs_restart == ("vision.threads", "broker.url")
    assert (result.new.state.eyes.sleep_s, result.new.alarm.bell, result.new.vision.max_faces) == (4, True, 2)
    assert (result.new.broker.url, result.new.vision.threads) == ("mqtt://a", 2), "in force until the next start"
    again = reload(result.new, file, environment={})
    assert again.changed == again.needs_restart == ("vision.threads", "broker.url")


def test_a_file_as_it_was_changes_nothing(tmp_path: Path) -> None:
    file = write(tmp_path / "mien.toml", 'preset = "driver"\n')
    old = load(file, {"device": "cab"}, environment={"MIEN_VISION__THREADS": "1"})
    result = reload(old, file, {"device": "cab"}, environment={"MIEN_VISION__THREADS": "1"})
    assert (result.new, result.changed, result.needs_restart) == (old, (), ())


def test_a_bad_file_or_none_leaves_the_old_configuration(tmp_path: Path) -> None:
    file = write(tmp_path / "mien.toml", "state.eyes.sleep_s = 4\n")
    old = load(file, environment={})
    write(file, "state.eyes.sleep_s = 400\n")
    with pytest.raises(ConfigError, match=r"mien.toml:1: state.eyes.sleep_s: must be a number from 1 to 30"):
        reload(old, file, environment={})
    file.unlink()
    with pytest.raises(ConfigError, match="No such file"):
        reload(old, file, environment={})
    assert old.state.eyes.sleep_s == 4
    assert Config().state.eyes.sleep_s == 3
