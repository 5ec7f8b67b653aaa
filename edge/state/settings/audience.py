"""Who counts as a visitor, and when a visitor looks at the screen."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from edge.settings import rule

#: What can be told of a single visit.
VisitEvent = Literal["arrived", "left", "attention", "smile"]


class VisitorSettings(BaseModel):
    """Who counts as a visitor, and when a visitor looks at the screen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    arrive_s: float = rule(
        1.0,
        "Arrive",
        "Seen for less than this, nobody has come: a passer-by's flicker is no visit. A visit counts from when its "
        "face was first seen.",
        unit="s",
        source="own",
        ge=0,
        le=30,
    )
    gone_s: float = rule(
        3.0,
        "Gone",
        "Out of sight for longer than this, a visitor has left, as of when the face was last seen. Shorter, somebody "
        "stood in the way.",
        unit="s",
        source="own: longer than one person takes to walk past another",
        ge=0.2,
        le=60,
    )
    centre_yaw_deg: float = rule(
        0.0,
        "Screen's yaw",
        "Where the head points, as seen from the camera, when it points at the screen's middle: 0 with the camera at "
        "the screen; positive toward the picture's right.",
        unit="deg",
        ge=-90,
        le=90,
    )
    centre_pitch_deg: float = rule(
        0.0,
        "Screen's pitch",
        "Likewise up (positive) and down: with the camera above a screen it is negative.",
        unit="deg",
        ge=-90,
        le=90,
    )
    yaw_deg: float = rule(
        30.0,
        "Half angle across",
        "How far the head may point beside the screen's middle and still count as looking at it.",
        unit="deg",
        source="own: heads make about two thirds of a change of gaze (Stiefelhagen & Zhu 2002), the eyes the rest",
        ge=1,
        le=90,
    )
    pitch_deg: float = rule(
        25.0, "Half angle up and down", "Likewise up and down.", unit="deg", source="own", ge=1, le=90
    )
    margin_deg: float = rule(
        5.0,
        "Margin",
        "Who looks at the screen goes on doing so until the head points this much further away.",
        unit="deg",
        source="own: twice the pose's jitter from frame to frame",
        ge=0,
        le=45,
    )
    attend_s: float = rule(
        0.5,
        "Attend",
        "A look at the screen counts once it has lasted this long; then from its start.",
        unit="s",
        source="own: longer than a glance in passing",
        ge=0,
        le=30,
    )
    glance_s: float = rule(
        0.5,
        "Glance",
        "A look away, or a head whose pose is not known, for no longer than this does not end attention; a longer one "
        "ends it when it began.",
        unit="s",
        source="own",
        ge=0,
        le=30,
    )
    events: tuple[VisitEvent, ...] = Field(
        default=(),
        title="Events",
        description="What is told of single visits, as events: any of arrived, left, attention, smile. None by "
        "default: totals say enough.",
    )
