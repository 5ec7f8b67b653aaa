"""Where and with what a report was made."""

from __future__ import annotations

import datetime
import os
import platform
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import train

#: What a package on the index is imported as.
_PACKAGES = {
    "mien": "train",
    "numpy": "numpy",
    "opencv-python-headless": "cv2",
    "keras": "keras",
    "tensorflow": "tensorflow",
    "tensorflow-cpu": "tensorflow",
    "jax": "jax",
    "ai-edge-litert": "ai_edge_litert",
}


def provenance(command: str) -> dict[str, Any]:
    """Command, date, processor, versions of what took part, and the commit of the code where it lies in git."""
    versions = {"python": platform.python_version()}
    versions |= {name: v for name, module in _PACKAGES.items() if module in sys.modules and (v := _version(name))}
    if "keras" in versions:
        versions["keras"] += f" on {sys.modules['keras'].backend.backend()}"
    return {
        "command": command,
        "date": datetime.date.today().isoformat(),
        "cpu": f"{_cpu()}, {os.cpu_count()} threads",
        "system": f"{platform.system()} {platform.machine()}",
        "versions": versions,
        "commit": _commit(),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpu() -> str:
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def _commit() -> str | None:
    """Twelve digits, with "-dirty" after them where files have changed since; None outside git."""
    source = Path(train.__file__)
    git = ["git", "-C", str(source.parent)]
    try:
        # An installed copy may lie within somebody else's repository, whose commit says nothing.
        subprocess.run([*git, "ls-files", "--error-unmatch", source.name], check=True, capture_output=True, timeout=10)
        describe = [*git, "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"]
        return subprocess.run(describe, check=True, capture_output=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
