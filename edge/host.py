"""Where something was measured: processor, system, versions, and the commit of the code."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import edge

#: What a package on the index is imported as.
_PACKAGES = {
    "mien": "edge",
    "numpy": "numpy",
    "opencv-python-headless": "cv2",
    "ai-edge-litert": "ai_edge_litert",
    "tflite-runtime": "tflite_runtime",
}


def processor() -> str:
    """Its name, and how many of its threads there are."""
    try:
        found = re.search(r"(?:model name|Model)\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    name = found[1].strip() if found else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} threads"


def system() -> str:
    """The operating system and the machine's kind."""
    return f"{platform.system()} {platform.machine()}"


def versions() -> dict[str, str]:
    """Python's, and those of the packages that are in use."""
    found = {"python": platform.python_version()}
    for package, module in _PACKAGES.items():
        if module in sys.modules:
            try:
                found[package] = version(package)
            except PackageNotFoundError:
                pass  # run from its sources
    return found


def commit() -> str | None:
    """Twelve digits, with "-dirty" after them where files have changed since; None outside git."""
    source = Path(edge.__file__)
    git = ["git", "-C", str(source.parent)]
    try:
        # An installed copy may lie within somebody else's repository, whose commit says nothing.
        subprocess.run([*git, "ls-files", "--error-unmatch", source.name], check=True, capture_output=True, timeout=10)
        describe = [*git, "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"]
        return subprocess.run(describe, check=True, capture_output=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
