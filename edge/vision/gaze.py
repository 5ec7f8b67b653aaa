"""Where the eyes look, from where the irises lie between the eyes' corners."""

from __future__ import annotations

from math import asin, atan2, degrees, sqrt

import numpy as np

from edge.vision.geometry import Head
from edge.vision.iris import corners_centre
from edge.vision.types import Array, Eye, Gaze

#: From the eyeball's centre to the iris's edge, in the canonical face's centimetres, which are an adult's: a circle of
#: radius 0.59 (a cornea is about 11.8 mm wide) on a ball of radius 1.2.
IRIS_REACH = 1.05
#: Where the eyeball's centre lies from the middle between the eye's corners, in the head's axes: so much above, and so
#: much behind as seen across and as seen downwards. Fitted to where a man's irises lie while he looks into the camera
#: with his head turned by ±17° and nodded by ±34°; left over are 1.5° across and 1.7° up and down (rms). Downwards it
#: is less than the anatomy says, as the lids hide so much of the iris that the model sees it move too little: lowered
#: eyes read a few degrees down, not the ten and more that they are.
CENTRE_ABOVE = 0.19
CENTRE_BEHIND = (0.57, 0.18)
#: An eye less open than this aspect ratio hides its iris.
MIN_ASPECT_RATIO = 0.15
#: An eye believed less than this shows no iris to go by.
MIN_CONFIDENCE = 0.3


def gaze_of(right: Eye, left: Eye, head: Head) -> Gaze | None:
    """Both eyes' mean direction; None unless both can be read and are open.

    Relative to the camera: with the eyeball's centre ``c`` from the middle of the corners, turned by the head, the
    iris appears at ``c + IRIS_REACH × direction`` from that middle. The mean cancels that each eye reads about
    9° outwards, of which 5 are the slant of its visual axis.
    """
    if not all(_open(eye) for eye in (right, left)):
        return None
    middle_to_iris = ((_iris_shift(right) + _iris_shift(left)) / (2 * head.scale)).tolist()
    x, y = (
        (shift + CENTRE_ABOVE * down - behind * away) / IRIS_REACH
        for shift, (_, down, away), behind in zip(middle_to_iris, head.rotation.tolist(), CENTRE_BEHIND, strict=False)
    )
    towards = sqrt(max(1 - x * x - y * y, 0.0))
    if towards == 0:
        return None
    return Gaze(degrees(atan2(x, towards)), degrees(asin(-y)))


def _open(eye: Eye) -> bool:
    return eye.aspect_ratio is not None and eye.aspect_ratio >= MIN_ASPECT_RATIO and eye.confidence >= MIN_CONFIDENCE


def _iris_shift(eye: Eye) -> Array:
    """From the middle between the corners to the iris's centre, pixels [2]."""
    return np.asarray(eye.iris[0, :2] - corners_centre(eye.contour), dtype=np.float32)
