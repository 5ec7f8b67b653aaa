"""One eye's numbers: how far the lids are apart, and how far that can be believed."""

from __future__ import annotations

from math import hypot, inf

import numpy as np
from numpy.typing import NDArray

from edge.vision.backend import FoundEye
from edge.vision.eye_look import EyeLook
from edge.vision.geometry import POSE_POINTS, Head
from edge.vision.iris import LIDS, aspect_ratio, eye_width
from edge.vision.types import Eye, EyeTrouble, HeadPose

#: Down to this width a clip made smaller step by step kept its ratios (0.07 closed, 0.32 open); below, closed rises.
MIN_EYE_WIDTH_PX = 8.0
#: An eye in the dark reads open when it is closed: the same clip made darker, with a camera's noise and compression,
#: read closed as 0.10 at 33 grey levels, 0.15 at 19, 0.28 at 9, against 0.32 to 0.34 open. From about 26 down a
#: closed eye is more than a fifth open.
MIN_EYE_CONTRAST = 30.0
#: Beyond this yaw the bridge of the nose hides part of the far eye; beyond the second the near one is seen in profile.
FAR_EYE_MAX_YAW_DEG = 35.0
NEAR_EYE_MAX_YAW_DEG = 55.0

# Confidence. Each pair is the value that gives none and the one that gives all of it, straight between; the product
# counts. The last three are of ``EyeLook``, in grey levels and as a share.
CONFIDENT_WIDTH_PX = (6.0, 12.0)
#: Short of the yaw from which on the eye is given up.
CONFIDENT_TURN_DEG = (0.0, 10.0)
#: Measured on real clips (5th percentile, median, 95th): open eyes 117, 148, 178, closed ones 78, 89, 126, in 0.4 of
#: the light 52, 56, 72 and 32, 35, 48; no eye to see: a driver from the side 10, 18, 37, a hand drawn over the eyes 0,
#: 17, 20, dark lenses 0, 0, 11.
CONFIDENT_WITHIN = (18.0, 40.0)
#: Open eyes 32, 67, 104, in 0.4 of the light 9, 28, 34; the driver from the side -6, 2, 8, the hand -1, 0, 7, the
#: lenses 0, 0, 2, lenses with a bright reflection -42, 0, 13.
CONFIDENT_IRIS = (4.0, 14.0)
#: Closed eyes 0.54, 0.61, 0.92, in 0.4 of the light 0.55, 0.62, 0.79; the hand -16, -0.8, -0.2, spread fingers -1.6, 0,
#: 0.43.
CONFIDENT_LASH_LINE = (0.2, 0.45)
#: Between these aspect ratios the iris comes in sight, and from the second on it must be seen.
IRIS_IN_SIGHT = (0.12, 0.22)


def read_eye(
    found: FoundEye, look: EyeLook, head: Head | None, size: tuple[int, int], *, left: bool, score: float = 1.0
) -> Eye:
    """The person's left or right eye in a picture of ``size`` (width, height), which looks like ``look``.

    score: of the face, a factor of the eye's confidence. Without an aspect ratio where the eye lies partly outside the
    picture, is turned away, too small or without contrast.
    """
    short_deg = _short_of_away(head.pose, left=left) if head else -inf
    width = eye_width(found.contour)
    trouble = _trouble(found, look, short_deg, width, size)
    if trouble is not None or head is None:
        return Eye(found.contour, found.iris, None, confidence=0.0, trouble=trouble)
    ratio = frontal_aspect_ratio(found, head, left=left)
    return Eye(found.contour, found.iris, ratio, confidence=score * _confidence(look, short_deg, width, ratio))


def frontal_aspect_ratio(found: FoundEye, head: Head, *, left: bool) -> float:
    """The aspect ratio as seen from the front.

    EAR (Soukupová & Čech 2016, eq. 1) times the share of the eye's width that the turned head still shows: the
    canonical face's eye axis, from corner to corner, projected under the head's rotation, over the same unturned.
    The lids' gap stays as it is: its foreshortening by pitch is made up by lids that follow the gaze. Divided by its
    cosine as well, the open eyes of a man who nods by ±34° with his eyes on the camera spread to 12 %.

    Measured on open eyes (standard deviation over mean; near eye beyond 40° of yaw against straight ahead): a man who
    looks away 8.8 → 5.5 % (0.390 → 0.342 against 0.339), one who turns and nods 9.1 → 7.2 % (0.442 → 0.363 against
    0.334). Of eyes straight ahead the closed read 0.069 and the open 0.331, as before.
    """
    axis, length = _EYE_AXES[left]
    across, down, _ = (head.rotation @ axis).tolist()
    return aspect_ratio(found.contour) * hypot(across, down) / length


def _axis(corner: int, other: int) -> tuple[NDArray[np.float64], float]:
    """From one corner of an eye to the other, and how long that is from the front."""
    axis = np.subtract(POSE_POINTS[other], POSE_POINTS[corner])
    return axis, hypot(axis[0], axis[1])


#: By ``left``: the eyes' corners, from the picture's left to its right.
_EYE_AXES = {False: _axis(33, 133), True: _axis(362, 263)}


def _trouble(
    found: FoundEye, look: EyeLook, short_deg: float, width: float, size: tuple[int, int]
) -> EyeTrouble | None:
    across, down = zip(*found.contour[:LIDS, :2].tolist(), strict=True)
    if not (min(across) >= 0 and min(down) >= 0 and max(across) <= size[0] - 1 and max(down) <= size[1] - 1):
        return "outside"
    if short_deg < 0:
        return "turned"
    if width < MIN_EYE_WIDTH_PX:
        return "small"
    return "dark" if look.contrast < MIN_EYE_CONTRAST else None


def _short_of_away(pose: HeadPose, *, left: bool) -> float:
    """How many degrees the head may turn on before the eye can't be read.

    The person's left eye is the far one when the face turns to the picture's right.
    """
    far = pose.yaw_deg > 0 if left else pose.yaw_deg < 0
    return (FAR_EYE_MAX_YAW_DEG if far else NEAR_EYE_MAX_YAW_DEG) - abs(pose.yaw_deg)


def _confidence(look: EyeLook, short_deg: float, width: float, ratio: float) -> float:
    # Evidence of what is not in sight would count for nothing, and takes its time.
    in_sight, evidence = _share(ratio, IRIS_IN_SIGHT), 0.0
    if in_sight > 0:
        evidence += in_sight * _iris(look)
    if in_sight < 1:
        evidence += (1 - in_sight) * _share(look.lash_line, CONFIDENT_LASH_LINE)
    return (
        _share(width, CONFIDENT_WIDTH_PX)
        * _share(short_deg, CONFIDENT_TURN_DEG)
        * _share(look.within, CONFIDENT_WITHIN)
        * evidence
    )


def _iris(look: EyeLook) -> float:
    share = _share(look.iris, CONFIDENT_IRIS)
    # What an iris looks like in infrared light was not measured, so there it is no evidence against an eye.
    return share if share == 1 or look.coloured else 1.0


def _share(value: float, between: tuple[float, float]) -> float:
    """Where a value lies between two: 0 at and below the first, 1 from the second on."""
    none, all_ = between
    return min(max((value - none) / (all_ - none), 0.0), 1.0)
