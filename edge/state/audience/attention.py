"""Whether one head points at the screen, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

from edge.state.settings.audience import VisitorSettings
from edge.vision.types import HeadPose


@dataclass(frozen=True, slots=True)
class Look:
    """What one moment has brought to light.

    began_s: when the look began that counts as attention from now on. paid: from when to when attention was paid since
    the last moment. ended_s: when the look ended that no longer counts.
    """

    began_s: float | None = None
    paid: tuple[float, float] | None = None
    ended_s: float | None = None


class Attention:
    """One visitor's attention.

    A look begins with the head within the cone and ends when it has been out of the cone and its margin, or of unknown
    pose, for longer than ``glance_s``; it counts once it has lasted ``attend_s``. Time in which others' faces were read
    in its place is not held against it, up to ``gone_s``.
    """

    def __init__(self, settings: VisitorSettings) -> None:
        self._settings = settings
        self._since_s: float | None = None
        self._last_s = 0.0
        self._paid_until_s = 0.0
        self._waited_s = 0.0
        self.paying = False

    def update(self, t_s: float, pose: HeadPose | None) -> Look:
        """Takes the head's pose at ``t_s``; None is unknown, which is not attention."""
        ended_s = self._end_where_over(t_s)
        if not self._toward(pose):
            return Look(ended_s=ended_s)
        if self._since_s is None:
            self._since_s = self._paid_until_s = t_s
        self._last_s, self._waited_s = t_s, 0.0
        began_s = None
        if not self.paying and t_s - self._since_s >= self._settings.attend_s:
            self.paying, began_s = True, self._since_s
        if not self.paying:
            return Look(ended_s=ended_s)
        paid, self._paid_until_s = (self._paid_until_s, t_s), t_s
        return Look(began_s, paid, ended_s)

    def wait(self, seconds: float) -> None:
        """The face was not read for so long, because others' turn had come."""
        self._waited_s += seconds

    def finish(self) -> float | None:
        """The visitor has left: when the look ended that counted, None without one."""
        was_paying, self.paying, self._since_s = self.paying, False, None
        return self._last_s if was_paying else None

    def _end_where_over(self, t_s: float) -> float | None:
        if self._since_s is None:
            return None
        away_s = t_s - self._last_s
        over = away_s > self._settings.gone_s or away_s - self._waited_s > self._settings.glance_s
        return self.finish() if over else None

    def _toward(self, pose: HeadPose | None) -> bool:
        if pose is None:
            return False
        margin_deg = 0.0 if self._since_s is None else self._settings.margin_deg
        across = (pose.yaw_deg - self._settings.centre_yaw_deg) / (self._settings.yaw_deg + margin_deg)
        up = (pose.pitch_deg - self._settings.centre_pitch_deg) / (self._settings.pitch_deg + margin_deg)
        return hypot(across, up) <= 1.0
