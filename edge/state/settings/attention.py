"""When a driver counts as distracted, and what a nod is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class AttentionSettings(BaseModel):
    """When a driver counts as distracted, and what a nod is."""

    model_config = ConfigDict(extra="forbid", frozen=True)
