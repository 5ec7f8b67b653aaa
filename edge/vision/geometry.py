"""What landmarks tell without another model: box, mouth, head pose; and how well a region can be read."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.types import Array, Box, HeadPose, Quality

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
#: Sharpness is measured on a picture no wider than this, so that it means the same for near and far faces.
SHARPNESS_WIDTH = 160


def landmarks_box(landmarks: Array) -> Box:
    """The upright rectangle around all landmarks [n, 3]: forehead to chin, larger than the detector's box."""
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    return Box(float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))


def mouth_opening(landmarks: Array) -> float:
    """The inner lips' gap (13, 14) over the mouth's inner width (78, 308), of mesh landmarks [468, 3].

    The inner corners rather than the outer ones (61, 291): gap and width then lie on one contour, and full lips
    don't read as a closed mouth.
    """
    gap, width = (float(np.linalg.norm(landmarks[a, :2] - landmarks[b, :2])) for a, b in ((13, 14), (78, 308)))
    return gap / max(width, 1e-6)


def head_pose(landmarks: Array, size: tuple[int, int]) -> HeadPose | None:
    """The head's turn as the camera sees it, from mesh landmarks [468, 3] in a picture of ``size`` (width, height).

    Zero is a face that looks straight into the camera, wherever in the picture it is. ``solvePnP`` with the
    canonical face and the focal length taken as the picture's longer side (a field of view of 53°), so zero is off
    by some degrees from person to person and lens to lens. None where no pose fits.
    """
    width, height = size
    focal = max(size)
    camera = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]], dtype=np.float64)
    model = np.array(list(POSE_POINTS.values()))
    points = landmarks[list(POSE_POINTS), :2].astype(np.float64)
    found, turn, shift = cv2.solvePnP(model, points, camera, np.zeros(4), flags=cv2.SOLVEPNP_SQPNP)
    if not found or shift[2, 0] <= 0:
        return None
    # The axes of a camera that looks straight at the head.
    sight = shift[:, 0] / np.linalg.norm(shift)
    across = np.cross([0, 1, 0], sight)
    across /= np.linalg.norm(across)
    rotation = np.stack([across, np.cross(sight, across), sight]) @ cv2.Rodrigues(turn)[0]
    # The face looks along the model's -z. Yaw and pitch are that direction; roll is the turn about it.
    ahead = -rotation[:, 2]
    yaw = np.arctan2(ahead[0], -ahead[2])
    pitch = np.arcsin(np.clip(-ahead[1], -1, 1))
    level = np.array([np.cos(yaw), 0, np.sin(yaw)])
    roll = np.arctan2(rotation[:, 0] @ np.cross(-ahead, level), rotation[:, 0] @ level)
    return HeadPose(*(float(np.degrees(angle)) for angle in (yaw, pitch, roll)))


def quality(image: NDArray[np.uint8], box: Box | None) -> Quality:
    """Brightness and sharpness of the part of a BGR ``image`` that ``box`` covers; of all of it without a box."""
    height, width = image.shape[:2]
    if box is not None:
        left, top = max(int(box.x), 0), max(int(box.y), 0)
        image = image[top : min(int(box.y + box.height), height), left : min(int(box.x + box.width), width)]
    if min(image.shape[:2]) < 3:
        return Quality()
    shrink = SHARPNESS_WIDTH / image.shape[1]
    if shrink < 1:
        image = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return Quality(float(grey.mean()), float(cv2.Laplacian(grey, cv2.CV_32F).var()))
