"""What a user installs holds what the device needs."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    # From a copy, so that building leaves nothing in the checkout.
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    for room in ("edge", "train", "quantize"):
        shutil.copytree(REPOSITORY / room, source / room, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", ".", "."]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    return zipfile.ZipFile(next(source.glob("mien-*.whl")))


def test_the_expression_model_and_its_manifest_are_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    shipped = REPOSITORY / "edge" / "models" / "expression"
    for name in ("model.tflite", "manifest.json"):
        assert wheel.read(f"edge/models/expression/{name}") == (shipped / name).read_bytes()


def test_every_module_is_in_the_wheel_and_no_test(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    for room in ("edge", "train", "quantize"):
        for path in (REPOSITORY / room).rglob("*.py"):
            assert path.relative_to(REPOSITORY).as_posix() in names
    assert not [name for name in names if name.startswith("tests/")]
    assert "edge/demo/portrait.npz" in names


def test_the_three_commands_are_there(wheel: zipfile.ZipFile) -> None:
    (entry_points,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    for command in ("mien = ", "mien-train = ", "mien-quantize = "):
        assert command in wheel.read(entry_points).decode()
