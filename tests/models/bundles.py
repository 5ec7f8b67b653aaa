"""Bundles made of the one that ships, changed, and vouched for anew where a test wants that."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.models import shipped_expression
from edge.models.manifest import MANIFEST_FILE, MODEL_FILE, seal_bytes

Facts = dict[str, Any]


def shipped_files() -> dict[str, bytes]:
    """The two files of the bundle that ships, by name."""
    return {name: (shipped_expression() / name).read_bytes() for name in (MODEL_FILE, MANIFEST_FILE)}


def resealed(manifest: bytes, edit: Callable[[Facts], object]) -> bytes:
    """A manifest that its maker might have written: edited, with a seal that is right."""
    facts: Facts = json.loads(manifest)
    edit(facts)
    return seal_bytes(json.dumps(facts, indent=2).encode())


def vouched_for(manifest: bytes, model: bytes) -> bytes:
    """The manifest, edited and sealed to vouch for another model."""
    file = {"file": MODEL_FILE, "sha256": hashlib.sha256(model).hexdigest(), "bytes": len(model)}
    return resealed(manifest, lambda facts: facts.update(model=file))


def write(folder: Path, files: dict[str, bytes]) -> Path:
    """Writes the files into a new folder."""
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def named(folder: Path, name: str) -> Path:
    """A whole bundle of another name."""
    files = shipped_files()
    files[MANIFEST_FILE] = resealed(files[MANIFEST_FILE], lambda facts: facts.update(name=name))
    return write(folder, files)
