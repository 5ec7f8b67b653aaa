"""When the device must say that it cannot know."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from edge.settings import rule

_EURO_NCAP = "Euro NCAP, Driver State Monitoring 2026"


class SensingSettings(BaseModel):
    """When the device must say that it cannot know."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after_s: float = rule(
        10.0,
        "After",
        "Seconds of unreadable eyes after which sensing is degraded (a notice).",
        unit="s",
        source=_EURO_NCAP,
        ge=1,
        le=120,
    )
    window_s: float = rule(
        2.5,
        "Window",
        "Seconds over which the share of time with readable eyes is taken.",
        unit="s",
        source="own: several frames at any rate, a few lucky ones among which do not count",
        ge=0.2,
        le=30,
    )
    unreadable_below: float = rule(
        0.25,
        "Unreadable below",
        "Share of the window with readable eyes below which they are unreadable.",
        unit="share",
        source="own: in low sun half of the frames are lost, and the eyes are still followed",
        ge=0,
        lt=1,
    )
    readable_from: float = rule(
        0.4,
        "Readable from",
        "Share of recover_s with readable eyes from which on unreadable ones, not yet told of, are readable again.",
        unit="share",
        source="own: hysteresis; a lamp that lights the face for a second now and then is not enough",
        gt=0,
        le=1,
    )
    recover_s: float = rule(
        3.0,
        "Recover",
        "Seconds over which eyes must be well readable to end a degraded sensing.",
        unit="s",
        source="own: long enough for an eye baseline to be of use",
        ge=0.5,
        le=60,
    )
    recover_share: float = rule(
        0.8,
        "Recover, share",
        "Share of recover_s with readable eyes that is well readable.",
        unit="share",
        source="own: blinks and single lost frames do not count",
        gt=0,
        le=1,
    )
    refractory_s: float = rule(
        30.0,
        "Refractory time",
        "Seconds after the end of a degraded sensing before the next may start; twice as many each further time.",
        unit="s",
        source="own: a notice is to inform, not to nag",
        ge=0,
        le=3600,
    )
    refractory_max_s: float = rule(
        900.0,
        "Refractory time, longest",
        "Seconds up to which the refractory time doubles; after as long without a notice it is short again.",
        unit="s",
        source="own: a camera that loses its driver all day tells so about 8 times in the first hour, then 4 times",
        ge=0,
        le=36000,
    )
    reason_s: float = rule(
        2.0,
        "Reason",
        "Time constant in seconds over which the most frequent reason is the one told.",
        unit="s",
        source="own: a reason that changes sooner is of no use to anybody",
        gt=0,
        le=60,
    )
    dark_below: float = rule(
        26.0,
        "Dark below",
        "Mean grey level, 0 to 255, below which a face or a frame is dark.",
        unit="grey level",
        source="measured: below it a closed eye is read as more than a fifth open",
        ge=0,
        le=255,
    )
    blurred_below: float = rule(
        20.0,
        "Blurred below",
        "Variance of the Laplacian of the face below which it is blurred.",
        unit="grey level squared",
        source="own",
        ge=0,
        le=10000,
    )
    blocked_below: float = rule(
        8.0,
        "Blocked below",
        "Standard deviation of the whole frame's grey levels below which the lens is covered.",
        unit="grey level",
        source="own: a hand or a cap before the lens leaves a shade, no picture",
        ge=0,
        le=128,
    )
    turned_deg: float = rule(
        35.0,
        "Turned",
        "Degrees of yaw to the camera from which on unreadable eyes are turned away.",
        unit="deg",
        source="measured: beyond it the bridge of the nose hides the far eye",
        gt=0,
        le=90,
    )

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.unreadable_below >= self.readable_from:
            raise ValueError(
                f"unreadable_below ({self.unreadable_below}) must lie below readable_from ({self.readable_from})"
            )
        return self
