"""What landmarks tell without another model: box, mouth, head pose, proportions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import asin, atan2, cos, degrees, dist, hypot, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.types import Array, Box, HeadPose

#: Mesh points that no expression moves, with their places in MediaPipe's canonical face (face_geometry's
#: canonical_face_model, Apache-2.0): centimetres, turned to the camera's axes (x to the picture's right, y down,
#: z away from the camera). The usual six points (1, 152, 263, 33, 291, 61) hold the chin and the corners of the
#: mouth: on a broadly smiling portrait they read the pitch 19° lower than these, and a yawn would look like a nod.
POSE_POINTS = {
    1: (0.00, 1.13, -7.48),  # nose tip
    2: (0.00, 2.09, -6.06),  # under the nose
    98: (-1.41, 1.71, -5.24),  # right nostril
    327: (1.41, 1.71, -5.24),  # left nostril
    168: (0.00, -3.27, -5.24),  # bridge of the nose
    10: (0.00, -8.26, -4.48),  # top of the forehead
    33: (-4.45, -2.66, -3.17),  # right eye, outer corner
    133: (-1.86, -2.59, -3.76),  # right eye, inner corner
    362: (1.86, -2.59, -3.76),  # left eye, inner corner
    263: (4.45, -2.66, -3.17),  # left eye, outer corner
    127: (-7.74, -2.36, 2.01),  # right temple
    356: (7.74, -2.36, 2.01),  # left temple
}
_POSE_INDICES, _POSE_MODEL = np.array(list(POSE_POINTS)), np.array(list(POSE_POINTS.values()))
#: The inner lips' middles, upper and lower, and the mouth's inner corners.
_MOUTH = np.array([13, 14, 78, 308])
#: Pairs of mesh points that hardly move with expression and whose distance differs between people as the mesh sees
#: them; it smooths towards the average face. Over medians of 2 s of real clips, as root mean square of the logarithms:
#: one person within a clip 1.6 % (95th percentile 3.3), one man in three clips 1.8 (3.9), two people of six 4.4 (5th
#: percentile 2.1). So they notice a very different face, never who it is.
PROPORTIONS = (
    (127, 356),  # temples
    (54, 284),  # corners of the forehead
    (116, 345),  # cheekbones
    (70, 300),  # outer ends of the brows
    (168, 2),  # bridge of the nose to its base
)
_PROPORTION_ENDS = np.array([(33, 263), *PROPORTIONS])


@dataclass(frozen=True)  # no slots: they leave no room for what is worked out once
class Head:
    """A head as a camera that looks straight at it would see it.

    rotation: from the canonical face's axes to that camera's (x to the picture's right, y down, z away), float64
    [3, 3]. scale: pixels of the picture for one of the canonical face's centimetres.
    """

    rotation: NDArray[np.float64]
    scale: float

    @cached_property
    def pose(self) -> HeadPose:
        """The rotation as three angles."""
        (across_x, _, x), (across_y, _, y), (across_z, _, z) = self.rotation.tolist()
        # The face looks along the model's -z. Yaw and pitch are that direction; roll is the turn about it.
        yaw, pitch = atan2(-x, z), asin(min(max(y, -1.0), 1.0))
        level = across_x * cos(yaw) + across_z * sin(yaw)
        plumb = y * (across_x * sin(yaw) - across_z * cos(yaw)) + across_y * (z * cos(yaw) - x * sin(yaw))
        return HeadPose(degrees(yaw), degrees(pitch), degrees(atan2(plumb, level)))


def landmarks_box(landmarks: Array) -> Box:
    """The upright rectangle around all landmarks [n, 3]: forehead to chin, larger than the detector's box."""
    # Five times as fast as numpy's minimum over the rows of so narrow an array.
    low, high = cv2.reduce(landmarks, 0, cv2.REDUCE_MIN)[0], cv2.reduce(landmarks, 0, cv2.REDUCE_MAX)[0]
    return Box(*low[:2].tolist(), *(high - low)[:2].tolist())


def mouth_opening(landmarks: Array) -> float:
    """The inner lips' gap (13, 14) over the mouth's inner width (78, 308), of mesh landmarks [468, 3].

    The inner corners rather than the outer ones (61, 291): gap and width then lie on one contour, and full lips
    don't read as a closed mouth.
    """
    upper, lower, right, left = landmarks[_MOUTH, :2].tolist()
    return dist(upper, lower) / max(dist(right, left), 1e-6)


def find_head(landmarks: Array, size: tuple[int, int]) -> Head | None:
    """The head that shows these mesh landmarks [468, 3] in a picture of ``size`` (width, height).

    ``solvePnP`` with the canonical face and the focal length taken as the picture's longer side (a field of view of
    53°). None where no pose fits.
    """
    width, height = size
    focal = max(size)
    camera = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]], dtype=np.float64)
    points = landmarks[_POSE_INDICES, :2].astype(np.float64)
    found, turn, shift = cv2.solvePnP(_POSE_MODEL, points, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    if not found:
        return None
    x, y, z = shift[:, 0].tolist()
    if z <= 0:
        return None
    # The axes of a camera that looks straight at the head: across, down, and the line of sight.
    far, aside = hypot(x, y, z), hypot(x, z)
    axes = np.array([[z / aside, 0.0, -x / aside], [-x * y, aside * aside, -y * z], [x / far, y / far, z / far]])
    axes[1] /= aside * far
    return Head(axes @ cv2.Rodrigues(turn)[0], focal / z)


def head_pose(landmarks: Array, size: tuple[int, int]) -> HeadPose | None:
    """The head's turn as the camera sees it, from mesh landmarks [468, 3] in a picture of ``size`` (width, height).

    Zero is a face that looks straight into the camera, wherever in the picture it is; it is off by some degrees from
    person to person and lens to lens. None where no pose fits.
    """
    head = find_head(landmarks, size)
    return head.pose if head else None


def proportions(landmarks: Array) -> tuple[float, ...]:
    """The lengths between PROPORTIONS over that of the eyes' outer corners, of mesh landmarks [468, 3].

    Measured in all three of the mesh's dimensions, so a turned head has nearly the same ones.
    """
    eyes, *lengths = (dist(one, other) for one, other in landmarks[_PROPORTION_ENDS].tolist())
    return tuple(length / max(eyes, 1e-6) for length in lengths)
