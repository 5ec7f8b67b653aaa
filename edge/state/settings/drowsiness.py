"""When a driver counts as drowsy or as not responding, what a yawn is, and what the fatigue score is made of."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edge.settings import rule

_WIERWILLE = "PERCLOS (P80): Wierwille et al. 1994, DOT HS 808 247"
_FIELD_TRIAL = "field trial of a PERCLOS monitor in trucks (Blanco et al. 2009): advised at 0.08, warned at 0.12"
_EURO_NCAP = "Euro NCAP, Driver State Monitoring 2026"


class FatigueSettings(BaseModel):
    """What each sign of fatigue may add to the score: ``100 × (1 − Π (1 − weight × strength))``.

    A sign's strength rises in a straight line to 1 at its ``full`` value; alone it raises the score to 100 × weight.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    perclos_weight: float = rule(
        0.7,
        "PERCLOS, weight",
        "What PERCLOS may add, as a share of the whole score.",
        unit="share",
        source="own: the best single sign of drowsiness in Dinges et al. 1998, so the largest weight",
        ge=0,
        le=1,
    )
    perclos_full: float = rule(
        0.15,
        "PERCLOS, full",
        "PERCLOS, over 60 s or 180 s, at which it adds all it may.",
        unit="share",
        source=_WIERWILLE,
        gt=0,
        le=1,
    )
    microsleep_weight: float = rule(
        0.6,
        "Microsleeps, weight",
        "What microsleeps may add, as a share of the whole score.",
        unit="share",
        source="own: who sleeps at the wheel is tired whatever the other signs say",
        ge=0,
        le=1,
    )
    microsleeps_full: float = rule(
        2.0,
        "Microsleeps, full",
        "Microsleeps within 5 minutes at which they add all they may.",
        source="own: a second one is no accident",
        gt=0,
        le=100,
    )
    long_blink_weight: float = rule(
        0.3,
        "Long blinks, weight",
        "What long blinks may add, as a share of the whole score.",
        unit="share",
        source="own",
        ge=0,
        le=1,
    )
    long_blinks_full: float = rule(
        6.0,
        "Long blinks, full",
        "Long blinks within a minute at which they add all they may.",
        source="own: one every ten seconds",
        gt=0,
        le=100,
    )
    blink_mean_weight: float = rule(
        0.2,
        "Blink duration, weight",
        "What the mean duration of blinks may add, as a share of the whole score.",
        unit="share",
        source="own",
        ge=0,
        le=1,
    )
    blink_mean_none_s: float = rule(
        0.2,
        "Blink duration, none",
        "Seconds up to which a mean blink says nothing.",
        unit="s",
        source="own: alert blinks take 0.1 to 0.4 s as a whole and half of that below 20 % openness",
        ge=0,
        le=1,
    )
    blink_mean_full_s: float = rule(
        0.5,
        "Blink duration, full",
        "Seconds of a mean blink at which it adds all it may.",
        unit="s",
        source="own: where a blink is a long one",
        gt=0,
        le=2,
    )
    yawn_weight: float = rule(
        0.15,
        "Yawns, weight",
        "What yawns may add, as a share of the whole score.",
        unit="share",
        source="own: yawns corroborate only",
        ge=0,
        le=1,
    )
    yawns_full: float = rule(
        3.0,
        "Yawns, full",
        "Yawns within 5 minutes at which they add all they may.",
        source="own",
        gt=0,
        le=100,
    )
    nod_weight: float = rule(
        0.15,
        "Nods, weight",
        "What nods may add, as a share of the whole score.",
        unit="share",
        source="own: nods corroborate only",
        ge=0,
        le=1,
    )
    nods_full: float = rule(
        3.0,
        "Nods, full",
        "Nods within 5 minutes at which they add all they may.",
        source="own",
        gt=0,
        le=100,
    )

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.blink_mean_none_s >= self.blink_mean_full_s:
            raise ValueError(
                f"blink_mean_none_s ({self.blink_mean_none_s}) must lie below blink_mean_full_s "
                f"({self.blink_mean_full_s})"
            )
        return self


class DrowsinessSettings(BaseModel):
    """When a driver counts as drowsy or as not responding, and what a yawn is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    known_min: float = rule(
        0.6,
        "Known time",
        "Share of a PERCLOS window in which the eyes must have been readable; below it PERCLOS is unknown.",
        unit="share",
        source="own: with less, what was not seen outweighs what was",
        gt=0,
        le=1,
    )
    notice_60s: float = rule(
        0.08,
        "Notice",
        "Share of the last 60 s with eyes closed (PERCLOS) from which on the driver is advised (a notice).",
        unit="share",
        source=_FIELD_TRIAL,
        gt=0,
        lt=1,
    )
    warning_60s: float = rule(
        0.15,
        "Warning, 60 s",
        "Share of the last 60 s with eyes closed (PERCLOS) from which on the driver may be warned.",
        unit="share",
        source=_WIERWILLE,
        gt=0,
        lt=1,
    )
    warning_180s: float = rule(
        0.12,
        "Warning, 180 s",
        "Share of the last 180 s with eyes closed (PERCLOS) that a warning needs on top of that over 60 s.",
        unit="share",
        source=_FIELD_TRIAL,
        gt=0,
        lt=1,
    )
    leave_60s: float = rule(
        0.05,
        "Leave",
        "Share of the last 60 s with eyes closed (PERCLOS) below which drowsiness is over.",
        unit="share",
        source="own: one long closure of 2 s below the notice",
        ge=0,
        lt=1,
    )
    refractory_s: float = rule(
        60.0,
        "Refractory time",
        "Seconds after drowsiness ended within which it does not start again, unless it is worse than it was.",
        unit="s",
        source="own: the window itself, so that no closure is held against a driver twice",
        ge=0,
        le=3600,
    )
    unresponsive_s: float = rule(
        6.0,
        "Unresponsive",
        "Seconds with eyes closed or off the road after which the driver does not respond (critical).",
        unit="s",
        source=_EURO_NCAP,
        ge=2,
        le=60,
    )
    no_return_s: float = rule(
        3.0,
        "No return",
        "Seconds after a warning within which the driver must be back, eyes open and on the road.",
        unit="s",
        source=_EURO_NCAP,
        ge=0.5,
        le=60,
    )
    return_s: float = rule(
        0.3,
        "Return",
        "Seconds of open eyes on the road that count as being back.",
        unit="s",
        source="own: the shortest glance that takes anything in lasts 0.2 to 0.3 s",
        ge=0,
        le=5,
    )
    yawn_opening: float = rule(
        0.5,
        "Yawn",
        "Opening of the mouth, as a share of its width, beyond which it may be a yawn.",
        unit="share",
        source="own: the usual limit of the mouth's aspect ratio; speech stays below it but for moments",
        gt=0,
        le=2,
    )
    yawn_leave: float = rule(
        0.4,
        "Yawn, leave",
        "Opening of the mouth, as a share of its width, below which a yawn is over.",
        unit="share",
        source="own: a fifth below the limit",
        gt=0,
        le=2,
    )
    yawn_s: float = rule(
        1.5,
        "Yawn, duration",
        "Seconds of a wide open mouth from which on it is a yawn.",
        unit="s",
        source="own: yawns take 4 to 7 s as a whole; a loud word or a laugh's peak less than one",
        ge=0.5,
        le=10,
    )
    yawn_swing: float = rule(
        0.15,
        "Yawn, swing",
        "Change of the mouth's opening, as a share of its width, that counts as a turn between opening and closing.",
        unit="share",
        source="own: several times the noise of the reading",
        gt=0,
        le=1,
    )
    yawn_turns_max: int = rule(
        1,
        "Yawn, turns",
        "Turns that a wide open mouth may take and still be a yawn; talking, laughing and singing take more.",
        source="own: a yawn opens and closes once",
        ge=0,
        le=100,
    )
    fatigue: FatigueSettings = Field(
        default_factory=FatigueSettings, title="Fatigue", description="What the fatigue score is made of."
    )

    @model_validator(mode="after")
    def _order(self) -> Self:
        if not self.leave_60s < self.notice_60s < self.warning_60s:
            raise ValueError(
                f"leave_60s ({self.leave_60s}), notice_60s ({self.notice_60s}) and warning_60s ({self.warning_60s}) "
                "must rise in this order"
            )
        if self.yawn_leave >= self.yawn_opening:
            raise ValueError(f"yawn_leave ({self.yawn_leave}) must lie below yawn_opening ({self.yawn_opening})")
        return self
