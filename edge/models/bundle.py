"""Reads an expression model from the disk, and lets nothing through that its manifest does not vouch for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from edge.models.files import ModelsError
from edge.models.manifest import GET_IT_AGAIN, MANIFEST_FILE, MODEL_FILE, Manifest, parse

_MOST_MANIFEST_BYTES = 1 << 20
#: A hundred times the model that ships; a mistaken path must not fill a small device's memory.
_MOST_BARE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Bundle:
    """A model's bytes, whole as far as its manifest can tell.

    path: of the ``.tflite`` file. manifest, and the file it was read from: None for a bare ``.tflite`` that nobody
    vouches for.
    """

    path: Path
    content: bytes
    sha256: str
    manifest: Manifest | None = None
    manifest_file: bytes | None = None

    @property
    def name(self) -> str:
        """The manifest's name of it, or the bare file's."""
        return self.manifest.name if self.manifest else self.path.stem


def load_bundle(path: Path, *, allow_unverified: bool = False) -> Bundle:
    """The bundle in a folder of ``manifest.json`` and ``model.tflite``, once seal, schema, size and sha256 are right.

    A damaged model may load and answer nonsense without an error, or crash the interpreter; so it is hashed before
    anything loads it. With ``allow_unverified`` ``path`` may also be a ``.tflite`` file, taken as it is.
    Raises ModelsError, in one line naming the file, where something is missing, damaged or unreadable.
    """
    if path.suffix == ".tflite" and not path.is_dir():
        if not allow_unverified:
            raise ModelsError(
                f"{path}: a bare model that no manifest vouches for; name a bundle's folder, or allow it: "
                "--allow-unverified, in the configuration vision.allow_unverified = true"
            )
        content = _read(path, _MOST_BARE_BYTES)
        return Bundle(path, content, hashlib.sha256(content).hexdigest())
    where = path / MANIFEST_FILE
    manifest_file = _read(where, _MOST_MANIFEST_BYTES)
    manifest = parse(manifest_file, where)
    model = path / MODEL_FILE
    content = _read(model, manifest.model.bytes)
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != manifest.model.sha256:
        raise ModelsError(f"{model}: damaged, its sha256 is not the manifest's; {GET_IT_AGAIN}")
    return Bundle(model, content, sha256, manifest, manifest_file)


def _read(path: Path, most: int) -> bytes:
    try:
        # A device or a named pipe under this name could block for ever, or never end.
        if not path.is_file():
            raise ModelsError(f"{path}: {'not a file' if path.exists() else 'not there'}; {GET_IT_AGAIN}")
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise ModelsError(f"{path}: cannot be read ({error.strerror or error})") from None
    if len(content) > most:
        raise ModelsError(f"{path}: more than the {most} bytes that it should have; {GET_IT_AGAIN}")
    return content
