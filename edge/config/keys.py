"""What there is to set: every key of the configuration with all that its field says of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from edge.config.model import Config

KeyPath = tuple[str, ...]
Kind = Literal["boolean", "integer", "number", "string", "array", "object"]

_WORDS: dict[str, str] = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "array": "a list",
    "object": "a table",
}
#: Names end in the unit that their value is in.
_SUFFIXES = {"_s": "s", "_ms": "ms", "_deg": "deg", "_kmh": "km/h", "_fps": "1/s", "_days": "d"}


@dataclass(frozen=True, slots=True)
class Key:
    """One key.

    kinds: of JSON's values, which it takes. takes: the same in words, with bounds and choices. is_text: whether what
    comes of it is a text, even where a number is taken. items: the kinds of a list's items, where it takes a list of
    one sort. default: None where nothing is set. default_words: of a
    default that is found out on the machine; else empty.
    """

    path: KeyPath
    title: str
    description: str
    unit: str
    source: str
    kinds: frozenset[Kind]
    takes: str
    choices: tuple[str | int, ...]
    is_text: bool
    items: frozenset[Kind]
    default: Any
    default_words: str
    secret: bool

    @property
    def name(self) -> str:
        """Its dotted path."""
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Table:
    """One table, with the names of the keys and tables within it; the root's path is empty."""

    path: KeyPath
    title: str
    description: str
    names: tuple[str, ...]


@cache
def keys() -> Mapping[KeyPath, Key]:
    """Every key by its path, in the order of the models' fields."""
    return {entry.path: entry for entry in _entries() if isinstance(entry, Key)}


@cache
def tables() -> Mapping[KeyPath, Table]:
    """Every table by its path, the root first; each before those within it."""
    return {entry.path: entry for entry in _entries() if isinstance(entry, Table)}


def value_at(config: Config, path: KeyPath) -> Any:  # noqa: ANN401 - any setting
    """The value of a key."""
    value: Any = config
    for name in path:
        value = getattr(value, name)
    return value


def _entries() -> Iterator[Key | Table]:
    schema = Config.model_json_schema()
    root = Table((), "", Config.__doc__ or "", tuple(Config.model_fields))
    return _walk(Config, root, schema["properties"], schema["$defs"])


def _walk(
    model: type[BaseModel], table: Table, properties: Mapping[str, Any], models: Mapping[str, Any]
) -> Iterator[Key | Table]:
    yield table
    for name, field in model.model_fields.items():
        path = (*table.path, name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            inner = field.annotation
            made = Table(path, field.title or "", field.description or "", tuple(inner.model_fields))
            yield from _walk(inner, made, models[inner.__name__]["properties"], models)
        else:
            numbers_too = bool(model.model_config.get("coerce_numbers_to_str"))
            yield _key(path, field, properties[name], numbers_too=numbers_too)


def _key(path: KeyPath, field: FieldInfo, schema: Mapping[str, Any], *, numbers_too: bool) -> Key:
    kinds = set(_kinds(schema))
    is_text = kinds == {"string"}
    if "number" in kinds or (numbers_too and is_text):
        kinds.add("integer")
    guessed = next((unit for suffix, unit in _SUFFIXES.items() if path[-1].endswith(suffix)), "")
    return Key(
        path=path,
        title=field.title or "",
        description=field.description or "",
        unit=schema.get("unit", guessed),
        source=schema.get("source", ""),
        kinds=frozenset(kinds),
        takes=_words(schema),
        choices=tuple(schema.get("enum", ())),
        is_text=is_text,
        items=frozenset(_items(schema)),
        default=field.get_default(call_default_factory=True),
        default_words=schema.get("default_words", ""),
        secret=SecretStr.__name__ in str(field.annotation),
    )


def _parts(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The alternatives that a value may be, null aside: what is not set is left out of the file."""
    return [part for part in schema.get("anyOf", [schema]) if part.get("type") != "null"]


def _kinds(schema: Mapping[str, Any]) -> Iterator[Kind]:
    for part in _parts(schema):
        if "type" in part:
            yield part["type"]
        for choice in part.get("enum", ()):
            yield "string" if isinstance(choice, str) else "integer"


def _items(schema: Mapping[str, Any]) -> Iterator[Kind]:
    for part in _parts(schema):
        for item in (part["items"],) if "items" in part else part.get("prefixItems", ()):
            yield from _kinds(item)
            if item.get("type") == "number":
                yield "integer"


def _words(schema: Mapping[str, Any]) -> str:
    return ", or ".join(map(_word, _parts(schema)))


def _word(part: Mapping[str, Any]) -> str:
    if "enum" in part:
        return f"one of {', '.join(map(str, part['enum']))}"
    kind = part.get("type", "object")  # a model's own schema is named, not given
    if kind == "string":
        return _text(part)
    if kind in ("integer", "number"):
        return f"{_WORDS[kind]} {_limits(part)}".rstrip()
    if kind == "array" and "items" in part:
        least = ", not empty" if part.get("minItems") else ""
        return f"a list of {_word(part['items']).removeprefix('a ')}s{least}"
    if kind == "array" and "prefixItems" in part:
        return f"a list of {len(part['prefixItems'])} {_word(part['prefixItems'][0]).removeprefix('a ')}s"
    return _WORDS[kind]


def _text(part: Mapping[str, Any]) -> str:
    words = "a path" if part.get("format") == "path" else "a text"
    if "pattern" in part:
        words += f" like {part['pattern']}"
    if part.get("minLength") == 1:
        words += ", not empty"
    elif "minLength" in part:
        words += f" of at least {part['minLength']} characters"
    if "maxLength" in part:
        words += f", at most {part['maxLength']} characters"
    return words


def _limits(part: Mapping[str, Any]) -> str:
    least, above = part.get("minimum"), part.get("exclusiveMinimum")
    most, below = part.get("maximum"), part.get("exclusiveMaximum")
    if least is not None and most is not None:
        return f"from {least:.10g} to {most:.10g}"
    given = (("at least", least), ("above", above), ("at most", most), ("below", below))
    return ", ".join(f"{word} {limit:.10g}" for word, limit in given if limit is not None)
