"""When the device must say that it cannot know."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class SensingSettings(BaseModel):
    """When the device must say that it cannot know."""

    model_config = ConfigDict(extra="forbid", frozen=True)
