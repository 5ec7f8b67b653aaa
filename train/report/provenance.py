"""Where and with what a report was made."""

from __future__ import annotations

import datetime
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from edge import host

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
        "cpu": host.processor(),
        "system": host.system(),
        "versions": versions,
        "commit": host.commit(),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
