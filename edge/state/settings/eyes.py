"""When a driver's eyes count as closed, for how long that may last, and when the driver is somebody else."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from edge.settings import rule

_WIERWILLE = "P80, lids that cover more than 80 % of the opening: Wierwille et al. 1994, DOT HS 808 247"
_EURO_NCAP = "Euro NCAP, Driver State Monitoring 2026"


class EyeSettings(BaseModel):
    """When a driver's eyes count as closed, for how long that may last, and when the driver is somebody else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    closed_below: float = rule(
        0.20,
        "Closed below",
        "Openness, as a share of the driver's own open eye, below which both eyes count as closed.",
        unit="share",
        source=_WIERWILLE,
        gt=0,
        lt=1,
    )
    open_above: float = rule(
        0.35,
        "Open above",
        "Openness, as a share of the driver's own open eye, above which closed eyes count as open again.",
        unit="share",
        source="measured: a resting closed eye twitches up to 0.27; lids on their way up pass 0.35 within 0.1 s",
        gt=0,
        lt=1,
    )
    open_hold_s: float = rule(
        0.15,
        "Open hold",
        "Seconds for which eyes must stay open to end a closure; it then ends when they first opened.",
        unit="s",
        source="own: shorter than any fixation, so nothing was looked at meanwhile; longer than a frame at 10 fps",
        ge=0,
        le=1,
    )
    half_open_s: float = rule(
        1.0,
        "Half open",
        "Seconds between closed_below and open_above after which eyes that had closed for less than a microsleep are "
        "open: they squint.",
        unit="s",
        source="own: lids on their way up, and a closed eye's twitches on real clips, are out of it within 0.4 s",
        ge=0.1,
        le=10,
    )
    bridge_s: float = rule(
        0.4,
        "Bridge",
        "Longest stretch of unknown eyes, in seconds, that counts as closed where they are closed before and after.",
        unit="s",
        source="own: three frames lost at 10 fps; shorter than lids take to open, see and fall shut again",
        ge=0,
        le=2,
    )
    blink_min_s: float = rule(
        0.05,
        "Shortest blink",
        "Seconds below which a closure is not counted as a blink.",
        unit="s",
        source="own: a whole blink takes 0.1 s and more, but its lids are below 20 % for half of that",
        ge=0,
        le=0.5,
    )
    blink_max_s: float = rule(
        0.5,
        "Longest blink",
        "Seconds beyond which a blink is a long blink, and counts as closed eyes in PERCLOS.",
        unit="s",
        source="own: the usual limit between blinks (0.1 to 0.5 s) and slow closures",
        gt=0,
        le=2,
    )
    blink_min_fps: float = rule(
        15.0,
        "Frame rate for blinks",
        "Frames a second below which blinks are unknown.",
        unit="1/s",
        source="own: below it a blink falls between two frames too often to be counted",
        ge=0,
        le=1000,
    )
    microsleep_s: float = rule(
        1.5,
        "Microsleep",
        "Seconds of closed eyes from which on they are a microsleep (a warning).",
        unit="s",
        source=f"{_EURO_NCAP}: 1 to 2 s",
        ge=0.5,
        le=10,
    )
    sleep_s: float = rule(
        3.0,
        "Sleep",
        "Seconds of closed eyes from which on they are sleep (critical).",
        unit="s",
        source=_EURO_NCAP,
        ge=1,
        le=30,
    )
    lost_limit_s: float = rule(
        10.0,
        "Lost limit",
        "Seconds for which a microsleep, a sleep or an unresponsive driver goes on after the eyes went out of sight.",
        unit="s",
        source=f"{_EURO_NCAP}: as long as sensing may be degraded before it must be told",
        ge=0,
        le=120,
    )
    confidence_min: float = rule(
        0.3,
        "Least confidence",
        "Confidence of an eye's reading below which that eye is unknown.",
        unit="share",
        source="own",
        ge=0,
        le=1,
    )
    second_open_below: float = rule(
        0.2,
        "Second opinion, open",
        "Blink score of a second model below which it is sure of an open eye; an eye read as closed is then unknown.",
        unit="share",
        source="own: the score of a resting open eye",
        ge=0,
        le=1,
    )
    second_closed_above: float = rule(
        0.6,
        "Second opinion, closed",
        "Blink score of a second model above which it is sure of a closed eye; an eye read as open is then unknown, "
        "one between open and closed is closed.",
        unit="share",
        source="own: above what lowered lids give",
        ge=0,
        le=1,
    )
    baseline_s: float = rule(
        30.0,
        "Baseline",
        "Seconds of good open-eye time after which the driver's own open eye is taken as known for good.",
        unit="s",
        source="own: a dozen blinks and glances",
        ge=1,
        le=600,
    )
    driver_gone_s: float = rule(
        10.0,
        "Driver gone",
        "Seconds without the driver after which the next face is a new driver, learnt anew.",
        unit="s",
        source="own: shorter than changing seats takes",
        ge=1,
        le=600,
    )
    face_learn_s: float = rule(
        5.0,
        "Face, learning",
        "Seconds of frontal face from which the driver's proportions are learnt.",
        unit="s",
        source="own",
        ge=0.5,
        le=60,
    )
    face_window_s: float = rule(
        2.0,
        "Face, window",
        "Seconds of frontal face that are compared with the learnt proportions.",
        unit="s",
        source="own: its median turns within 1 s of a swap, before wrongly judged eyes could make a microsleep",
        ge=0.5,
        le=30,
    )
    face_change: float = rule(
        0.06,
        "Face, change",
        "Relative difference from the learnt proportions beyond which the driver is somebody else.",
        unit="share",
        source="measured over medians of 2 s: one person 0.02 (95 % below 0.04), two people 0.044; so that only a very "
        "different face is noticed, and no turned head is taken for one",
        gt=0,
        le=1,
    )
    face_frontal_deg: float = rule(
        12.0,
        "Face, frontal",
        "Degrees from the driver's usual direction up to which a face's proportions are compared.",
        unit="deg",
        source="measured: a nodding man's differ by up to 0.058 within 20 degrees, by 0.034 within 12",
        gt=0,
        le=90,
    )
    looks_down_deg: float = rule(
        20.0,
        "Looks down",
        "Degrees below the driver's own usual pitch from which on lowered lids say nothing.",
        unit="deg",
        source="own: beyond Euro NCAP's glance at the instruments; a nod is 12 to 20 degrees",
        gt=0,
        le=90,
    )
    looks_aside_deg: float = rule(
        30.0,
        "Looks aside",
        "Degrees to either side of the driver's own usual yaw from which on lowered lids say nothing.",
        unit="deg",
        source="measured: the far eye is out of sight from 35 degrees on, and the near one alone is read too low",
        gt=0,
        le=90,
    )

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.closed_below >= self.open_above:
            raise ValueError(f"closed_below ({self.closed_below}) must lie below open_above ({self.open_above})")
        if self.second_open_below >= self.second_closed_above:
            raise ValueError(
                f"second_open_below ({self.second_open_below}) must lie below second_closed_above "
                f"({self.second_closed_above})"
            )
        if self.blink_min_s >= self.blink_max_s:
            raise ValueError(f"blink_min_s ({self.blink_min_s}) must lie below blink_max_s ({self.blink_max_s})")
        if not self.blink_max_s < self.microsleep_s < self.sleep_s:
            raise ValueError(
                f"blink_max_s ({self.blink_max_s}), microsleep_s ({self.microsleep_s}) and sleep_s ({self.sleep_s}) "
                "must rise in this order"
            )
        return self
