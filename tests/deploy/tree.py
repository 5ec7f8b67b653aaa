"""A Debian tree to install into: what runs in it, what lies in it, and what has changed."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from types import TracebackType
from typing import Self

REPO = Path(__file__).resolve().parents[2]
TREES = REPO / "tests" / "trees"
STICK = "/mnt/stick"
MANIFEST = "opt/mien/installed.txt"

#: Not part of an installation: the kernel's, what is gone after a start, and what the user database keeps of itself.
_PASSING = ("proc", "sys", "dev", "run", "tmp", "mnt", "var/log", "var/cache", "var/lib/systemd", "etc/.pwd.lock")
_OLD_COPIES = ("etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-")
#: What making users and groups writes to.
USER_DATABASE = frozenset({"etc/passwd", "etc/group", "etc/shadow", "etc/gshadow"})

#: By path: kind, mode, owner, group, and a file's hash or a link's target.
Listing = dict[str, tuple[str, int, int, int, str]]


class Tree:
    """A tree in ``folder``, new with each use; a context manager that removes it."""

    def __init__(self, arch: str, folder: Path) -> None:
        self.arch, self.folder = arch, folder

    def __enter__(self) -> Self:
        self.remove()
        subprocess.run([TREES / "make", self.arch, self.folder], check=True, stdout=sys.stderr)
        # debootstrap makes none, and no machine is without.
        self.path("etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.remove()

    def remove(self) -> None:
        """Takes it away; what is mounted in it stays whole."""
        subprocess.run(["rm", "-rf", "--one-file-system", self.folder], check=True)

    def path(self, relative: str) -> Path:
        """A path of the tree on this machine."""
        return self.folder / relative.lstrip("/")

    def run(self, *command: str, offline: bool = True, stick: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Runs a command in it as root. stick: a folder that it sees, read-only, as a USB stick at /mnt/stick."""
        options = ["--offline"] * offline + (["--bind", f"{stick.resolve()}:{STICK}"] if stick else [])
        return subprocess.run(
            [TREES / "enter", *options, self.folder, *command], capture_output=True, text=True, check=False
        )

    def listing(self) -> Listing:
        """All that lies in it and stays."""
        found: Listing = {}
        for here, folders, files in os.walk(self.folder):
            inside = os.path.relpath(here, self.folder)
            folders[:] = [name for name in folders if os.path.normpath(f"{inside}/{name}") not in _PASSING]
            for name in [*folders, *files]:
                relative = os.path.normpath(f"{inside}/{name}")
                if relative not in _PASSING and relative not in _OLD_COPIES:
                    found[relative] = _entry(Path(here, name))
        return found

    def manifest(self) -> list[tuple[str, str]]:
        """The installer's own list: (kind, path)."""
        lines = self.path(MANIFEST).read_text().splitlines()
        return [(kind, path) for kind, _, path in (line.partition(" ") for line in lines)]


def changes(before: Listing, after: Listing) -> set[str]:
    """The paths that came, went or are not what they were."""
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def _entry(path: Path) -> tuple[str, int, int, int, str]:
    status = path.lstat()
    kind, content = "other", ""
    if stat.S_ISLNK(status.st_mode):
        return "link", 0, status.st_uid, status.st_gid, str(path.readlink())
    if stat.S_ISDIR(status.st_mode):
        kind = "dir"
    elif stat.S_ISREG(status.st_mode):
        kind, content = "file", hashlib.sha256(path.read_bytes()).hexdigest()
    return kind, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, content


def make_bundle(arch: str, out: Path) -> Path:
    """Runs deploy/bundle as a person does; a bundle that is there already gets the installer as it is now."""
    if not (out / "SHA256SUMS").exists():  # the last thing that is made
        shutil.rmtree(out, ignore_errors=True)
        out.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([REPO / "deploy" / "bundle", "--arch", arch, out], check=True, stdout=sys.stderr)
    shutil.rmtree(out / "deploy")
    copy_installer(out)
    seal(out)
    return out


def copy_installer(out: Path) -> None:
    """Puts the installer into a bundle, as deploy/bundle does."""
    (out / "deploy").mkdir()
    for part in ("install", "README.md"):
        shutil.copy2(REPO / "deploy" / part, out / "deploy")
    for part in ("lib", "systemd", "brokers"):
        shutil.copytree(REPO / "deploy" / part, out / "deploy" / part)


def variant(bundle: Path, out: Path, note: str) -> Path:
    """Another release with the same content, so that it can be told from the first."""
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(bundle, out, copy_function=os.link)
    described = out / "bundle.txt"
    text = described.read_text()
    described.unlink()  # a hard link: the first bundle's stays as it is
    described.write_text(f"{text}note={note}\n")
    seal(out)
    return out


def seal(bundle: Path) -> None:
    """Writes SHA256SUMS, as deploy/bundle does."""
    files = sorted(path for path in bundle.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  ./{path.relative_to(bundle)}\n" for path in files]
    (bundle / "SHA256SUMS").unlink(missing_ok=True)
    (bundle / "SHA256SUMS").write_text("".join(lines))


def make_wheel(folder: Path, name: str, version: str, *requires: str) -> None:
    """A wheel that says what it is and needs, with nothing in it."""
    said = "".join(f"Requires-Dist: {text}\n" for text in requires)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(
            f"{name}-{version}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{said}"
        )
