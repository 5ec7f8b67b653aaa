"""What a camera does to a face and FER2013 does not show: for augmentation and for reports.

Every corruption takes a grey face uint8 [H, W] framed as FER2013 frames it, a random generator and a strength:
near 0 it changes next to nothing, at 1 it is about the worst that the device should still be asked to read. It
returns a new uint8 [H, W], the same for the same generator state. Lengths are shares of the picture's side.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Corruption = Callable[[Image, np.random.Generator, float], Image]

#: Where FER2013's mean face has its eyes, as shares of width and height.
_EYES = ((0.315, 0.365), (0.685, 0.365))
#: Drawings are made this many times larger and averaged down: at 48 pixels a line has no other shape.
_FINER = 4


def motion_blur(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """The head or the camera moves while the shutter is open, in any direction: a smear of up to 0.15 of the side."""
    length = 0.15 * strength * image.shape[1]
    angle = rng.uniform(0, np.pi)
    step = np.array([np.cos(angle), np.sin(angle)]) * length
    middle = int(np.ceil(length / 2)) + 1
    kernel = np.zeros((2 * middle + 1, 2 * middle + 1), np.float32)
    # Points along the smear, each shared out among the four pixels around it.
    x, y = middle + np.linspace(-0.5, 0.5, 65) * step[:, np.newaxis]
    left, top = x.astype(int), y.astype(int)
    for dx, dy in ((0, 0), (0, 1), (1, 0), (1, 1)):
        np.add.at(kernel, (top + dy, left + dx), (1 - abs(y - top - dy)) * (1 - abs(x - left - dx)))
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE).astype(np.uint8, copy=False)


def defocus(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """A lens out of focus: a disc of up to 0.055 of the side in radius, within a fifth of it either way."""
    radius = 0.055 * strength * image.shape[1] * rng.uniform(0.8, 1.2)
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    # The disc's edge falls off over one pixel, so that radii between whole pixels differ.
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    return cv2.filter2D(image, -1, disc / disc.sum(), borderType=cv2.BORDER_REPLICATE).astype(np.uint8, copy=False)


def low_light(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """Dusk: the picture darkens to half, and shot and read noise show.

    White is 3000 photons a pixel at strength 0 and 100 at 1 (Poisson), with a read noise of 2.
    """
    white = 3000 * (100 / 3000) ** strength
    photons = rng.poisson(image / 255 * white) + rng.normal(0, 2, image.shape)
    return _uint8(photons / white * 255 * (1 - 0.5 * strength))


def jpeg(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """A camera's JPEG, of quality 95 down to 10, whose grid of blocks lies anywhere on the face."""
    height, width = image.shape
    top, left = rng.integers(0, 8, 2)
    framed = cv2.copyMakeBorder(image, int(top), 0, int(left), 0, cv2.BORDER_REPLICATE)
    quality = round(95 * (10 / 95) ** strength)
    encoded = cv2.imencode(".jpg", framed, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), np.uint8)
    return decoded[top : top + height, left : left + width]


def infrared(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """A night camera with its own infrared lamp: bright, flat skin, a hot spot, dark corners and a little noise.

    Skin reflects near infrared strongly and scatters it below the surface, so faces lose contrast and detail.
    """
    height, width = image.shape
    soft = cv2.GaussianBlur(image, (0, 0), 0.1 + 0.012 * strength * width).astype(np.float32) / 255
    bright = soft ** (1 - 0.4 * strength)
    mean = float(bright.mean())
    # Towards a common bright grey: what differs between faces in visible light differs less here.
    flat = mean + (bright - mean) * (1 - 0.35 * strength) + (0.6 - mean) * 0.7 * strength
    lamp = np.array([0.5, 0.45]) + rng.uniform(-0.15, 0.15, 2)
    y, x = np.mgrid[0:height, 0:width]
    away = np.hypot(x / width - lamp[0], y / height - lamp[1])
    lit = flat * (1 + strength * (0.25 * np.exp(-((away / 0.3) ** 2)) - 0.8 * away**2))
    return _uint8((lit + rng.normal(0, 0.02 * strength, image.shape)) * 255)


def glasses(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """A pair of glasses: frames, bridge and temples; the lenses darken up to sunglasses, and some catch a light."""
    height, width = image.shape
    size = np.array([width, height]) * _FINER
    sway = rng.uniform(-0.02, 0.02, 2)
    tilt = rng.uniform(-5, 5)
    radii = rng.uniform([0.125, 0.085], [0.165, 0.13])
    power = rng.choice([2.0, 3.0, 5.0])  # the superellipse's: 2 is round, 5 nearly a rectangle
    frame_grey = float(rng.choice([15, 30, 60, 200], p=[0.4, 0.3, 0.2, 0.1]))
    thickness = max(1, round(float(rng.uniform(0.012, 0.03)) * size[0]))
    turns = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    cos, sin = np.cos(turns), np.sin(turns)
    outline = np.stack([np.sign(cos) * np.abs(cos) ** (2 / power), np.sign(sin) * np.abs(sin) ** (2 / power)], axis=1)
    turn = cv2.getRotationMatrix2D((0.5, 0.365), tilt, 1)

    def placed(points: NDArray[np.float64]) -> NDArray[np.int32]:
        turned = (points + sway) @ turn[:, :2].T + turn[:, 2]
        return np.asarray(np.rint(turned * size), np.int32)

    lenses = [placed(np.array(eye) + outline * radii) for eye in _EYES]
    (right, left), (rx, _) = _EYES, radii
    bars = [
        [(right[0] + rx, right[1] - 0.02), (left[0] - rx, left[1] - 0.02)],
        [(right[0] - rx, right[1] - 0.02), (0.02, right[1] - 0.01)],
        [(left[0] + rx, left[1] - 0.02), (0.98, left[1] - 0.01)],
    ]
    glass, frame, glint = (np.zeros(size[::-1], np.uint8) for _ in range(3))
    cv2.fillPoly(glass, lenses, 255)
    cv2.polylines(frame, lenses, True, 255, thickness)
    cv2.polylines(frame, [placed(np.array(bar)) for bar in bars], False, 255, thickness)
    if rng.random() < 0.4:
        at = rng.uniform(-0.5, 0.5) * rx
        for eye in _EYES:
            stripe = np.array([[at - 0.02, 0.12], [at + 0.03, 0.12], [at + 0.08, -0.12], [at + 0.03, -0.12]])
            cv2.fillPoly(glint, [placed(stripe + eye)], 255)
        glint = np.minimum(glint, glass)
    tint = strength * rng.uniform(0.3, 1.0)
    picture = _blend(image.astype(np.float32), _cover(glass, image), 25, tint)
    picture = _blend(picture, _cover(glint, image), 235, 0.8 * strength)
    return _uint8(_blend(picture, _cover(frame, image), frame_grey, min(1.0, 2 * strength)))


def hand(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """A hand at chin, mouth or cheek: a palm from below with fingers, as grey as the face, edged by its own shadow.

    At strength 1 it reaches the nose, and mouth and chin are gone.
    """
    height, width = image.shape
    size = np.array([width, height]) * _FINER
    reach = strength * rng.uniform(0.42, 0.52)
    middle = rng.uniform(0.3, 0.7)
    lean = rng.uniform(-0.35, 0.35)
    half = rng.uniform(0.17, 0.23)
    skin = image[height // 3 : 2 * height // 3, width // 4 : 3 * width // 4]
    grey = float(np.clip(np.median(skin) * rng.uniform(0.8, 1.2), 20, 235))
    top = 1 - 0.6 * reach
    palm = np.array(
        [(-half, 1.3), (-half, top + 0.04), (-0.7 * half, top), (0.7 * half, top), (half, top + 0.04), (half, 1.3)]
    )
    roots = np.linspace(-0.75, 0.75, 4) * half
    tips = 1 - reach * (1 - 0.12 * np.array([1.0, 0.2, 0.0, 0.7]))
    fan = rng.uniform(1.0, 1.5)

    def placed(points: NDArray[np.float64]) -> NDArray[np.int32]:
        leaning = points + np.array([middle, 0.0])
        leaning[:, 0] += lean * (1 - points[:, 1])
        return np.asarray(np.rint(leaning * size), np.int32)

    mask, gaps = np.zeros(size[::-1], np.uint8), np.zeros(size[::-1], np.uint8)
    cv2.fillPoly(mask, [placed(palm)], 255)
    thick = max(1, round(0.5 * half * size[0]))
    fingers = [placed(np.array([(root, top + 0.08), (root * fan, tip)])) for root, tip in zip(roots, tips, strict=True)]
    cv2.polylines(mask, fingers, False, 255, thick)
    between = [(first + second) // 2 for first, second in itertools.pairwise(fingers)]
    cv2.polylines(gaps, between, False, 255, max(1, thick // 6))
    cover = _cover(mask, image)
    shadow = cv2.GaussianBlur(cover, (0, 0), 0.025 * width).astype(np.float32, copy=False)
    picture = _blend(image.astype(np.float32), shadow, 0.0, 0.5 * min(1.0, 4 * strength))
    picture = _blend(picture, cover, grey, min(1.0, 10 * strength))
    return _uint8(_blend(picture, _cover(np.minimum(gaps, mask), image), 0.5 * grey, min(1.0, 10 * strength)))


def misframing(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """The crop around landmarks that were found a little wrong: shifted, scaled and rolled.

    At strength 1 the spreads (standard deviations) are twice those between MediaPipe's landmarks and FER2013's
    own framing (see edge.vision.crop.FER2013_MARGIN: scale 12 %, 1.4 pixels across and 1.7 down of 48); roll
    spreads by 8°. What comes in from outside repeats the edge, as on the device.
    """
    height, width = image.shape
    across, down, scale, roll = np.clip(rng.normal(0, 1, 4), -2, 2) * 2 * strength
    zoom = float(np.exp(0.12 * scale))
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 4 * float(roll), zoom)
    matrix[0, 2] += 1.4 / 48 * across * width
    matrix[1, 2] += 1.7 / 48 * down * height
    view = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return view.astype(np.uint8, copy=False)


#: By name, in the order of a report.
CORRUPTIONS: Mapping[str, Corruption] = MappingProxyType(
    {
        function.__name__: function
        for function in (motion_blur, defocus, low_light, jpeg, infrared, glasses, hand, misframing)
    }
)


def corrupted(images: Image, name: str, strength: float, seed: int, rows: Sequence[int] | None = None) -> Image:
    """Faces uint8 [N, H, W] under one corruption.

    What becomes of a face depends on name, seed and its row alone. rows: the faces' numbers in the set that they
    were taken from; none: 0 to N - 1.
    """
    function, kind = CORRUPTIONS[name], zlib.crc32(name.encode())
    numbered = zip(range(len(images)) if rows is None else rows, images, strict=True)
    return np.stack([function(face, np.random.default_rng([seed, kind, row]), strength) for row, face in numbered])


def _cover(drawing: Image, image: Image) -> NDArray[np.float32]:
    """How much of each pixel of ``image`` a finer drawing of 0 and 255 covers, 0..1."""
    small = cv2.resize(drawing, image.shape[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(small / 255, np.float32)


def _blend(image: NDArray[np.float32], cover: NDArray[np.float32], grey: float, opacity: float) -> NDArray[np.float32]:
    """``grey`` laid over ``image`` where it is covered."""
    blended: NDArray[np.float32] = image + (np.float32(grey) - image) * cover * np.float32(opacity)
    return blended


def _uint8(values: NDArray[np.floating[Any]]) -> Image:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
