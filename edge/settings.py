"""One way to declare a setting, so that the configuration's reference page can say all there is to say about it."""

from __future__ import annotations

from typing import Any

from pydantic import Field


def rule(
    default: float | bool | str | None,
    title: str,
    description: str,
    *,
    unit: str = "",
    source: str = "",
    **bounds: Any,  # noqa: ANN401 - what pydantic's Field takes
) -> Any:  # noqa: ANN401 - what pydantic's Field returns
    """A pydantic field with its unit (``s``, ``deg``, ``share`` …) and the source of its default.

    bounds: pydantic's ``gt``, ``ge``, ``lt``, ``le``.
    """
    extra: dict[str, Any] = {key: value for key, value in (("unit", unit), ("source", source)) if value}
    return Field(default=default, title=title, description=description, json_schema_extra=extra, **bounds)
