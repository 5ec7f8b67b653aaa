"""Where one driver's head, and their gaze, usually point, and how far they are from there."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

from edge.state.filters import TimeHistogram
from edge.state.settings import AttentionSettings, EyeSettings
from edge.vision.types import Gaze, HeadPose

#: What was seen in a time that made nobody sure counts half as much as what comes next.
FADE = 0.5


@dataclass(frozen=True, slots=True)
class HeadOffset:
    """How far head or gaze points from the driver's own usual direction, degrees; signs as of ``HeadPose``."""

    yaw_deg: float
    pitch_deg: float


class UsualPose:
    """Where one driver usually looks, by head or by gaze: the medians of yaw and pitch by time.

    Provisional from the first seconds on, frozen after ``usual_frozen_s``. The median itself bears up to half of the
    time looked elsewhere; ``settled`` says whether so much of it lay around the median that this must be the road. As
    long as it did not, nothing is frozen: what was seen fades, and learning goes on.
    """

    def __init__(self, eyes: EyeSettings, attention: AttentionSettings) -> None:
        self._eyes = eyes
        self._attention = attention
        self._yaw = TimeHistogram(-90.0, 90.0, 1.0)
        self._pitch = TimeHistogram(-90.0, 90.0, 1.0)
        self._elsewhere_s = 0.0
        self._usual: tuple[float, float] | None = None
        self.settled = False
        self.frozen = False

    def learn(self, pose: HeadPose | Gaze | None, dt_s: float) -> None:
        """It pointed there for ``dt_s`` seconds."""
        if pose is None or dt_s <= 0 or self.frozen:
            return
        self._yaw.add(pose.yaw_deg, dt_s)
        self._pitch.add(pose.pitch_deg, dt_s)
        self._settle()

    def learn_elsewhere(self, dt_s: float) -> None:
        """It pointed for ``dt_s`` seconds to where nobody's road is."""
        if not self.frozen:
            self._elsewhere_s += dt_s
            self._settle()

    def _settle(self) -> None:
        yaw, pitch = self._yaw.quantile(0.5), self._pitch.quantile(0.5)
        if yaw is None or pitch is None or self._yaw.total_s < self._attention.usual_first_s:
            return
        self._usual = yaw, pitch
        limits = self._attention
        around = min(
            self._yaw.share(yaw - limits.aside_deg, yaw + limits.aside_deg),
            self._pitch.share(pitch - limits.down_deg, pitch + limits.up_deg),
        )
        seen_s = self._yaw.total_s + self._elsewhere_s
        around *= self._yaw.total_s / seen_s
        self.settled = around >= limits.usual_share
        if seen_s < limits.usual_frozen_s:
            return
        self.frozen = self.settled
        if not self.frozen:
            self._yaw.fade(FADE)
            self._pitch.fade(FADE)
            self._elsewhere_s *= FADE

    def offset(self, pose: HeadPose | Gaze | None) -> HeadOffset | None:
        """How far a direction is from the usual one; None before that is known."""
        if pose is None or self._usual is None:
            return None
        yaw, pitch = self._usual
        return HeadOffset(pose.yaw_deg - yaw, pose.pitch_deg - pitch)

    def away(self, pose: HeadPose | None) -> bool:
        """Whether the head surely points so far down or aside that the lids are lowered without being closed.

        An ellipse around the usual pose, so that half down and half aside is away too; up is not.
        """
        offset = self.offset(pose)
        if offset is None:
            return False
        down = max(-offset.pitch_deg, 0.0) / self._eyes.looks_down_deg
        return hypot(down, offset.yaw_deg / self._eyes.looks_aside_deg) > 1
