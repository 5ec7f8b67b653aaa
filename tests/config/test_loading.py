"""Which value wins, who set it, and what is said of a mistake."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from edge.config import PRESETS, Config, ConfigError, load, load_with_origins
from edge.config.environment import variable
from edge.config.keys import keys
from edge.config.writing import shown

from .files import write

MICROSLEEP = ("state", "eyes", "microsleep_s")


def refused(path: Path | None, overrides: Mapping[str, str] | None = None, **environment: str) -> list[str]:
    """The lines of the refusal, without the file's folder."""
    with pytest.raises(ConfigError) as error:
        load(path, overrides, environment=environment)
    return str(error.value).replace(f"{path}", "mien.toml").splitlines()


def refused_text(tmp_path: Path, text: str) -> list[str]:
    return refused(write(tmp_path / "mien.toml", text))


# Which value wins


def test_default_preset_file_environment_command_line_the_later_wins(tmp_path: Path) -> None:
    key = ("state", "expressions")
    file = write(tmp_path / "mien.toml", 'preset = "driver"\n')

    def won(path: Path | None = None, overrides: dict[str, dict[str, bool]] | None = None, **environment: str) -> str:
        loaded = load_with_origins(path, overrides, environment=environment)
        return f"{loaded.config.state.expressions}: {loaded.origin(key)}".replace(str(file), "mien.toml")

    assert won() == "True: default"
    assert won(file) == "False: preset driver"
    write(file, 'preset = "driver"\n[state]\nexpressions = true\n')
    assert won(file) == "True: mien.toml:3"
    assert won(file, MIEN_STATE__EXPRESSIONS="no") == "False: environment MIEN_STATE__EXPRESSIONS"
    by_hand = {"state": {"expressions": True}}
    assert won(file, by_hand, MIEN_STATE__EXPRESSIONS="no") == "True: command line"


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_the_same_from_file_environment_command_line_and_by_hand(tmp_path: Path, preset: str) -> None:
    file = write(tmp_path / "mien.toml", f'preset = "{preset}"\n')
    by_hand = Config.model_validate({"preset": preset})
    assert load(file, environment={}) == by_hand
    assert load(None, environment={"MIEN_PRESET": preset}) == by_hand
    assert load(None, {"preset": preset}, environment={}) == by_hand


def test_presets_switch_off_what_their_place_must_not_have() -> None:
    driver, kiosk, full = (Config.model_validate({"preset": name}) for name in ("driver", "kiosk", "full"))
    assert (driver.state.driver, driver.state.expressions, driver.vision.expression) == (True, False, False)
    assert (kiosk.state.driver, kiosk.state.expressions, kiosk.vision.expression) == (False, False, True)
    assert (driver.state.audience, kiosk.state.audience) == (False, True)
    assert kiosk.state.visitors.events == (), "nothing is told of single visits"
    assert full == Config()


def test_a_preset_on_the_command_line_replaces_the_files_preset_and_none_of_its_keys(tmp_path: Path) -> None:
    file = write(tmp_path / "mien.toml", 'preset = "driver"\nvision.max_faces = 1\n')
    config = load(file, {"preset": "kiosk"}, environment={})
    assert (config.preset, config.vision.expression, config.vision.max_faces) == ("kiosk", True, 1)


# The environment


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("MIEN_STATE__EYES__MICROSLEEP_S", "2", 2.0),
        ("MIEN_STATE__EYES__MICROSLEEP_S", " 1.75 ", 1.75),
        ("MIEN_VISION__EYES", "Off", False),
        ("MIEN_CAMERA__LOOP", "1", True),
        ("MIEN_VISION__THREADS", "3", 3),
        ("MIEN_CAMERA__SOURCE", "0", "0"),
        ("MIEN_CAMERA__ID", "007", "007"),
        ("MIEN_BROKER__PROTOCOL", "5", "5"),
        ("MIEN_CAMERA__ROTATE", "90", 90),
        ("MIEN_CAMERA__REGION", "[0, 0, 0.5, 1]", (0, 0, 0.5, 1)),
        ("MIEN_VISION__LANDMARKER", "/m/face landmarker.task", Path("/m/face landmarker.task")),
        ("MIEN_DEVICE", "cab-7", "cab-7"),
        ("MIEN_ALARM__COMMAND", '{ critical = ["siren"] }', {"critical": ("siren",)}),
    ],
)
def test_a_variable_is_read_as_its_key_wants_it(name: str, text: str, value: object) -> None:
    loaded = load_with_origins(None, environment={name: text})
    key = next(path for path in keys() if variable(path) == name)
    inner: object = loaded.config
    for part in key:
        inner = getattr(inner, part)
    assert inner == value
    assert str(loaded.origin(key)) == f"environment {name}"


def test_a_lines_number_and_its_name_may_both_be_given() -> None:
    chip = {"MIEN_ALARM__GPIO_CHIP": "/dev/gpiochip0"}
    assert load(None, environment=chip | {"MIEN_ALARM__GPIO_LINE": "17"}).alarm.gpio_line == 17
    assert load(None, environment=chip | {"MIEN_ALARM__GPIO_LINE": "GPIO17"}).alarm.gpio_line == "GPIO17"


def test_every_key_has_a_variable_of_its_own() -> None:
    assert len({variable(path) for path in keys()}) == len(keys())


def test_variables_of_others_and_empty_ones_set_nothing() -> None:
    others = {"MIEN_MODELS": "/m", "MIEN_MQTT_PASSWORD": "x", "MIEN_KIND": "sleep", "PATH": "/bin", "X__Y": "1"}
    loaded = load_with_origins(None, environment=others | {"MIEN_BROKER__USERNAME": ""})
    assert loaded.config == Config()
    assert not loaded.origins


def test_mistakes_in_the_environment_name_the_variable() -> None:
    assert refused(None, MIEN_BROKER__ULR="mqtt://h") == [
        "environment MIEN_BROKER__ULR: no such key; did you mean MIEN_BROKER__URL?"
    ]
    assert refused(None, MIEN_STATE__EYES="1")[0].startswith("environment MIEN_STATE__EYES: no such key")
    assert refused(None, MIEN_VISION__THREADS="many") == [
        "environment MIEN_VISION__THREADS: vision.threads: must be a whole number from 1 to 16, not a text"
    ]
    assert refused(None, MIEN_STATE__EYES__BRIDGE_S="9") == [
        "environment MIEN_STATE__EYES__BRIDGE_S: state.eyes.bridge_s: must be a number from 0 to 2 (s), not 9"
    ]
    assert "NUL, or not UTF-8" in refused(None, MIEN_CAMERA__SOURCE=os.fsdecode(b"/dev/\xff"))[0]


def test_the_process_own_environment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_BROKER__URL", "mqtt://elsewhere")
    assert load(None).broker.host == "elsewhere"


# What is said of a mistake


def test_all_mistakes_are_told_each_on_a_line_in_the_files_order(tmp_path: Path) -> None:
    text = """\
preset = "drivr"
camera.sorce = "0"
[state]
driver = "yes"
[state.eyes]
microsleep_s = 0.1
bridge_s = true
[broker]
url = "http://h"
tlsx = true
"""
    assert [line.partition(", mqtts")[0] for line in refused_text(tmp_path, text)] == [
        'mien.toml:1: preset: must be one of driver, kiosk, full, not "drivr"; did you mean driver?',
        "mien.toml:2: camera.sorce: unknown key; did you mean camera.source?",
        "mien.toml:4: state.driver: must be true or false, not a text",
        "mien.toml:6: state.eyes.microsleep_s: must be a number from 0.5 to 10 (s), not 0.1",
        "mien.toml:7: state.eyes.bridge_s: must be a number from 0 to 2 (s), not true",
        "mien.toml:9: broker.url: must begin with mqtt://",
        "mien.toml:10: broker.tlsx: unknown key",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("microsleep_s = 2", ":1: microsleep_s: unknown key; did you mean state.eyes.microsleep_s?"),
        ("[state]\nmicrosleep_s = 2", ":2: state.microsleep_s: unknown key; did you mean state.eyes.microsleep_s?"),
        ("[stat.eyes]\nbridge_s = 1", ":1: stat: unknown key; did you mean state?"),
        ("[eyes]\nbridge_s = 1", ":1: eyes: unknown key; did you mean vision.eyes?"),
        ('"a\\nb" = 1', ':1: "a\\nb": unknown key'),
        ("camera = 1", ":1: camera: must be a table: [camera]"),
        ("[[camera]]\nsource = '0'", ":1: camera: must be a table: [camera]"),
        ("[camera.source]\nx = 1", ":1: camera.source: must be a text, not empty, not a table"),
        ("[vision]\n\nthreads = 2.5", ":3: vision.threads: must be a whole number from 1 to 16, not 2.5"),
        (
            'vision.threads = "2"',
            ":1: vision.threads: must be a whole number from 1 to 16, not a text: leave the quotes off",
        ),
        ("camera.stall_s = inf", ":1: camera.stall_s: must be a number from 0.2 to 120 (s), not inf"),
        ("device = 1979-05-27", ":1: device: must be a text, not a date or time"),
        ("camera.rotate = 45", ":1: camera.rotate: must be one of 0, 90, 180, 270, not 45"),
        (
            'broker.protocol = "3.1"',
            ':1: broker.protocol: must be one of auto, 5, 3.1.1, not "3.1"; did you mean 3.1.1?',
        ),
        ('camera.source = "\\u0000"', ":1: camera.source: holds a character that no file name"),
        ('camera.region = [0, 0, "1", 1]', ":1: camera.region: must be a list of 4 numbers; among them is a text"),
        ("camera.region = [0, 0, nan, 1]", ":1: camera.region: must be a list of 4 numbers; among them is nan"),
        ("camera.region = [0, 0, 1]", ":1: camera.region: must be a list of 4 numbers, not a list of 3"),
        ('[alarm]\ncommand = "siren"', ':2: alarm.command: must be a list of arguments: ["aplay", "alarm.wav"]'),
    ],
)
def test_one_mistake_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    lines = refused_text(tmp_path, text)
    assert len(lines) == 1
    assert lines[0].startswith(f"mien.toml{said}")


def test_a_rule_about_two_keys_points_to_the_later_of_them(tmp_path: Path) -> None:
    lines = refused_text(tmp_path, "[state.eyes]\nsleep_s = 1.2\nbridge_s = 1\n[state.expression]\nenter = 0.3\n")
    assert [line.split(": ")[:2] for line in lines] == [
        ["mien.toml:2", "state.eyes"],
        ["mien.toml:5", "state.expression"],
    ]
    assert "microsleep_s (1.5) and sleep_s (1.2) must rise" in lines[0]


def test_a_rule_about_two_keys_points_to_the_environment_where_that_came_later(tmp_path: Path) -> None:
    file = write(tmp_path / "mien.toml", "state.eyes.sleep_s = 5\n")
    lines = refused(file, MIEN_STATE__EYES__MICROSLEEP_S="6")
    assert lines[0].startswith(
        "environment MIEN_STATE__EYES__MICROSLEEP_S: state.eyes: blink_max_s (0.5), microsleep_s"
    )


def test_a_rule_about_two_keys_says_nothing_where_one_of_them_is_refused_anyway(tmp_path: Path) -> None:
    lines = refused_text(tmp_path, '[alarm]\ngpio_chip = "/dev/gpiochip0"\ngpio_lin = 17\n')
    assert lines == ["mien.toml:3: alarm.gpio_lin: unknown key; did you mean alarm.gpio_line?"]


def test_a_thousand_mistakes_are_counted(tmp_path: Path) -> None:
    lines = refused_text(tmp_path, "".join(f"x{number} = 1\n" for number in range(20_000)))
    assert len(lines) == 51
    assert lines[-1] == "… and 19950 more"


# Secrets


def test_no_secret_is_shown_or_told(tmp_path: Path) -> None:
    file = write(
        tmp_path / "mien.toml",
        '[camera]\nsource = "rtsp://eve:geheim@cam/1"\n'
        '[broker]\nurl = "mqtt://h"\nusername = "eve"\npassword = "geheim"\n',
    )
    loaded = load_with_origins(file, environment={})
    text = shown(loaded, {})
    assert "geheim" not in text
    assert 'password = "********"' in text
    assert 'source = "rtsp://********@cam/1"' in text
    assert loaded.config.broker.login() == ("eve", "geheim")
    in_url = load_with_origins(None, environment={"MIEN_BROKER__URL": "mqtt://eve:geheim@h"})
    assert "geheim" not in shown(in_url, {})
    assert str(in_url.origin(("broker", "password"))) == "environment MIEN_BROKER__URL"
    given = shown(loaded, {"MIEN_MQTT_PASSWORD": "noch geheimer"})
    assert "geheim" not in given
    assert "# environment MIEN_MQTT_PASSWORD" in given


@pytest.mark.parametrize(
    "wrong",
    [
        'broker.password = ["geheim"]',
        'broker.password = "geheim"',  # without a user
        'broker.url = "http://eve:geheim@h"',
        'broker.url = "mqtt://eve:geheim@h/x"',
        'broker.url = "mqtt://eve:geheim@h:0"',
        'broker.username = "eve"\nbroker.url = "mqtt://eve:geheim@h"',
        'broker.pasword = "geheim"',
        'broker.password = "geheim\n',
        "broker.password = geheim",
        'broker.password = "geheim"\nbroker.password = "geheim"',
        'camera.width = "rtsp://eve:geheim@cam"',
        'camera.rtsp_transport = "rtsp://eve:geheim@cam"',
    ],
)
def test_no_refusal_repeats_a_secret(tmp_path: Path, wrong: str) -> None:
    assert "geheim" not in "\n".join(refused_text(tmp_path, wrong))


def test_what_is_shown_can_be_loaded_again(tmp_path: Path) -> None:
    loaded = load_with_origins(None, {"camera": {"source": 'a "b"\n'}, "preset": "kiosk"}, environment={})
    file = write(tmp_path / "shown.toml", shown(loaded, {}))
    assert load(file, environment={}) == loaded.config
