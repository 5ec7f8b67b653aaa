"""When a driver's eyes count as closed, and for how long that may last."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class EyeSettings(BaseModel):
    """When a driver's eyes count as closed, and for how long that may last."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # P80: the lids cover more than 80 % of the opening (Wierwille et al. 1994, DOT HS 808 247).
    closed_below: float = Field(
        default=0.20,
        title="Closed below",
        description="Openness, as a share of the driver's own open eye, below which both eyes count as closed.",
        gt=0,
        lt=1,
    )
    # A resting closed eye was measured to twitch up to 0.27; lids on their way up pass 0.35 within 0.1 s.
    open_above: float = Field(
        default=0.35,
        title="Open above",
        description="Openness, as a share of the driver's own open eye, above which closed eyes count as open again.",
        gt=0,
        lt=1,
    )
    # Shorter than any fixation, so nothing was looked at meanwhile; longer than a frame at 10 fps.
    open_hold_s: float = Field(
        default=0.15,
        title="Open hold",
        description="Seconds for which eyes must stay open to end a closure; it then ends when they first opened.",
        ge=0,
        le=1,
    )
    # Three frames lost at 10 fps; shorter than lids take to open, see and fall shut again.
    bridge_s: float = Field(
        default=0.4,
        title="Bridge",
        description="Longest stretch of unknown eyes, in seconds, that counts as closed where they are closed before "
        "and after.",
        ge=0,
        le=2,
    )
    # A whole blink takes 0.1 s and more, but its lids are below 20 % for half of that.
    blink_min_s: float = Field(
        default=0.05,
        title="Shortest blink",
        description="Seconds below which a closure is not counted as a blink.",
        ge=0,
        le=0.5,
    )
    blink_max_s: float = Field(
        default=0.5,
        title="Longest blink",
        description="Seconds beyond which a blink is a long blink.",
        gt=0,
        le=2,
    )
    # Below it a blink falls between two frames too often to be counted.
    blink_min_fps: float = Field(
        default=15.0,
        title="Frame rate for blinks",
        description="Frames a second below which blinks are unknown.",
        ge=0,
        le=1000,
    )
    # Euro NCAP, Driver State Monitoring 2026: 1 to 2 s.
    microsleep_s: float = Field(
        default=1.5,
        title="Microsleep",
        description="Seconds of closed eyes from which on they are a microsleep (a warning).",
        ge=0.5,
        le=10,
    )
    # Euro NCAP, Driver State Monitoring 2026.
    sleep_s: float = Field(
        default=3.0,
        title="Sleep",
        description="Seconds of closed eyes from which on they are sleep (critical).",
        ge=1,
        le=30,
    )
    # As long as sensing may be degraded before it must be told (Euro NCAP).
    lost_limit_s: float = Field(
        default=10.0,
        title="Lost limit",
        description="Seconds for which a microsleep or sleep goes on after the eyes went out of sight.",
        ge=0,
        le=120,
    )
    baseline_s: float = Field(
        default=30.0,
        title="Baseline",
        description="Seconds of good open-eye time after which the driver's own open eye is taken as known for good.",
        ge=1,
        le=600,
    )
    driver_gone_s: float = Field(
        default=10.0,
        title="Driver gone",
        description="Seconds without the driver after which the next face is a new driver, learnt anew.",
        ge=1,
        le=600,
    )
    # Beyond Euro NCAP's glance at the instruments; a nod is 12 to 20 degrees.
    looks_down_deg: float = Field(
        default=20.0,
        title="Looks down",
        description="Degrees below the driver's own usual pitch from which on lowered lids say nothing.",
        gt=0,
        le=90,
    )
    # The far eye is out of sight from 35 degrees on, and the near one alone is read too low in a turned face.
    looks_aside_deg: float = Field(
        default=30.0,
        title="Looks aside",
        description="Degrees to either side of the driver's own usual yaw from which on lowered lids say nothing.",
        gt=0,
        le=90,
    )

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.closed_below >= self.open_above:
            raise ValueError(f"closed_below ({self.closed_below}) must lie below open_above ({self.open_above})")
        if self.blink_min_s >= self.blink_max_s:
            raise ValueError(f"blink_min_s ({self.blink_min_s}) must lie below blink_max_s ({self.blink_max_s})")
        if not self.blink_max_s < self.microsleep_s < self.sleep_s:
            raise ValueError(
                f"blink_max_s ({self.blink_max_s}), microsleep_s ({self.microsleep_s}) and sleep_s ({self.sleep_s}) "
                "must rise in this order"
            )
        return self
