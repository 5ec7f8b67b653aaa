"""The rules between the rooms, held by looking at what is imported."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

EDGE = Path(__file__).resolve().parents[1] / "edge"

# What each room may import of the others; ".types" and the like narrow it to one module.
ALLOWED = {
    "camera": {"edge.closing", "edge.errors", "edge.settings"},
    "vision": {"edge.errors", "edge.camera.frame", "edge.models.bundle", "edge.models.manifest"},
    "state": {"edge.errors", "edge.settings", "edge.vision.types"},
    "events": {"edge.errors", "edge.markdown", "edge.state.types", "edge.state.audience.types"},
    "delivery": {"edge.closing", "edge.errors", "edge.events", "edge.settings"},
    "models": {"edge.errors"},
    "view": {
        *("edge.aside", "edge.errors", "edge.settings", "edge.events"),
        *("edge.camera.frame", "edge.state.types", "edge.state.audience.types", "edge.vision.types"),
    },
}


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_only_what_lies_to_its_left(room: str) -> None:
    allowed = ALLOWED[room] | {f"edge.{room}"}
    for path in (EDGE / room).rglob("*.py"):
        for module in _imports(path):
            if module.split(".")[0] in {"edge", "train", "quantize"}:
                assert any(module == name or module.startswith(f"{name}.") for name in allowed), f"{path}: {module}"


def test_the_device_never_imports_the_workstation() -> None:
    for path in EDGE.rglob("*.py"):
        heavy = {module.split(".")[0] for module in _imports(path)} & {"train", "quantize", "tensorflow", "keras"}
        assert not heavy, f"{path} imports {heavy}"


def test_a_running_device_has_no_tensorflow_in_memory() -> None:
    code = "import sys, edge.cli, edge.daemon, edge.analysis; print({'tensorflow', 'keras'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"
