"""What is told of an audience, as models: counts and means, no faces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import AwareDatetime, Field

from edge.events.models import Message, Seconds, Share

WindowName = Literal["1m", "15m", "1h"]
#: Each window's length in seconds; each holds a whole number of the one before it.
WINDOWS: Mapping[WindowName, int] = {"1m": 60, "15m": 900, "1h": 3600}

Count = int | None


class AudienceWindow(Message):
    """A stretch of time by the clock, told when it is over. ``null``: not known, or made up by too few people."""

    start: AwareDatetime
    seconds: int = Field(description="its length: 60, 900 or 3600")
    time_synced: bool = Field(description="whether the device's clock was known to be set all the while")
    observed_s: Seconds = Field(description="how much of it the camera showed")
    visitors: Count = Field(description="visits that went on at some time in it")
    arrivals: Count = Field(description="visits that began")
    departures: Count = Field(description="visits that ended")
    attracted: Count = Field(description="visits that paid attention for the first time")
    peak_present: Count = Field(description="the most at once")
    mean_present: Seconds | None = Field(description="on average, while the camera showed")
    mean_dwell_s: Seconds | None = Field(description="how long the visits that ended had lasted")
    mean_attention_s: Seconds | None = Field(description="how long the visits that ended had paid attention")
    attentive_share: Share | None = Field(description="of the visitors' time, the share with attention")
    expressions: dict[str, Share] | None = Field(
        description="apparent expressions: shares of the attentive time in which one was known"
    )
    suppressed: bool = Field(description="whether something is null because too few people make it up")


class AudienceSnapshot(Message):
    """The audience now, and the last windows; no faces."""

    time: AwareDatetime
    time_synced: bool
    watching: bool = Field(description="whether the camera shows anything; false with the camera closed or lost")
    present: Count = Field(description="visitors now; null while not watching, or from 1 to below the floor")
    attentive: Count = Field(description="those of them who look at the screen")
    suppressed: bool = Field(description="whether a count is null because it lies below the floor")
    windows: dict[str, AudienceWindow] = Field(description="the last complete 1m, 15m and 1h by the clock")
