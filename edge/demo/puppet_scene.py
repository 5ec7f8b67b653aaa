"""What comes between a camera and a face: glasses, a hand, light and dark, a lens out of focus or covered."""

from __future__ import annotations

import cv2
import numpy as np

from edge.demo.puppet_head import outline
from edge.demo.puppet_patch import Image, Points
from edge.demo.puppet_script import Glasses, Trouble

#: Both eyes' corners as mesh indices, from the picture's left to its right.
_EYES = ((33, 133), (362, 263))
#: The temples, where the arms of glasses go.
_TEMPLES = (127, 356)
#: On the right cheek: the colour of the skin.
_CHEEK = 50
_METAL_BGRA = (110, 120, 130, 255)
#: Colour and opacity of the lenses, and of their rims; without one the edge of the glass is seen.
_LENSES_BGRA: dict[Glasses, tuple[int, int, int, int]] = {
    "rimless": (235, 235, 235, 14),
    "rimmed": (235, 235, 235, 14),
    "dark": (26, 20, 18, 250),
}
_RIMS_BGRA: dict[Glasses, tuple[int, int, int, int]] = {
    "rimless": (160, 165, 170, 90),
    "rimmed": _METAL_BGRA,
    "dark": _METAL_BGRA,
}


class Layer:
    """Something drawn in front of pictures. bgra: uint8 [H, W, 4], opacity 0..255."""

    def __init__(self, bgra: Image) -> None:
        used = cv2.boundingRect(bgra[..., 3])
        self._left, self._top, width, height = used
        part = bgra[self._top : self._top + height, self._left : self._left + width].astype(np.float32)
        self._opacity = part[..., 3:] / np.float32(255.0)
        self._colour = part[..., :3] * self._opacity

    def draw(self, image: Image, share: float = 1.0) -> None:
        """Draws it; with a share below 1 it has come only so far up from below the picture."""
        top = self._top + round((1.0 - share) * (image.shape[0] - self._top))
        part = image[top : top + len(self._opacity), self._left : self._left + self._opacity.shape[1]]
        colour, opacity = self._colour[: len(part)], self._opacity[: len(part)]
        part[:] = (part * (1.0 - opacity) + colour).astype(np.uint8)


def glasses(size: tuple[int, int], points: Points, kind: Glasses) -> Layer:
    """Glasses on the face with these landmarks [468, 3], in a picture of ``size`` (width, height)."""
    canvas = np.zeros((size[1], size[0], 4), np.uint8)
    eyes = [points[list(corners), :2] for corners in _EYES]
    wide = float(np.mean([np.linalg.norm(right - left) for left, right in eyes]))
    half_wide, half_high = 0.95 * wide, 0.8 * wide
    thick = max(round(0.028 * wide), 1)
    centres = [np.mean(corners, axis=0) + np.array([0.0, 0.1 * wide]) for corners in eyes]

    def ellipse(centre: Points, radii: tuple[float, float], start: int, colour: tuple[int, ...], thick: int) -> None:
        axes = (round(radii[0]), round(radii[1]))
        cv2.ellipse(canvas, _pixel(centre), axes, 0, start, 360, colour, thick, cv2.LINE_AA)

    for centre, temple, side in zip(centres, _TEMPLES, (-1, 1), strict=True):
        ellipse(centre, (half_wide, half_high), 0, _LENSES_BGRA[kind], cv2.FILLED)
        ellipse(centre, (half_wide, half_high), 0, _RIMS_BGRA[kind], thick)
        hinge = centre + np.array([side * half_wide, -0.2 * half_high])
        cv2.line(canvas, _pixel(hinge), _pixel(points[temple, :2]), _METAL_BGRA, thick, cv2.LINE_AA)
    gap = float(centres[1][0] - centres[0][0]) / 2 - half_wide
    ellipse((centres[0] + centres[1]) / 2, (gap, 0.3 * half_high), 180, _METAL_BGRA, thick)
    return Layer(canvas)


def hand(image: Image, points: Points, *, mouth_only: bool) -> Layer:
    """A hand over the face with these landmarks [468, 3] in ``image``: up to the forehead, or over nose and mouth."""
    height, width = image.shape[:2]
    oval = outline(points)[:, :2]
    centre = (oval.min(axis=0) + oval.max(axis=0)) / 2
    unit = float(np.ptp(oval[:, 0]))
    centre[1] += 0.57 * unit if mouth_only else 0.05 * unit
    x, y = np.round(points[_CHEEK, :2]).astype(int)
    skin = image[y - 3 : y + 4, x - 3 : x + 4].reshape(-1, 3).mean(axis=0)
    canvas = np.empty((height, width, 4), np.uint8)
    canvas[...] = (*skin, 0)

    def stroke(points_in_units: tuple[tuple[float, float], ...], thick: float) -> None:
        line = [np.round(centre + unit * np.array(points_in_units)).astype(np.int32)]
        # Darker at the rim than in the middle, as round things are.
        for share, light in ((1.0, 0.62), (0.9, 0.78), (0.72, 0.9), (0.5, 0.97)):
            cv2.polylines(canvas, line, False, (*(skin * light), 255), round(share * thick * unit), cv2.LINE_AA)

    stroke(((0.08, 0.8), (0.3, 3.0)), 0.5)  # the wrist
    stroke(((-0.1, 0.4), (0.1, 0.4), (0.08, 0.75)), 0.56)  # the palm
    stroke(((-0.2, 0.7), (-0.42, 0.42), (-0.52, 0.14)), 0.17)  # the thumb
    for foot, tip in ((-0.27, (-0.34, -0.4)), (-0.09, (-0.11, -0.58)), (0.09, (0.1, -0.53)), (0.27, (0.31, -0.3))):
        stroke(((foot, 0.3), tip), 0.185)
    soft = cv2.GaussianBlur(canvas, (0, 0), unit / 80)
    return Layer(np.asarray(soft, np.uint8))


class Troubles:
    """The troubles of a script, for pictures of one size with the face at one place."""

    #: What is left of the light in the dark, and the noise of a camera that makes the most of it, in grey levels.
    DARK = 0.12
    NOISE = 4.0
    #: Light that gets through a covered lens, in grey levels.
    COVERED = 9.0
    #: How far out of focus, as a share of the picture's height.
    BLUR = 0.012
    #: The sun's glare: light times this and plus that many grey levels.
    SUN_GAIN = 2.6
    SUN_HAZE = 90.0

    def __init__(self, image: Image, points: Points) -> None:
        height, width = image.shape[:2]
        self._hands = {
            "hand": hand(image, points, mouth_only=False),
            "hand on mouth": hand(image, points, mouth_only=True),
        }
        middle = float(outline(points)[:, 0].mean())
        sunny = 1.0 / (1.0 + np.exp((np.arange(width) - middle) / (0.015 * width)))
        self._sunny = sunny.astype(np.float32)[None, :, None]
        rng = np.random.default_rng(0)
        # Larger than the picture: another cut of it is another pattern.
        self._noise = rng.normal(0.0, 1.0, (height + 64, width + 64, 3)).astype(np.float32)

    def draw(self, image: Image, what: Trouble, share: float, grain: int) -> Image:
        """The picture with a trouble that has come so far, 0..1."""
        if what in self._hands:
            self._hands[what].draw(image, share)
            return image
        if what == "blur":
            return _out_of_focus(image, share * self.BLUR * len(image))
        if what == "sun":
            lit = self._sunny * np.float32(share)
            return _picture(image * (1.0 + (self.SUN_GAIN - 1.0) * lit) + self.SUN_HAZE * lit)
        left = self.DARK if what == "dark" else 0.0
        light = image * np.float32(1.0 + (left - 1.0) * share)
        if what == "covered":
            light += np.float32(self.COVERED * share)
        height, width = image.shape[:2]
        down, aside = grain * 7 % 64, grain * 29 % 64
        noise = self._noise[down : down + height, aside : aside + width]
        return _picture(light + np.float32(self.NOISE * share) * noise)


def lean(image: Image, centre: Points, zoom: float, aside: float) -> Image:
    """The picture ``zoom`` times as large about ``centre`` and moved by that share of its width."""
    height, width = image.shape[:2]
    x, y = (1.0 - zoom) * centre
    view = np.array([[zoom, 0, x + aside * width], [0, zoom, y]])
    return np.asarray(cv2.warpAffine(image, view, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def sink(image: Image, gone: float) -> Image:
    """The picture slid down by ``gone`` of its height; above it the backdrop goes on, out of focus."""
    height, width = image.shape[:2]
    down = round(gone * height)
    backdrop = cv2.GaussianBlur(image[:1], (0, 0), sigmaX=width / 32, borderType=cv2.BORDER_REPLICATE)
    seam = height // 64
    share = np.linspace(0.0, 1.0, seam, dtype=np.float32)[:, None, None]
    image[:seam] = image[:seam] * share + backdrop * (1.0 - share)
    return np.concatenate([np.broadcast_to(backdrop, (down, width, 3)), image[: height - down]])


def _out_of_focus(image: Image, sigma: float) -> Image:
    """Blurred by a Gaussian; wide ones on a smaller picture, where they cost little."""
    shrink = max(int(sigma / 2), 1)
    height, width = image.shape[:2]
    small = cv2.resize(image, (width // shrink, height // shrink), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), max(sigma / shrink, 0.1))
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def _picture(light: Points) -> Image:
    return np.clip(light, 0.0, 255.0).astype(np.uint8)


def _pixel(point: Points) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
