"""The folder that the device loads: ``model.tflite`` and the ``manifest.json`` that vouches for it."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SCHEMA = "mien-model/1"


def write(out: Path, model: bytes, facts: Mapping[str, Any], *, replace: bool = False) -> Path:
    """Write a bundle whole or not at all; refuses to take another's place unless told to.

    facts: everything the manifest says besides schema and sha256. Raises FileExistsError.
    """
    if out.exists() and not replace:
        raise FileExistsError(f"{out}: exists already; name another --out, or pass --force to replace it")
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}-"))
    try:
        aside.chmod(0o755)
        (aside / "model.tflite").write_bytes(model)
        manifest = {"schema": SCHEMA, "sha256": hashlib.sha256(model).hexdigest(), **facts}
        (aside / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
        if out.exists():
            shutil.rmtree(out)
        aside.rename(out)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return out
