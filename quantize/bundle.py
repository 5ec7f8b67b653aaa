"""The folder that the device loads: ``model.tflite`` and the ``manifest.json`` that vouches for it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from edge.models.manifest import MANIFEST_FILE, MODEL_FILE
from quantize.errors import QuantizeError


def check_free(out: Path, *, replace: bool) -> None:
    """Raises QuantizeError where something is in the bundle's place and may not be replaced.

    Nor may what is no bundle, whatever is told: a mistyped folder is not to be lost.
    """
    if out.exists() and not replace:
        raise QuantizeError(f"{out}: exists already; name another --out, or pass --force to replace it")
    if out.exists() and not (out / MANIFEST_FILE).is_file():
        raise QuantizeError(f"{out}: not a bundle, so it is not replaced; name another --out")


def write(out: Path, model: bytes, manifest: bytes, *, replace: bool = False) -> Path:
    """Write a bundle whole or not at all; raises QuantizeError rather than silently take another's place."""
    check_free(out, replace=replace)
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}-"))
    try:
        aside.chmod(0o755)
        (aside / MODEL_FILE).write_bytes(model)
        (aside / MANIFEST_FILE).write_bytes(manifest)
        if out.exists():
            # Beside, not gone: whenever this is killed, the old bundle or the new one lies there whole.
            old = aside.with_name(f"{aside.name}-old")
            out.rename(old)
            aside.rename(out)
            shutil.rmtree(old)
        else:
            aside.rename(out)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return out
