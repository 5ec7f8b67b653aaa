"""Takes MediaPipe's face models out of mediapipe's wheel.

The wheel comes from a file, or from the package index through pip, so that the user's own mirror, proxy,
certificate and credentials apply. Models are pure data: any platform takes the x86-64 wheel's.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from edge.models.files import FACE_MODELS, FaceModel, ModelsError, face_models_folder, status
from edge.models.staging import staging, sync, write_new

#: The last release whose wheel bundles the models.
MEDIAPIPE = "mediapipe==0.10.21"
_WHEEL_TAGS = ("--platform", "manylinux_2_28_x86_64", "--python-version", "3.11")
_WHEEL_BYTES = 35_622_638
_ELSEWHERE = "fetch the wheel elsewhere and run: mien models install --wheel FILE"

_LICENSE = "LICENSE.txt"
_ORIGIN = "ORIGIN.txt"


def install(
    folder: Path | None = None,
    wheel: Path | None = None,
    *,
    force: bool = False,
    progress: bool = False,
    models: Sequence[FaceModel] = FACE_MODELS,
) -> bool:
    """Writes the face models, their licence and their origin into ``folder`` (default: ``face_models_folder()``).

    Every file is checked and on the disk before the first one takes its place, and takes it by a rename: a
    failure or a kill leaves each file as it was or right, and the next call finishes the work.

    Args:
        folder: made where it is missing; what else lies in it is left alone.
        wheel: a wheel of mediapipe; None takes one from the package index (36 MB).
        force: also where every model is there and right.
        progress: shows the download on stderr where that is a terminal.
        models: which files, with their sha256.

    Returns:
        Whether anything was written: False where every model was there and right.

    Raises:
        ModelsError: no network, not a wheel, not these models, or a folder that cannot be written to.
    """
    folder = (folder or face_models_folder()).absolute()
    if not force and all(model.state == "ok" for model in status(folder, models)):
        return False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with staging(folder) as aside:
            source = wheel or _download(aside, progress)
            staged = [write_new(aside / name, content) for name, content in _unpack(source, models).items()]
            for path in staged:
                path.replace(folder / path.name)
            sync(folder)
    except OSError as error:
        raise ModelsError(f"{error.filename or folder}: {error.strerror or error}; nothing installed") from error
    return True


def _download(aside: Path, progress: bool) -> Path:
    """Has pip fetch mediapipe's wheel into ``aside``."""
    command = [sys.executable, "-m", "pip", "download", MEDIAPIPE, "--no-deps", "--only-binary=:all:", *_WHEEL_TAGS]
    command += ["--quiet", "--progress-bar=off", "--no-input", "--disable-pip-version-check", "--dest", str(aside)]
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said,
        # TMPDIR: pip gathers the bytes where the bar can count them, and where there must be room for them anyway.
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env={**os.environ, "TMPDIR": str(aside)},
        ) as pip,
        tqdm(
            desc=MEDIAPIPE,
            total=_WHEEL_BYTES,
            unit="B",
            unit_scale=True,
            leave=False,
            disable=None if progress else True,
        ) as bar,
    ):
        try:
            while pip.poll() is None:
                bar.update(_bytes_under(aside) - bar.n)
                try:
                    pip.wait(0.2)
                except subprocess.TimeoutExpired:
                    continue
        except BaseException:
            pip.kill()
            raise
        said.seek(0)
        lines = [line.strip() for line in said if line.strip()]
    if pip.returncode == 0:
        return next(aside.glob("mediapipe-*.whl"))
    if any("No module named pip" in line for line in lines):
        raise ModelsError(f"{sys.executable} has no pip to fetch {MEDIAPIPE} with; {_ELSEWHERE}")
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")] or lines
    reason = errors[-1] if errors else f"pip ended with {pip.returncode}"
    raise ModelsError(f"pip could not fetch {MEDIAPIPE} ({reason}); no network, or not on the index: {_ELSEWHERE}")


def _bytes_under(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except FileNotFoundError:  # pip moves and removes its files meanwhile
            continue
    return min(total, _WHEEL_BYTES)


def _unpack(wheel: Path, models: Sequence[FaceModel]) -> dict[str, bytes]:
    """By file name: licence and origin first, so that no model ever lies there without them, then the models."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            contents = {model.name: _read(archive, model, wheel) for model in models}
            license_name = next((name for name in archive.namelist() if name.endswith(".dist-info/LICENSE")), None)
            if license_name is None:
                raise ModelsError(f"{wheel}: no LICENSE in it; is it a wheel of {MEDIAPIPE}?")
            license_text = archive.read(license_name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ModelsError(f"{wheel}: not a wheel, or damaged ({error}); get {MEDIAPIPE} again") from error
    names = "\n".join(f"  {model.name}  sha256 {model.sha256}" for model in models)
    origin = (
        f"{names}\n\n"
        f"Taken unchanged from the wheel {license_name.split('.dist-info')[0]} (https://pypi.org/project/mediapipe/).\n"
        f"Copyright The MediaPipe Authors; Apache License 2.0, see {_LICENSE}.\n"
    )
    return {_LICENSE: license_text, _ORIGIN: origin.encode(), **contents}


def _read(archive: zipfile.ZipFile, model: FaceModel, wheel: Path) -> bytes:
    try:
        info = archive.getinfo(model.member)
    except KeyError:
        raise ModelsError(f"{wheel}: no {model.member} in it; only wheels up to {MEDIAPIPE} have it") from None
    # The size first: a made-up archive may unpack to far more than there is memory for.
    content = archive.read(info) if info.file_size == model.size else b""
    if hashlib.sha256(content).hexdigest() != model.sha256:
        raise ModelsError(f"{wheel}: {model.member} is not the file that mien was tested with; use {MEDIAPIPE}'s wheel")
    return content
