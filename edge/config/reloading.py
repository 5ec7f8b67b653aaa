"""Taking over a changed configuration while running."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edge.config.keys import KeyPath, keys, value_at
from edge.config.loading import Overrides, load
from edge.config.model import Config

#: What can be taken over between two frames: by a new People, a new Alarm. Whole tables, because a rule about two keys
#: of a table would not hold between an old and a new one. All else is bound to what is open: a camera, a connection and
#: its topics, a file.
_TABLES = ("state", "alarm")
#: What the face reader looks up with each frame; the rest of its table is in the models that it has loaded.
_VISION = (
    "max_faces",
    "read_faces",
    "min_presence",
    "detect_every_s",
    "detect_tiles",
    "mesh_every_s",
    "expression_every_s",
)


@dataclass(frozen=True, slots=True)
class Reload:
    """What changed in a configuration.

    new: what holds from now on: the old one with those changes that can be taken over. changed: the dotted paths of
    all keys that differ. needs_restart: those of them that keep their old value until the next start.
    """

    new: Config
    changed: tuple[str, ...]
    needs_restart: tuple[str, ...]


def reload(
    old: Config,
    path: Path | None,
    overrides: Overrides | None = None,
    *,
    environment: Mapping[str, str] | None = None,
) -> Reload:
    """Reads the configuration anew, as ``load`` does; raises ConfigError where it is wrong, and the old one stays."""
    read = load(path, overrides, environment=environment)
    changed = [key for key in keys() if value_at(read, key) != value_at(old, key)]
    new: dict[str, object] = {table: getattr(read, table) for table in _TABLES}
    new["vision"] = old.vision.model_copy(update={name: getattr(read.vision, name) for name in _VISION})
    return Reload(
        new=old.model_copy(update=new),
        changed=tuple(map(".".join, changed)),
        needs_restart=tuple(".".join(key) for key in changed if not reloadable(key)),
    )


def reloadable(key: KeyPath) -> bool:
    """Whether a key's new value is taken over while running."""
    return key[0] in _TABLES or (key[0] == "vision" and key[1] in _VISION)
