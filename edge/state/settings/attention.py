"""When a driver counts as distracted, and what a nod is."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from edge.settings import rule

_OPENPILOT = "openpilot, selfdrive/monitoring: 0.402 rad aside, 0.313 rad down"
_EURO_NCAP = "Euro NCAP, Driver State Monitoring 2023/2026"
_ADDW = "Regulation (EU) 2023/2590 (ADDW)"


class AttentionSettings(BaseModel):
    """When a driver counts as distracted, and what a nod is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    usual_first_s: float = rule(
        3.0,
        "Usual direction, first",
        "Seconds of a face, its eyes not closed, after which its usual direction is known for the time being.",
        unit="s",
        source="own: shorter than any alarm may take, longer than a glance into a mirror",
        ge=0.5,
        le=60,
    )
    usual_frozen_s: float = rule(
        60.0,
        "Usual direction, for good",
        "Seconds of a face, its eyes not closed, after which its usual direction is no longer learnt.",
        unit="s",
        source="openpilot, selfdrive/monitoring: 60 s of pose before it is calibrated",
        ge=1,
        le=3600,
    )
    usual_share: float = rule(
        0.7,
        "Usual direction, share",
        "Share of the learnt time that must lie around the usual direction; below it nobody knows where the road is.",
        unit="share",
        source="own: a driver may look elsewhere for up to 30 % of the time while being learnt",
        gt=0.5,
        le=1,
    )
    usual_max_deg: float = rule(
        35.0,
        "Usual direction, furthest",
        "Degrees of yaw to the camera beyond which a direction is never learnt as the usual one.",
        unit="deg",
        source="measured: beyond it the bridge of the nose hides the far eye; no camera for a driver is set up so",
        gt=0,
        le=90,
    )
    moved_s: float = rule(
        60.0,
        "Moved",
        "Seconds of open eyes off the road, nearly without a break at a known speed from slow_kmh on, after which the "
        "camera or the seat was moved and the usual direction is learnt anew.",
        unit="s",
        source="own: nobody looks aside for a minute at speed; ten times what makes a driver unresponsive",
        ge=10,
        le=3600,
    )
    aside_deg: float = rule(
        23.0,
        "Aside",
        "Degrees to either side of the usual direction beyond which the head points off the road.",
        unit="deg",
        source=_OPENPILOT,
        gt=0,
        le=90,
    )
    down_deg: float = rule(
        18.0,
        "Down",
        "Degrees below the usual direction beyond which the head points off the road.",
        unit="deg",
        source=_OPENPILOT,
        gt=0,
        le=90,
    )
    up_deg: float = rule(
        25.0,
        "Up",
        "Degrees above the usual direction beyond which the head points off the road.",
        unit="deg",
        source="own: above any mirror or sun visor",
        gt=0,
        le=90,
    )
    gaze_aside_deg: float = rule(
        28.0,
        "Gaze aside",
        "Degrees to either side of the usual gaze beyond which the eyes alone look off the road.",
        unit="deg",
        source="own: the head's limit and the error of a gaze read from the iris",
        gt=0,
        le=90,
    )
    gaze_down_deg: float = rule(
        24.0,
        "Gaze down",
        "Degrees below the usual gaze beyond which the eyes alone look off the road.",
        unit="deg",
        source="own: the head's limit and the error of a gaze read from the iris",
        gt=0,
        le=90,
    )
    return_deg: float = rule(
        4.0,
        "Return",
        "Degrees by which a direction must come back within its limit to count as on the road again.",
        unit="deg",
        source="measured: the pose of a head held still has a standard deviation of 1.5 degrees",
        ge=0,
        le=15,
    )
    glance_end_s: float = rule(
        0.3,
        "End of a glance",
        "Seconds on the road that end a glance away; it then ends when they began.",
        unit="s",
        source="own: a fixation; shorter is a saccade across the road or noise",
        ge=0,
        le=2,
    )
    long_s: float = rule(
        3.0,
        "Long glance",
        "Seconds off the road that are a distraction (a warning) where no speed is given.",
        unit="s",
        source=f"{_EURO_NCAP}: long distraction",
        ge=1,
        le=30,
    )
    long_slow_s: float = rule(
        6.0,
        "Long glance, slow",
        "Seconds off the road that are a distraction at speeds from slow_kmh to fast_kmh.",
        unit="s",
        source=_ADDW,
        ge=1,
        le=30,
    )
    long_fast_s: float = rule(
        3.5,
        "Long glance, fast",
        "Seconds off the road that are a distraction at speeds above fast_kmh.",
        unit="s",
        source=_ADDW,
        ge=1,
        le=30,
    )
    slow_kmh: float = rule(
        20.0,
        "Slow",
        "Kilometres an hour below which, where a speed is given, nothing is a distraction.",
        unit="km/h",
        source=_ADDW,
        ge=0,
        le=200,
    )
    fast_kmh: float = rule(
        50.0,
        "Fast",
        "Kilometres an hour above which a distraction comes sooner.",
        unit="km/h",
        source=_ADDW,
        ge=0,
        le=200,
    )
    shared_s: float = rule(
        10.0,
        "Shared attention",
        "Seconds off the road, in glances, that are a cumulative distraction (a warning).",
        unit="s",
        source=f"{_EURO_NCAP}: visual attention time sharing",
        ge=1,
        le=60,
    )
    shared_window_s: float = rule(
        30.0,
        "Shared attention, window",
        "Seconds within which glances add up.",
        unit="s",
        source=f"{_EURO_NCAP}: visual attention time sharing",
        ge=2,
        le=300,
    )
    shared_reset_s: float = rule(
        2.0,
        "Shared attention, reset",
        "Seconds on the road without a break after which glances no longer add up.",
        unit="s",
        source=f"{_EURO_NCAP}: visual attention time sharing",
        gt=0,
        le=30,
    )
    unknown_limit_s: float = rule(
        2.0,
        "Unknown limit",
        "Seconds of unknown direction after which a glance that is no alarm yet is given up.",
        unit="s",
        source="own: as long on the road would have ended it",
        ge=0,
        le=30,
    )
    lost_limit_s: float = rule(
        10.0,
        "Lost limit",
        "Seconds of unknown direction after which a distraction that runs is given up.",
        unit="s",
        source=f"{_EURO_NCAP}: as long as sensing may be degraded before it must be told",
        ge=0,
        le=120,
    )
    refractory_s: float = rule(
        5.0,
        "Refractory time",
        "Seconds after a distraction's end before the next of its kind may start.",
        unit="s",
        source="own: longer than it takes to react to the first",
        ge=0,
        le=600,
    )
    nod_min_deg: float = rule(
        12.0,
        "Nod, least",
        "Degrees of pitch by which the head must drop and come back to have nodded.",
        unit="deg",
        source="design: a nod is 12 to 20 degrees",
        gt=0,
        le=60,
    )
    nod_max_deg: float = rule(
        20.0,
        "Nod, most",
        "Degrees of pitch beyond which a drop is no nod but a look into the lap.",
        unit="deg",
        source="design: a nod is 12 to 20 degrees",
        gt=0,
        le=90,
    )
    nod_min_s: float = rule(
        0.25,
        "Nod, shortest",
        "Seconds from the drop's begin to the head's return below which it is a reading error.",
        unit="s",
        source="own: a head takes a tenth of a second each way",
        ge=0,
        le=2,
    )
    nod_max_s: float = rule(
        1.5,
        "Nod, longest",
        "Seconds from the drop's begin to the head's return beyond which it is no nod.",
        unit="s",
        source="own: a head that sinks for a second and jerks back",
        gt=0,
        le=10,
    )
    nod_low_s: float = rule(
        0.5,
        "Nod, at the bottom",
        "Seconds at the bottom of the drop beyond which it is a look at the instruments.",
        unit="s",
        source="own: a look at the instruments rests there for about a second, a nod turns at once",
        gt=0,
        le=10,
    )

    @model_validator(mode="after")
    def _order(self) -> Self:
        least = min(self.aside_deg, self.down_deg, self.up_deg, self.gaze_aside_deg, self.gaze_down_deg)
        if self.return_deg >= least:
            raise ValueError(f"return_deg ({self.return_deg}) must lie below every limit (the least is {least})")
        if self.slow_kmh > self.fast_kmh:
            raise ValueError(f"slow_kmh ({self.slow_kmh}) must not lie above fast_kmh ({self.fast_kmh})")
        if self.shared_s > self.shared_window_s:
            raise ValueError(f"shared_s ({self.shared_s}) must not exceed shared_window_s ({self.shared_window_s})")
        if self.nod_min_deg >= self.nod_max_deg:
            raise ValueError(f"nod_min_deg ({self.nod_min_deg}) must lie below nod_max_deg ({self.nod_max_deg})")
        return self
