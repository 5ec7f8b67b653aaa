"""The expression models in the user's data folder, and which one of them is active."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from edge.models.bundle import Bundle, load_bundle
from edge.models.files import ModelsError, shipped_expression
from edge.models.manifest import MANIFEST_FILE, MODEL_FILE, NAME_PATTERN, Manifest
from edge.models.staging import staging, sync, write_new

#: What the model inside this package is called; no other may be.
SHIPPED = "shipped"
#: Holds the active model's name. No model's name begins with a dot.
_ACTIVE = ".active"


def expression_models_folder() -> Path:
    """``expression-models`` in the user's data folder: a bundle's folder or a bare ``.tflite`` each."""
    return platformdirs.user_data_path("mien") / "expression-models"


@dataclass(frozen=True, slots=True)
class Listed:
    """An expression model as ``mien models list`` shows it. problem: why it cannot be used; None where it is whole."""

    name: str
    path: Path
    active: bool
    manifest: Manifest | None
    problem: str | None

    @property
    def int8_accuracy(self) -> float | None:
        """On FER2013's PrivateTest, as its maker measured it; None where the manifest does not say."""
        found: Any = self.manifest.metrics if self.manifest else None
        for key in ("private_test", "int8", "accuracy"):
            found = found.get(key) if isinstance(found, dict) else None
        return float(found) if isinstance(found, int | float) else None


def listing() -> list[Listed]:
    """The model that ships, then the installed ones; their hashes are looked at, none of them is run.

    An active one that is gone is among them. Raises ModelsError where the folder cannot be read.
    """
    chosen = active()
    paths = installed()
    if chosen is not None and chosen not in paths:
        paths.append(chosen)
    shipped = _listed(SHIPPED, shipped_expression(), chosen is None)
    return [shipped, *(_listed(path.name, path, path == chosen) for path in paths)]


def _listed(name: str, path: Path, is_active: bool) -> Listed:
    try:
        bundle = load_bundle(path, allow_unverified=True)
    except ModelsError as error:
        return Listed(name, path, is_active, None, str(error))
    return Listed(name, path, is_active, bundle.manifest, None)


def installed() -> list[Path]:
    """The installed expression models, by name. Raises ModelsError where the folder cannot be read."""
    folder = expression_models_folder()
    try:
        return sorted(path for path in folder.iterdir() if _is_name(path.name))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ModelsError(f"{folder}: cannot be read ({error.strerror})") from None


def active() -> Path | None:
    """The model that ``activate`` chose, there or not; None for the one that ships. Raises ModelsError."""
    path = expression_models_folder() / _ACTIVE
    try:
        name = path.read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ModelsError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        name = ""
    if not _is_name(name):
        raise ModelsError(f"{path}: damaged, it names no model; run: mien models use NAME")
    return path.parent / name


def find(name: str) -> Path:
    """The model that a user means: ``shipped``, an installed one's name, or a path.

    Raises ModelsError where there is none. Whether it is whole is not looked at.
    """
    if name == SHIPPED:
        return shipped_expression()
    chosen = expression_models_folder() / name
    if _is_name(name) and os.path.lexists(chosen):
        return chosen
    path = Path(os.path.expanduser(name))  # noqa: PTH111 - Path's own raises where there is no such user
    if os.path.lexists(path):
        return path
    names = ", ".join([SHIPPED, *(there.name for there in installed())])
    raise ModelsError(f"{name}: no such path, and no installed expression model (there are: {names})")


def install(bundle: Bundle, *, force: bool = False) -> str:
    """Puts a bundle that was verified among the installed ones, whole or not at all; returns its name there.

    Raises ModelsError where another one has this name, unless ``force``, or where nothing can be written.
    """
    name = bundle.name if bundle.manifest_file else bundle.path.name
    if not _is_name(name) or name == SHIPPED:
        raise ModelsError(f"{bundle.path}: cannot be installed as {name!r}; give it another name: letters, digits, ._-")
    folder = expression_models_folder()
    place = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with staging(folder) as aside:
            if os.path.lexists(place):
                if _same(place, bundle):
                    return name
                if not force:
                    raise ModelsError(f"{place}: another model has this name; --force replaces it")
            new = aside / name
            if bundle.manifest_file is None:
                write_new(new, bundle.content)
            else:
                new.mkdir()
                write_new(new / MODEL_FILE, bundle.content)
                write_new(new / MANIFEST_FILE, bundle.manifest_file)
                sync(new)
            # A folder cannot take a full folder's place in one step. A kill between the two leaves the name empty,
            # and the model that ships takes over.
            if os.path.lexists(place):
                place.rename(aside / ".replaced")
            new.rename(place)
            sync(folder)
    except OSError as error:
        raise ModelsError(f"{error.filename or folder}: {error.strerror or error}; nothing installed") from error
    return name


def activate(name: str) -> None:
    """Makes an installed model, or ``shipped``, the one that runs from the next start on. Raises ModelsError."""
    folder = expression_models_folder()
    try:
        if name == SHIPPED:
            (folder / _ACTIVE).unlink(missing_ok=True)
            return
        with staging(folder) as aside:
            write_new(aside / _ACTIVE, f"{name}\n".encode()).replace(folder / _ACTIVE)
            sync(folder)
    except OSError as error:
        raise ModelsError(f"{error.filename or folder}: {error.strerror or error}; nothing changed") from error


def _is_name(name: str) -> bool:
    return re.fullmatch(NAME_PATTERN, name) is not None


def _same(place: Path, bundle: Bundle) -> bool:
    if bundle.manifest_file is None:
        return place.is_file() and place.read_bytes() == bundle.content
    wanted = {MODEL_FILE: bundle.content, MANIFEST_FILE: bundle.manifest_file}
    return all((place / file).is_file() and (place / file).read_bytes() == content for file, content in wanted.items())
