"""Whether the driver looks at the road."""

from __future__ import annotations

from edge.state.pose import HeadOffset, UsualPose
from edge.state.settings import AttentionSettings, EyeSettings
from edge.state.types import Vehicle
from edge.vision.types import Face

#: A second on the road outweighs so many off it: at speed nobody looks elsewhere for more than 80 % of a minute.
BACK_COUNTS = 4.0


class Road:
    """Whether the driver's head, and where it is known the gaze, points to the road.

    The road is where this driver usually looks. The head decides; a gaze known to be far off takes a head that points
    to the road off it (a glance by the eyes alone), never the other way round. A limit is come back from only by
    ``return_deg`` more, so that a head held at it does not flap. Who drives on for a minute with open eyes that are
    nearly always off the road has a camera or a seat that was moved: the road is learnt anew.
    """

    def __init__(self, eyes: EyeSettings, attention: AttentionSettings) -> None:
        self._eyes = eyes
        self._settings = attention
        self._begin()

    def _begin(self) -> None:
        self.head = UsualPose(self._eyes, self._settings)
        self._gaze = UsualPose(self._eyes, self._settings)
        self._head_off = False
        self._gaze_off = False
        self._moved_s = 0.0

    def learn(self, face: Face, dt_s: float, vehicle: Vehicle, *, awake: bool) -> None:
        """The eyes were open for ``dt_s``, or, not ``awake``, could not be read.

        Who stands or reverses looks anywhere, so nothing is learnt from that; and nobody drives with the head turned
        far from the camera.
        """
        if vehicle.standing or vehicle.reverse or face.pose is None:
            return
        if awake:
            self._notice_move(dt_s, vehicle)
        if abs(face.pose.yaw_deg) > self._settings.usual_max_deg:
            self.head.learn_elsewhere(dt_s)
            return
        self.head.learn(face.pose, dt_s)
        self._gaze.learn(face.gaze, dt_s)

    def _notice_move(self, dt_s: float, vehicle: Vehicle) -> None:
        """Only at a known speed: who stands may well look into the lap for minutes."""
        if not self.head.frozen or vehicle.speed_kmh is None or vehicle.speed_kmh < self._settings.slow_kmh:
            return
        self._moved_s = max(self._moved_s + (dt_s if self._head_off else -BACK_COUNTS * dt_s), 0.0)
        if self._moved_s >= self._settings.moved_s:
            self._begin()

    def judge(self, face: Face | None) -> bool | None:
        """Whether this face looks at the road; None without a pose, or before the driver's usual direction is known."""
        head = self.head.offset(face.pose) if face is not None and self.head.settled else None
        if face is None or head is None:
            self._head_off = self._gaze_off = False
            return None
        limits = self._settings
        self._head_off = self._outside(head, limits.aside_deg, limits.down_deg, self._head_off)
        gaze = self._gaze.offset(face.gaze) if self._gaze.settled else None
        self._gaze_off = gaze is not None and self._outside(
            gaze, limits.gaze_aside_deg, limits.gaze_down_deg, self._gaze_off
        )
        return not (self._head_off or self._gaze_off)

    def _outside(self, offset: HeadOffset, aside_deg: float, down_deg: float, was_off: bool) -> bool:
        margin = self._settings.return_deg if was_off else 0.0
        return (
            abs(offset.yaw_deg) > aside_deg - margin
            or -offset.pitch_deg > down_deg - margin
            or offset.pitch_deg > self._settings.up_deg - margin
        )
