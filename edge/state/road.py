"""Whether the driver looks at the road."""

from __future__ import annotations

from edge.state.pose import HeadOffset, UsualPose
from edge.state.settings import AttentionSettings, EyeSettings
from edge.state.types import Vehicle
from edge.vision.types import Face


class Road:
    """Whether the driver's head, and where it is known the gaze, points to the road.

    The road is where this driver usually looks. The head decides; a gaze known to be far off takes a head that points
    to the road off it (a glance by the eyes alone), never the other way round. A limit is come back from only by
    ``return_deg`` more, so that a head held at it does not flap.
    """

    def __init__(self, eyes: EyeSettings, attention: AttentionSettings) -> None:
        self._settings = attention
        self.head = UsualPose(eyes, attention)
        self._gaze = UsualPose(eyes, attention)
        self._head_off = False
        self._gaze_off = False

    def learn(self, face: Face, dt_s: float, vehicle: Vehicle) -> None:
        """The eyes were open for ``dt_s``.

        Who stands or reverses looks anywhere, and nobody drives with the head turned far from the camera, so nothing
        is learnt from that.
        """
        if vehicle.standing or vehicle.reverse or face.pose is None:
            return
        if abs(face.pose.yaw_deg) > self._settings.usual_max_deg:
            return
        self.head.learn(face.pose, dt_s)
        self._gaze.learn(face.gaze, dt_s)

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
