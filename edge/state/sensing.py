"""Knowing when one cannot know: how well the driver's eyes can be read, and why not better."""

from __future__ import annotations

import random
from math import exp
from typing import Literal, TypedDict

from edge.state.filters import SlidingSum
from edge.state.ladder import Alarm
from edge.state.settings import SensingSettings
from edge.state.types import Episode, Measure, Sensing, Severity, Vehicle
from edge.vision.types import Face, Quality

Reason = Literal["no_face", "turned_away", "dark", "blurred", "occluded", "camera_blocked", "small"]

#: More than this between two frames says nothing of how well eyes could be read meanwhile.
MAX_FRAME_S = 1.0
#: Another reason is told once it weighs this much more than the one that was.
OUTWEIGHS = 1.5


class ReadableShare:
    """The share of the last ``window_s`` seconds in which eyes could be read."""

    def __init__(self, window_s: float) -> None:
        self._watched = SlidingSum(window_s)
        self._readable = SlidingSum(window_s)

    def add(self, t_s: float, dt_s: float, readable: bool) -> None:
        """The eyes could be read, or not, for the ``dt_s`` seconds before ``t_s``."""
        self._watched.add(t_s, dt_s)
        self._readable.add(t_s, dt_s if readable else 0.0)

    @property
    def readable_s(self) -> float:
        """Seconds of the window with readable eyes."""
        return self._readable.total

    @property
    def unreadable_s(self) -> float:
        """Seconds of the window with unreadable eyes."""
        return self._watched.total - self._readable.total

    @property
    def value(self) -> float:
        """0..1; 1 before anything was watched."""
        return min(self._readable.total / self._watched.total, 1.0) if self._watched.total > 0 else 1.0


class Sight:
    """Whether the eyes of whoever should be driving can be read; from the first frame on, whether one was seen or not.

    Eyes are unreadable once they are so for most of a short window, and until a good part of a longer one was readable,
    so that a lucky second now and then changes nothing; after ``after_s`` of that sensing is degraded, a notice that
    gives the reason. It ends when the eyes have been well readable for a while. While the vehicle is known to stand or
    to reverse nobody need face the camera, and no notice is given.
    """

    def __init__(self, settings: SensingSettings, rng: random.Random) -> None:
        self._settings = settings
        self._alarm = Alarm(
            "sensing_degraded",
            Severity.NOTICE,
            settings.refractory_s,
            rng,
            refractory_max_s=settings.refractory_max_s,
        )
        self._now = ReadableShare(settings.window_s)
        self._well = ReadableShare(settings.recover_s)
        self._t_s: float | None = None
        #: Since when the eyes are unreadable, and the time and the readable time since then.
        self._since_s: float | None = None
        self._watched_s = self._readable_s = 0.0
        self._weights: dict[Reason, float] = {}
        self._quality = Quality()
        self.reason: Reason | None = None

    @property
    def active(self) -> tuple[str, ...]:
        """The kind of its episode while one runs."""
        return self._alarm.active

    @property
    def sensing(self) -> Sensing:
        """Good while the eyes are readable; else degraded, or lost where they never were within the window."""
        if self._since_s is None and self._t_s is not None:
            return "good"
        return "degraded" if self._now.readable_s > 1e-6 else "lost"  # a sliding sum misses 0 by its roundings

    def update(
        self, t_s: float, face: Face | None, *, readable: bool, away: bool, quality: Quality, vehicle: Vehicle
    ) -> list[Episode]:
        """A frame at ``t_s``; returns what changed.

        face: the driver's. readable: whether the eyes could be read in it. away: whether the head points so far down or
        aside that lowered lids say nothing.
        """
        dt_s = 0.0 if self._t_s is None or t_s - self._t_s > MAX_FRAME_S else t_s - self._t_s
        first, self._t_s = self._t_s is None, t_s
        self._quality = quality
        self._now.add(t_s, dt_s, readable)
        self._well.add(t_s, dt_s, readable)
        self._watched_s += dt_s
        self._readable_s += dt_s if readable else 0.0
        told = self._weigh(dt_s, None if readable else why_unreadable(face, quality, self._settings, away=away))
        exempt = "reversing" if vehicle.reverse else "standing" if vehicle.standing else None
        if self._since_s is None:
            if (first and not readable) or self._now.value < self._settings.unreadable_below:
                self._since_s = t_s - self._now.unreadable_s
                self._watched_s, self._readable_s = self._now.unreadable_s, 0.0
        elif self._well_again():
            changes = self._end(t_s, t_s - self._well.readable_s, "readable")
            self._since_s = self.reason = None
            self._weights.clear()
            return changes
        if self._since_s is None:
            return []
        if exempt is not None:
            self._since_s = t_s  # the time counts from when driving goes on
            return self._end(t_s, t_s, exempt)
        if self._alarm.running:
            return self._alarm.update(t_s, **self._rest()) if told else []
        # Not on a readable frame: it may be the first of many.
        if readable or t_s - self._since_s < self._settings.after_s or not self._alarm.ready(t_s):
            return []
        track_id = None if face is None else face.track_id
        return [self._alarm.start(t_s, started_s=self._since_s, track_id=track_id, **self._rest())]

    def finish(self, t_s: float, reason: str) -> list[Episode]:
        """Nobody looks any more: ends what runs."""
        return self._end(t_s, t_s, reason)

    def _well_again(self) -> bool:
        limits = self._settings
        return self._well.value >= (limits.recover_share if self._alarm.running else limits.readable_from)

    def _end(self, t_s: float, ended_s: float, ended_by: str) -> list[Episode]:
        if not self._alarm.running:
            return []
        rest = self._rest()
        rest["measures"]["ended_by"] = ended_by
        return self._alarm.end(t_s, ended_s=ended_s, **rest)

    def _weigh(self, dt_s: float, reason: Reason | None) -> bool:
        """Takes a frame's reason; whether another than before now counts most.

        Each reason weighs the time that it held, older time less and less.
        """
        fade = exp(-dt_s / self._settings.reason_s)
        for known in self._weights:
            self._weights[known] *= fade
        if reason is None:
            return False
        self._weights[reason] = self._weights.get(reason, 0.0) + max(dt_s, 1e-6)
        heaviest = max(self._weights, key=self._weights.__getitem__)
        if self.reason is not None and self._weights[heaviest] <= OUTWEIGHS * self._weights.get(self.reason, 0.0):
            return False
        changed = heaviest != self.reason
        self.reason = heaviest
        return changed

    def _rest(self) -> _Rest:
        share = min(self._readable_s / self._watched_s, 1.0) if self._watched_s > 0 else 0.0
        measures: dict[str, Measure] = {
            "reason": self.reason,
            "readable_share": share,
            "brightness": self._quality.brightness,
            "sharpness": self._quality.sharpness,
            "frame_contrast": self._quality.frame_contrast,
        }
        return _Rest(confidence=1 - share, sensing=self.sensing, measures=measures)


class _Rest(TypedDict):
    """What all changes of the episode tell beside their times."""

    confidence: float
    sensing: Sensing
    measures: dict[str, Measure]


def why_unreadable(face: Face | None, quality: Quality, settings: SensingSettings, *, away: bool = False) -> Reason:
    """Why the eyes can't be read in one frame, the likeliest cause first."""
    if quality.frame_contrast is not None and quality.frame_contrast < settings.blocked_below:
        return "camera_blocked"
    light = quality.brightness if face is not None else quality.frame_brightness
    dark = light is not None and light < settings.dark_below
    if face is None:
        return "dark" if dark else "no_face"
    troubles = {eye.trouble for eye in (face.right_eye, face.left_eye) if eye is not None}
    turned = away or face.pose is None or abs(face.pose.yaw_deg) > settings.turned_deg
    if turned or "turned" in troubles:
        return "turned_away"
    if dark or "dark" in troubles:
        return "dark"
    if "small" in troubles:
        return "small"
    blurred = quality.sharpness is not None and quality.sharpness < settings.blurred_below
    return "blurred" if blurred else "occluded"
