"""The expression crop: the face framed as FER2013 frames it. Training's evaluation and the device share it."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, cos, log2, sin, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.region import Region
from edge.vision.types import Array

#: FER2013's width and height in pixels.
SIZE = 48
#: A large face is first shrunk by averaging whole blocks of pixels, which costs little, so far that each of the crop's
#: pixels still averages so many samples a side. Against sampling the full picture grey levels differ by 0.2 on average,
#: probabilities by 0.004, which is what rounding the grey levels once more makes.
_LEAST_SAMPLES = 3
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
    turned = points @ np.array([[cos(angle), -sin(angle)], [sin(angle), cos(angle)]])
    width, height = (cv2.reduce(turned, 0, cv2.REDUCE_MAX) - cv2.reduce(turned, 0, cv2.REDUCE_MIN))[0].tolist()
    x, y, _ = cv2.reduce(landmarks, 0, cv2.REDUCE_AVG, dtype=cv2.CV_64F)[0].tolist()
    return Frame(x, y, sqrt(width * height), angle)


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
    region = Region(frame.x - sin(frame.angle) * down, frame.y + cos(frame.angle) * down, side, frame.angle)
    shrink = 1 << int(log2(max(side / SIZE / _LEAST_SAMPLES, 1.0)))
    grey, region = _around(image, region, shrink)
    samples = max(ceil(region.side / SIZE), 1)
    # The first of a pixel's samples lies on its corner, so their mean moves with their number; to where it would be
    # without shrinking.
    moved = region.side / SIZE * (1 / samples - 1 / max(ceil(side / SIZE), 1)) / 2
    region = region.moved(moved, moved)
    return cv2.resize(region.crop(grey, SIZE * samples), (SIZE, SIZE), interpolation=cv2.INTER_AREA).astype(
        np.uint8, copy=False
    )


def _around(image: NDArray[np.uint8], region: Region, shrink: int) -> tuple[NDArray[np.uint8], Region]:
    """What a crop of ``region`` needs of a BGR image, grey, ``shrink`` times smaller; and where the region is in it."""
    # Of whole blocks, one at least.
    rows, columns = region.window((image.shape[1], image.shape[0]), spare=2 * shrink, least=shrink)
    grey = cv2.cvtColor(image[rows, columns], cv2.COLOR_BGR2GRAY)
    high, wide = max(grey.shape[0] // shrink, 1), max(grey.shape[1] // shrink, 1)
    grey = grey[: high * shrink, : wide * shrink]
    while grey.shape[0] > high:  # by two each time: OpenCV is ten times as fast at that as at four at once
        grey = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    # A block's mean lies in its middle.
    middle = (shrink - 1) / 2
    there = Region(
        (region.x - columns.start - middle) / shrink,
        (region.y - rows.start - middle) / shrink,
        region.side / shrink,
        region.angle,
    )
    return grey.astype(np.uint8, copy=False), there
