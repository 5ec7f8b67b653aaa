"""When a driver counts as drowsy or as not responding."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class DrowsinessSettings(BaseModel):
    """When a driver counts as drowsy or as not responding."""

    model_config = ConfigDict(extra="forbid", frozen=True)
