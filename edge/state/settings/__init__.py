"""What a user can say about the state rules; every default carries its source."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from edge.state.settings.attention import AttentionSettings
from edge.state.settings.audience import VisitorSettings
from edge.state.settings.drowsiness import DrowsinessSettings, FatigueSettings
from edge.state.settings.expression import ExpressionSettings
from edge.state.settings.eyes import EyeSettings
from edge.state.settings.sensing import SensingSettings

__all__ = [
    "AttentionSettings",
    "DrowsinessSettings",
    "ExpressionSettings",
    "EyeSettings",
    "FatigueSettings",
    "SensingSettings",
    "StateSettings",
    "VisitorSettings",
]


class StateSettings(BaseModel):
    """Which rules run, and their numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    driver: bool = Field(
        default=True, title="Driver", description="Watch the driver's eyes: blinks, microsleeps and sleep."
    )
    expressions: bool = Field(
        default=True, title="Expressions", description="Tell what each face apparently expresses, by face."
    )
    audience: bool = Field(
        default=True, title="Audience", description="Count who is before the screen, who looks at it and for how long."
    )
    eyes: EyeSettings = Field(default_factory=EyeSettings, title="Eyes", description="The driver's eyes.")
    drowsiness: DrowsinessSettings = Field(
        default_factory=DrowsinessSettings, title="Drowsiness", description="PERCLOS, unresponsiveness, yawns, fatigue."
    )
    attention: AttentionSettings = Field(
        default_factory=AttentionSettings, title="Attention", description="Where the driver's head points."
    )
    sensing: SensingSettings = Field(
        default_factory=SensingSettings, title="Sensing", description="When the device cannot know."
    )
    expression: ExpressionSettings = Field(
        default_factory=ExpressionSettings, title="Expression", description="The faces' expressions."
    )
    visitors: VisitorSettings = Field(
        default_factory=VisitorSettings,
        title="Visitors",
        description="Who counts as a visitor, and when a visitor looks at the screen.",
    )
