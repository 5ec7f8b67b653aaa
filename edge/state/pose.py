"""Where one driver's head usually points, and how far it is from there."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

from edge.state.filters import TimeHistogram
from edge.state.settings import EyeSettings
from edge.vision.types import HeadPose

#: Seconds of known head pose before the usual pose is one.
POSE_MIN_S = 3.0


@dataclass(frozen=True, slots=True)
class HeadOffset:
    """How far the head points from the driver's own usual direction, degrees; signs as of ``HeadPose``."""

    yaw_deg: float
    pitch_deg: float


class UsualPose:
    """Where one driver's head usually points: the medians of yaw and pitch by time."""

    def __init__(self, settings: EyeSettings) -> None:
        self._settings = settings
        self._yaw = TimeHistogram(-90.0, 90.0, 1.0)
        self._pitch = TimeHistogram(-90.0, 90.0, 1.0)

    def learn(self, pose: HeadPose | None, dt_s: float) -> None:
        """The head had this pose for ``dt_s`` seconds."""
        if pose is not None:
            self._yaw.add(pose.yaw_deg, dt_s)
            self._pitch.add(pose.pitch_deg, dt_s)

    def offset(self, pose: HeadPose | None) -> HeadOffset | None:
        """How far a pose is from the usual one; None before that is known."""
        yaw, pitch = self._yaw.quantile(0.5), self._pitch.quantile(0.5)
        if pose is None or yaw is None or pitch is None or self._yaw.total_s < POSE_MIN_S:
            return None
        return HeadOffset(pose.yaw_deg - yaw, pose.pitch_deg - pitch)

    def away(self, pose: HeadPose | None) -> bool:
        """Whether the head surely points so far down or aside that the lids are lowered without being closed.

        An ellipse around the usual pose, so that half down and half aside is away too; up is not.
        """
        offset = self.offset(pose)
        if offset is None:
            return False
        down = max(-offset.pitch_deg, 0.0) / self._settings.looks_down_deg
        return hypot(down, offset.yaw_deg / self._settings.looks_aside_deg) > 1
