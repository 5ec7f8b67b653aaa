"""The expression crop: the face framed as FER2013 frames it. Training's evaluation and the device share it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.region import Region
from edge.vision.types import Array

#: FER2013's width and height in pixels.
SIZE = 48
#: Supersampling stops here: with bilinear taps, faces up to about 770 pixels are then free of aliasing.
_MOST_SAMPLES = 8
_RIGHT_CORNER, _LEFT_CORNER = 33, 263


@dataclass(frozen=True, slots=True)
class CropMargin:
    """Where the crop lies around the landmarks, in the frame whose x axis is the line through the eyes.

    scale: the crop's side over the geometric mean of the landmarks' width and height. down: from the landmarks'
    mean to the crop's centre, as a share of the crop's side, positive towards the chin.
    """

    scale: float
    down: float


#: FER2013's own framing: medians over the 3,737 of 4,000 Training faces that detector and mesh found.
#: Spread (1.48 median absolute deviations): scale 12 %, centre 1.4 pixels across and 1.7 down of 48; sideways the
#: median is 0.3 pixels, taken as none. Of the sizes tried this one spread least (eye line 15 %, eyes to mouth 16 %),
#: and an open jaw or a turned head moves it less than height or width alone. Measured by train/measure_crop.py.
FER2013_MARGIN = CropMargin(scale=1.172, down=-0.075)


@dataclass(frozen=True, slots=True)
class Frame:
    """The landmarks' own frame.

    x, y: their mean. size: geometric mean of their width and height across and along the face. angle: of the
    line through the eyes' outer corners, radians, clockwise.
    """

    x: float
    y: float
    size: float
    angle: float


def landmarks_frame(landmarks: Array) -> Frame:
    """The frame of mesh landmarks [468, 3]."""
    points = landmarks[:, :2]
    along = points[_LEFT_CORNER] - points[_RIGHT_CORNER]
    angle = float(np.arctan2(along[1], along[0]))
    cos, sin = np.cos(angle), np.sin(angle)
    width, height = np.ptp(points @ np.array([[cos, -sin], [sin, cos]]), axis=0)
    x, y = points.mean(axis=0)
    return Frame(float(x), float(y), float(np.sqrt(width * height)), angle)


def expression_crop(
    image: NDArray[np.uint8], landmarks: Array, margin: CropMargin = FER2013_MARGIN
) -> NDArray[np.uint8]:
    """The face as the expression model sees it, uint8 grey [48, 48], eyes level.

    ``image`` is BGR uint8 [H, W, 3]; ``landmarks`` are the mesh's [468, 3] in its pixels. What lies outside the
    image repeats its edge. Shrunk by averaging areas, since FER2013's faces are smooth, not sampled.
    """
    frame = landmarks_frame(landmarks)
    side = max(margin.scale * frame.size, 1.0)
    down = margin.down * side
    region = Region(frame.x - np.sin(frame.angle) * down, frame.y + np.cos(frame.angle) * down, side, frame.angle)
    samples = min(max(int(np.ceil(side / SIZE)), 1), _MOST_SAMPLES)
    grey = cv2.cvtColor(region.crop(image, SIZE * samples), cv2.COLOR_BGR2GRAY)
    return cv2.resize(grey, (SIZE, SIZE), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
