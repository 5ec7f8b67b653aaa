"""``mien models list | verify | use``: which expression model runs, and what happens when it cannot."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edge import cli
from edge.daemon import _info, open_reader
from edge.events import DeviceIdentity
from edge.expression import open_expression
from edge.models import ModelsError, load_bundle
from edge.models.manifest import MANIFEST_FILE, MODEL_FILE
from edge.models.store import activate, active, install, installed
from edge.vision import VisionSettings
from tests.models.bundles import named, resealed, shipped_files, write

Captured = pytest.CaptureFixture[str]


def mien(capsys: Captured, *arguments: str | Path) -> tuple[int, list[str], str]:
    """What ``mien models …`` returns, prints and complains of."""
    code = cli.main(["models", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out.splitlines(), captured.err


def choose(bundle: Path) -> None:
    """What ``use`` comes to for a bundle that is whole, without the trial in a child, which takes its time."""
    activate(install(load_bundle(bundle)))


def row(lines: list[str], name: str) -> str:
    (found,) = [line for line in lines if name in line.split()]
    return found


def test_a_bundle_is_installed_chosen_and_left_again(data_home: Path, tmp_path: Path, capsys: Captured) -> None:
    code, lines, _ = mien(capsys, "list")
    assert code == 0
    assert row(lines, "shipped").startswith("* ok")
    assert "int8 accuracy" in row(lines, "shipped")
    assert "temperature" in row(lines, "shipped")

    source = named(tmp_path / "from elsewhere", "mine")
    assert mien(capsys, "use", source)[:2] == (0, ["mine: runs from the next start on"])
    assert open_expression(VisionSettings()).name == "mine"
    assert {path.name: path.read_bytes() for path in (data_home / "mine").iterdir()} == {
        path.name: path.read_bytes() for path in source.iterdir()
    }
    lines = mien(capsys, "list")[1]
    assert row(lines, "mine").startswith("* ok")
    assert row(lines, "shipped").startswith("  ok")

    assert mien(capsys, "use", "shipped")[0] == 0
    assert open_expression(VisionSettings()).name == "mien"
    assert mien(capsys, "use", "mine")[0] == 0
    assert open_expression(VisionSettings()).name == "mine"


def test_the_configuration_wins_over_the_active_one(data_home: Path, tmp_path: Path) -> None:
    choose(named(tmp_path / "mine", "mine"))
    assert open_expression(VisionSettings(expression_model="shipped")).name == "mien"
    yours = named(tmp_path / "yours", "yours")
    assert open_expression(VisionSettings(expression_model=str(yours))).name == "yours"
    assert open_expression(VisionSettings(expression_model="mine")).name == "mine"


def test_a_damaged_bundle_is_neither_installed_nor_chosen(data_home: Path, tmp_path: Path, capsys: Captured) -> None:
    source = named(tmp_path / "mine", "mine")
    (source / MODEL_FILE).write_bytes(b"no model")
    code, _, complaint = mien(capsys, "use", source)
    assert code == 2
    assert complaint.count("\n") == 1
    assert "mine/model.tflite: damaged" in complaint
    assert (installed(), active()) == ([], None)


def test_another_model_of_the_same_name_is_replaced_only_by_force(
    data_home: Path, tmp_path: Path, capsys: Captured
) -> None:
    first = named(tmp_path / "first", "mine")
    choose(first)
    choose(first)  # the same again is no other model
    files = shipped_files()
    files[MANIFEST_FILE] = resealed(files[MANIFEST_FILE], lambda facts: facts.update(name="mine", licence="mine alone"))
    second = write(tmp_path / "second", files)
    code, _, complaint = mien(capsys, "use", second)
    assert code == 2
    assert "another model has this name; --force replaces it" in complaint
    assert mien(capsys, "use", "--force", second)[0] == 0
    assert (data_home / "mine" / MANIFEST_FILE).read_bytes() == files[MANIFEST_FILE]
    assert [path.name for path in installed()] == ["mine"]


def test_verify_says_a_line_of_each_and_fails_when_one_does(data_home: Path, tmp_path: Path, capsys: Captured) -> None:
    choose(named(tmp_path / "mine", "mine"))
    code, lines, _ = mien(capsys, "verify")
    assert code == 0
    assert len(lines) == 5
    assert all(line.startswith("ok ") for line in lines)

    (data_home / "mine" / MODEL_FILE).write_bytes(b"no model")
    code, lines, _ = mien(capsys, "verify", "mine", "shipped")
    assert code == 1
    assert [line.split()[0] for line in lines] == ["failed", "ok"]
    assert "damaged" in row(mien(capsys, "list")[1], "mine")


def test_a_name_that_is_no_model(data_home: Path, capsys: Captured) -> None:
    for command in ("use", "verify"):
        code, _, complaint = mien(capsys, command, "mime")
        assert code == 2
        assert complaint == "mien: mime: no such path, and no installed expression model (there are: shipped)\n"


@pytest.mark.parametrize("content", [b"", b"../../elsewhere\n", b"\xff\xfe", b"two\nnames\n"])
def test_a_damaged_choice_is_told_and_the_shipped_model_runs(data_home: Path, content: bytes) -> None:
    data_home.mkdir(parents=True)
    (data_home / ".active").write_bytes(content)
    model = open_expression(VisionSettings())
    assert model.name == "mien"
    assert model.fallback == f"{data_home / '.active'}: damaged, it names no model; run: mien models use NAME"


def test_a_kill_in_the_midst_of_an_installation_is_cleaned_up(data_home: Path, tmp_path: Path) -> None:
    (data_home / ".installing-xyz" / "mine").mkdir(parents=True)
    choose(named(tmp_path / "mine", "mine"))
    assert sorted(path.name for path in data_home.iterdir()) == [".active", "mine"]


def test_a_folder_that_cannot_be_made(data_home: Path, tmp_path: Path) -> None:
    data_home.parent.mkdir(parents=True)
    data_home.write_text("in the way")
    with pytest.raises(ModelsError, match=r"expression-models: .*nothing installed"):
        choose(named(tmp_path / "mine", "mine"))


def test_the_devices_info_says_why_the_shipped_model_runs(data_home: Path, tmp_path: Path) -> None:
    broken = named(tmp_path / "broken", "mine")
    (broken / MODEL_FILE).write_bytes(b"no model")
    with open_reader(VisionSettings(expression_model=str(broken))) as reader:
        info = _info(DeviceIdentity("cab-7"), reader)
    assert info.model == "mien"
    assert info.model_fallback is not None
    assert info.model_fallback.startswith(f"{broken / MODEL_FILE}: damaged")
    with open_reader(VisionSettings()) as reader:
        assert _info(DeviceIdentity("cab-7"), reader).model_fallback is None


def test_a_bare_model_runs_only_where_it_is_allowed(data_home: Path, tmp_path: Path, capsys: Captured) -> None:
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(shipped_files()[MODEL_FILE])
    code, _, complaint = mien(capsys, "use", bare)
    assert code == 2
    assert "--allow-unverified" in complaint
    code, lines, _ = mien(capsys, "use", "--allow-unverified", bare)
    assert code == 0
    assert "allow_unverified = true" in lines[1]
    assert "bare, unverified" in row(mien(capsys, "list")[1], "bare.tflite")

    assert "vision.allow_unverified" in (open_expression(VisionSettings()).fallback or "")
    model = open_expression(VisionSettings(allow_unverified=True))
    assert (model.name, model.fallback) == ("bare", None)


def test_a_bare_model_that_is_none_is_found_out_in_a_child(data_home: Path, tmp_path: Path, capsys: Captured) -> None:
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(shipped_files()[MODEL_FILE][:300_000])
    code, _, complaint = mien(capsys, "use", "--allow-unverified", bare)
    assert code == 2
    assert complaint.count("\n") == 1
    assert "bare.tflite: not a model that LiteRT can run" in complaint
    assert installed() == []


def test_a_model_that_kills_the_interpreter_kills_only_the_child(
    data_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What crashes one release of LiteRT is refused by the next, so the crash is made: the child is killed.
    dying = tmp_path / "python"
    dying.write_text("#!/bin/sh\ncat > /dev/null\nkill -SEGV $$\n")
    dying.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(dying))
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(shipped_files()[MODEL_FILE])
    model = open_expression(VisionSettings(expression_model=str(bare), allow_unverified=True))
    assert model.name == "mien"
    assert model.fallback == f"{bare}: crashes the interpreter (SIGSEGV in a trial run); use another model"
