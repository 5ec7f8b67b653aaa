"""Where a face is going: its place and size from frame to frame, and how sure that is.

A constant-velocity Kalman filter, for time in seconds and places in heights of the face, so that it holds near and far,
at any frame rate and over gaps. Up and down a face hardly goes, as its bearer keeps their height: that tells people
apart who cross each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, hypot, log, pi

from edge.vision.types import Box

#: Standard deviation of a read place, in heights of the face: the mesh's jitter, a turning head that shifts its box.
PLACE = 0.035
#: Standard deviation of a read height's logarithm: heads that nod and mouths that open change it, turning does not.
SIZE = 0.06
#: How fast a face may go when it is first seen, across and down, in its heights a second: people walk 0.8 to 1.5 m/s,
#: and the mesh's box of a face is 0.18 m high.
SPEED, SPEED_DOWN = 5.0, 1.2
#: How much the velocity may change in one second, in heights a second: of a face that rests, and of one on its way for
#: each height a second that it goes. Who stands mostly stays; who walks may stop or turn.
CALM, EAGER = 1.0, 0.3
#: Likewise how much the height's logarithm may.
GROWING, NEARING = 0.1, 0.04


#: Of a place along one axis, of place and velocity, and of the velocity: squared heights and seconds.
Variances = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Forecast:
    """Where a face should be.

    x, y: its centre in pixels. log_height: natural logarithm of its height in pixels. across, down: the variances along
    each. height_variance: of ``log_height``.
    """

    x: float
    y: float
    log_height: float
    across: Variances
    down: Variances
    height_variance: float

    @property
    def variance(self) -> float:
        """Of the place across, in squared heights."""
        return self.across[0]

    @property
    def variance_down(self) -> float:
        """Of the place down."""
        return self.down[0]


def place(box: Box) -> tuple[float, float, float]:
    """A box's centre, and the logarithm of its height, as in ``Forecast``."""
    return box.x + box.width / 2, box.y + box.height / 2, log(max(box.height, 1e-6))


class Motion:
    """One face on its way."""

    def __init__(self, box: Box, t_s: float) -> None:
        self.t_s = t_s
        self._aspect = _aspect(box)
        self._x, self._y, self._log_height = place(box)
        self._across = self._down = 0.0
        # Across and down: of the place, of place and velocity, of the velocity; and of the size.
        self._of_across: Variances = (PLACE**2, 0.0, SPEED**2)
        self._of_down: Variances = (PLACE**2, 0.0, SPEED_DOWN**2)
        self._height_variance = SIZE**2
        #: When it was asked for last, and what was said: of one image it is asked for many times.
        self._said: tuple[float, Forecast] | None = None

    def at(self, t_s: float) -> Forecast:
        """Where the face should be at ``t_s``, not before it was last seen."""
        if self._said is None or self._said[0] != t_s:
            self._said = t_s, self._forecast(t_s)
        return self._said[1]

    def _forecast(self, t_s: float) -> Forecast:
        dt_s = t_s - self.t_s
        across, down = self._forward(dt_s)
        return Forecast(
            x=self._x + self._across * dt_s,
            y=self._y + self._down * dt_s,
            log_height=self._log_height,
            across=across,
            down=down,
            height_variance=self._height_variance + self._grown(dt_s),
        )

    def box(self, t_s: float) -> Box:
        """The rectangle around the face where it should be at ``t_s``."""
        ahead, height = self.at(t_s), exp(self._log_height)
        width = height * self._aspect
        return Box(ahead.x - width / 2, ahead.y - height / 2, width, height)

    def moved(self, t_s: float) -> tuple[float, float, float]:
        """How far across and down it should have gone since it was last seen, and its height, all in pixels."""
        dt_s = t_s - self.t_s
        return self._across * dt_s, self._down * dt_s, exp(self._log_height)

    def off(self, box: Box, t_s: float, blur: float = 0.0) -> float:
        """How far a box is from where the face should be: the square of standard deviations.

        blur: standard deviation of the box beside that of a read one, in heights of the face.
        """
        (x, y, log_height), ahead = place(box), self.at(t_s)
        heights, seen = exp(-2 * ahead.log_height), PLACE**2 + blur**2
        return (
            (x - ahead.x) ** 2 * heights / (ahead.variance + seen)
            + (y - ahead.y) ** 2 * heights / (ahead.variance_down + seen)
            + (log_height - ahead.log_height) ** 2 / (ahead.height_variance + SIZE**2 + blur**2)
        )

    def spread(self, t_s: float, blur: float = 0.0) -> float:
        """What makes ``off`` minus twice a density's logarithm: for one height squared and a factor e in height."""
        ahead, seen = self.at(t_s), PLACE**2 + blur**2
        across, down, height = (
            ahead.variance + seen,
            ahead.variance_down + seen,
            ahead.height_variance + SIZE**2 + blur**2,
        )
        return log(across * down * height) + 3 * log(2 * pi)

    def take(self, box: Box, t_s: float, blur: float = 0.0) -> None:
        """The face was seen there at ``t_s``; blur: as of ``off``."""
        ahead, seen = self.at(t_s), PLACE**2 + blur**2
        x, y, log_height = place(box)
        # The gains hold in any unit of length: pixels in, pixels out.
        self._x, self._across, self._of_across = _taken(x - ahead.x, ahead.x, self._across, ahead.across, seen)
        self._y, self._down, self._of_down = _taken(y - ahead.y, ahead.y, self._down, ahead.down, seen)
        gain = ahead.height_variance / (ahead.height_variance + SIZE**2 + blur**2)
        self._log_height += gain * (log_height - self._log_height)
        self._height_variance = (1 - gain) * ahead.height_variance
        self.t_s, self._aspect, self._said = t_s, _aspect(box), None

    def _forward(self, dt_s: float) -> tuple[Variances, Variances]:
        """The variances across and down after so long, of white acceleration."""
        height = exp(self._log_height)
        across, down = (CALM + EAGER * abs(speed) / height for speed in (self._across, self._down))
        return _later(self._of_across, across, dt_s), _later(self._of_down, down, dt_s)

    def _grown(self, dt_s: float) -> float:
        """What is added to the variance of the height's logarithm."""
        return (GROWING + NEARING * self._speed()) ** 2 * dt_s

    def _speed(self) -> float:
        """Heights of the face in a second."""
        return hypot(self._across, self._down) / exp(self._log_height)


def _later(variances: Variances, push: float, dt_s: float) -> Variances:
    variance, both, velocity = variances
    noise = push**2 * dt_s
    return (
        variance + 2 * both * dt_s + velocity * dt_s**2 + noise * dt_s**2 / 3,
        both + velocity * dt_s + noise * dt_s / 2,
        velocity + noise,
    )


def _taken(off: float, ahead: float, speed: float, variances: Variances, seen: float) -> tuple[float, float, Variances]:
    """Place, velocity and variances once a place was seen ``off`` the one expected; seen: its variance."""
    variance, both, velocity = variances
    gain, push = variance / (variance + seen), both / (variance + seen)
    return ahead + gain * off, speed + push * off, ((1 - gain) * variance, (1 - gain) * both, velocity - push * both)


def _aspect(box: Box) -> float:
    """Width over height."""
    return box.width / max(box.height, 1e-6)
