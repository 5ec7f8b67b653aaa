"""AsyncAPI's own validator has nothing against our document."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from edge.events.asyncapi import asyncapi

HERE = Path(__file__).resolve().parent
TOOLS = Path(os.environ.get("ASYNCAPI_TOOLS", HERE.parents[1] / "build" / "asyncapi"))


def validate(document: Path) -> subprocess.CompletedProcess[str]:
    if not (TOOLS / "node_modules" / ".bin" / "asyncapi").exists():
        pytest.skip(f"AsyncAPI's validator is not in {TOOLS}: run make contract")
    return subprocess.run([HERE / "validate.sh", document], capture_output=True, text=True, timeout=120, check=False)


def test_the_official_validator_accepts_the_document(tmp_path: Path) -> None:
    document = tmp_path / "asyncapi.json"
    document.write_text(json.dumps(asyncapi()))
    done = validate(document)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "(0 errors, 0 warnings" in done.stdout + done.stderr
