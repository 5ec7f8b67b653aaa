"""``mien config``, as typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.cli import main

from .files import write


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_check_says_in_a_line_that_all_is_fine(capsys: pytest.CaptureFixture[str]) -> None:
    write(Path("mien.toml"), "[vision]\nthreads = 1\n")
    assert main(["config", "check", "mien.toml", "--preset", "driver"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("mien.toml: fine; 2 of ")
    assert out.endswith("keys set, preset driver\n")
    assert not err
    assert main(["config", "check", "-q"]) == 0
    assert capsys.readouterr() == ("", "")


def test_check_lists_every_mistake_and_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    write(Path("mien.toml"), "[vision]\nthread = 1\nmax_faces = 0\n")
    assert main(["config", "check", "mien.toml"]) == 2
    assert capsys.readouterr() == (
        "",
        "mien: mien.toml:2: vision.thread: unknown key; did you mean vision.threads?\n"
        "mien: mien.toml:3: vision.max_faces: must be a whole number from 1 to 32, not 0\n",
    )


def test_show_tells_where_each_value_comes_from(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(Path("mien.toml"), 'preset = "driver"\n[vision]\nthreads = 1\n')
    monkeypatch.setenv("MIEN_VISION__MAX_FACES", "1")
    assert main(["config", "show", "mien.toml", "--broker", "mqtts://h"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    for line in (
        'preset = "driver" # mien.toml:1',
        "threads = 1 # mien.toml:3",
        "max_faces = 1 # environment MIEN_VISION__MAX_FACES",
        "expression = false # preset driver",
        'url = "mqtts://h" # command line',
        'backend = "litert" # default',
        "# landmarker is not set # default",
    ):
        assert line in lines


def test_init_writes_a_file_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "init", "--preset", "kiosk", "mien.toml"]) == 0
    assert main(["config", "check", "mien.toml"]) == 0
    write(Path("mien.toml"), "# mine\n")
    capsys.readouterr()
    assert main(["config", "init", "mien.toml"]) == 2
    assert capsys.readouterr().err == "mien: mien.toml: exists already; name another file, or --force\n"
    assert Path("mien.toml").read_text() == "# mine\n"
    assert main(["config", "init", "-q", "--force", "mien.toml"]) == 0
    assert "# mine" not in Path("mien.toml").read_text()
    assert main(["config", "init", "no/such/folder.toml"]) == 2
    assert capsys.readouterr().err == "mien: no/such/folder.toml: No such file or directory\n"
    assert main(["config", "init", "--preset", "cab", "cab.toml"]) == 2
    assert "preset: must be one of driver, kiosk, full" in capsys.readouterr().err
    assert not Path("cab.toml").exists()


def test_schema_prints_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$defs"]["EyeSettings"]["properties"]["microsleep_s"]["unit"] == "s"
