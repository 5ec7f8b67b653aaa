"""When an apparent expression counts as shown."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class ExpressionSettings(BaseModel):
    """When an apparent expression counts as shown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    smoothing_s: float = Field(
        default=0.4,
        title="Smoothing",
        description="Time constant of the exponential filter over the seven probabilities, in seconds.",
        gt=0,
        le=10,
    )
    # The probabilities are calibrated, so 0.5 reads "more likely than all the others together".
    enter: float = Field(
        default=0.5,
        title="Enter",
        description="Smoothed probability, 0..1, from which on an expression may become the label.",
        ge=0.2,
        le=1,
    )
    # Below a third, what is left is no better than three-way doubt.
    leave: float = Field(
        default=0.35,
        title="Leave",
        description="Smoothed probability, 0..1, below which the label is given up although no other takes its place.",
        ge=0,
        lt=1,
    )
    dwell_s: float = Field(
        default=0.4,
        title="Dwell",
        description="Seconds for which a new label must hold before it counts; no label changes more often than this.",
        ge=0,
        le=10,
    )
    grace_s: float = Field(
        default=1.0,
        title="Grace",
        description="Seconds for which an expression is still believed after it was last known.",
        ge=0,
        le=30,
    )
    neutral_events: bool = Field(
        default=False,
        title="Neutral events",
        description="Make episodes of 'neutral' too; as a state it is always shown.",
    )

    @model_validator(mode="after")
    def _hysteresis(self) -> Self:
        if self.leave >= self.enter:
            raise ValueError(f"leave ({self.leave}) must lie below enter ({self.enter})")
        return self
