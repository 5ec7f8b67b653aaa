"""What a user can choose about load and about seeing in."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from edge.settings import rule


class SheddingSettings(BaseModel):
    """What is left out, and when, while the device has more to do than it can."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    on: bool = rule(
        True,
        "Shed load",
        "Whether to read less of each frame while frames come too fast or the processor throttles: expressions less "
        "often, then fewer faces; the driver's eyes always.",
    )
    enough_fps: float = rule(
        15.0,
        "Enough",
        "Dropped frames are no reason to leave anything out while so many a second are read.",
        unit="1/s",
        source="below 15 a second blinks are missed",
        ge=1,
        le=240,
    )
    latency_s: float = rule(
        0.25,
        "Late",
        "Median time from capture to state above which there is too much to do.",
        unit="s",
        source="own: a sixth of the shortest closure that alarms",
        ge=0.02,
        le=10,
    )
    shed_after_s: float = rule(
        3.0,
        "Shed after",
        "How long there must be too much to do before one more thing is left out.",
        unit="s",
        source="own: longer than a garbage collection or a burst of disk writes",
        ge=0.5,
        le=600,
    )
    cool_after_s: float = rule(
        20.0,
        "Cool after",
        "How long the processor must throttle before one more thing is left out.",
        unit="s",
        source="own: a heat sink follows the load within tens of seconds",
        ge=0.5,
        le=3600,
    )
    recover_after_s: float = rule(
        20.0,
        "Recover after",
        "How long there must be time to spare before one thing is taken up again; doubles, up to 16 times as long, "
        "each time that proves too soon.",
        unit="s",
        source="own",
        ge=0.5,
        le=3600,
    )


class MetricsSettings(BaseModel):
    """Figures for Prometheus; off unless a port is set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    port: int | None = rule(
        None,
        "Port",
        "Where Prometheus fetches the metrics, at /metrics over HTTP; none are kept without it. Needs mien[metrics].",
        ge=1,
        le=65535,
    )
    host: str = Field(
        default="127.0.0.1",
        title="Host",
        description="The address to listen on; 0.0.0.0 lets everybody on the network read them.",
        min_length=1,
    )
