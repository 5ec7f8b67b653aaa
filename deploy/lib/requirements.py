"""Lists a folder's wheels with their hashes, as pip wants them, once nothing that they require is missing.

pip chooses wheels for another machine, but judges conditions (``; python_version < "3.13"``) by the Python that it
runs on; so what a bundle holds is held against the device's own conditions here.

Usage: requirements.py WHEELS PYTHON MACHINE EXTRAS
"""

from __future__ import annotations

import hashlib
import sys
import zipfile
from collections.abc import Mapping
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

# Nothing but pip is sure to be here, and it brings what reads requirements as it does itself.
from pip._vendor.packaging.markers import default_environment
from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.utils import canonicalize_name


def metadata(wheel: Path) -> Message:
    """What a wheel says of itself."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(
            name for name in archive.namelist() if name.endswith(".dist-info/METADATA") and name.count("/") == 1
        )
        return message_from_bytes(archive.read(name))


def missing(wheels: Mapping[str, Message], python: str, machine: str, extras: set[str]) -> list[str]:
    """What the wheels require on the device and is not among them, or in another version."""
    device: dict[str, Any] = {**default_environment(), "python_version": python, "python_full_version": f"{python}.2"}
    device |= {"platform_machine": machine, "platform_system": "Linux", "sys_platform": "linux", "os_name": "posix"}
    asked: dict[str, set[str]] = {"mien": {"", *extras}}
    lacks: dict[str, None] = {}
    todo = ["mien"]
    while todo:
        name = todo.pop()
        for text in wheels[name].get_all("Requires-Dist", []):
            wanted = Requirement(text)
            if wanted.marker and not any(wanted.marker.evaluate({**device, "extra": extra}) for extra in asked[name]):
                continue
            key = canonicalize_name(wanted.name)
            if key not in wheels or not wanted.specifier.contains(wheels[key]["Version"], prereleases=True):
                lacks[f"{text} (for {name})"] = None
            elif not {"", *wanted.extras} <= asked.get(key, set()):
                asked.setdefault(key, set()).update({"", *wanted.extras})
                todo.append(key)
    return list(lacks)


def main(folder: Path, python: str, machine: str, extras: set[str]) -> None:
    """Prints the list, or says what is missing and ends with 1."""
    paths = sorted(folder.glob("*.whl"))
    wheels = {str(canonicalize_name(said["Name"])): said for said in map(metadata, paths)}
    if lacks := missing(wheels, python, machine, extras):
        sys.exit(f"bundle: run it with Python {python}; the wheels that pip chose here lack {'; '.join(lacks)}")
    for path in paths:
        said = metadata(path)
        print(f"{said['Name']}=={said['Version']} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], set(sys.argv[4].split(",")))
