"""A portrait that moves: eyelids, jaw and head, by warping the picture along its face mesh.

The portrait is NASA's of Eileen Collins (public domain), which lies in scikit-image's wheel. Its landmarks, in
portrait.npz, are float32 [468, 3], pixels of that 512x512 picture, read by mediapipe 0.10.21's FaceMesh with
refined landmarks (static image).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from edge.demo.puppet_head import Head, outline
from edge.demo.puppet_patch import Image, Patch, Points
from edge.demo.puppet_scene import Troubles, glasses, lean, sink
from edge.demo.puppet_script import Person, Pose
from edge.errors import MienError

#: The part of the portrait that a webcam would show, in its pixels: from its top, this high, centred on the face.
VIEW_HEIGHT = 280
VIEW_CENTRE_X = 225
#: Pictures kept for when the same pose comes again, as it does while nothing moves.
REMEMBERED = 8

# Face mesh indices. Lids run from corner to corner; brows are the brows' lower edges.
_RIGHT_UPPER = (33, 246, 161, 160, 159, 158, 157, 173, 133)
_RIGHT_LOWER = (33, 7, 163, 144, 145, 153, 154, 155, 133)
_RIGHT_BROW = (46, 53, 52, 65, 55)
_LEFT_UPPER = (362, 398, 384, 385, 386, 387, 388, 466, 263)
_LEFT_LOWER = (362, 382, 381, 380, 374, 373, 390, 249, 263)
_LEFT_BROW = (285, 295, 282, 283, 276)
_INNER_UPPER_LIP = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
_INNER_LOWER_LIP = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
_NOSE_BASE = 2
_CHIN = 152
_UNDER_EYE = 348


class Puppet:
    """The portrait on its strings, with everybody's faces that are asked for.

    Args:
        size: width and height of the pictures in pixels; the face is about a third as wide as a square one.

    Raises:
        MienError: when scikit-image, which brings the portrait, is not installed.
    """

    def __init__(self, size: tuple[int, int] = (512, 512)) -> None:
        self._size = size
        self._faces = {Person(): _Face(size, Person())}
        self._render = lru_cache(REMEMBERED)(self._draw)

    def render(self, pose: Pose) -> Image:
        """The picture of a pose, BGR uint8 [H, W, 3]."""
        return self._render(pose).copy()

    def _draw(self, pose: Pose) -> Image:
        if pose.person not in self._faces:
            self._faces[pose.person] = _Face(self._size, pose.person)
        return self._faces[pose.person].render(pose)


class _Face:
    """One person's face."""

    def __init__(self, size: tuple[int, int], person: Person) -> None:
        self._image, points = _seat(size, person)
        self._open = person.eyes
        self._centre: Points = points[_NOSE_BASE, :2]
        self._right_eye = _Lid(self._image, points, _RIGHT_UPPER, _RIGHT_LOWER, _RIGHT_BROW)
        self._left_eye = _Lid(self._image, points, _LEFT_UPPER, _LEFT_LOWER, _LEFT_BROW)
        self._jaw = _Jaw(self._image, points)
        self._head = Head(size, points)
        self._glasses = glasses(size, points, person.glasses) if person.glasses else None
        self._troubles = Troubles(self._image, points)

    def render(self, pose: Pose) -> Image:
        openness = pose.openness if isinstance(pose.openness, tuple) else (pose.openness, pose.openness)
        # Lids and jaw have no pixel in common, so each of them warps the undisturbed picture.
        image = self._image.copy()
        for eye, eye_openness in zip((self._right_eye, self._left_eye), openness, strict=True):
            if eye_openness * self._open < 1.0:
                eye.draw(image, eye_openness * self._open)
        if pose.mouth > 0.0:
            self._jaw.draw(image, pose.mouth)
        if self._glasses:
            self._glasses.draw(image)
        if pose.yaw_deg != 0.0 or pose.pitch_deg != 0.0:
            self._head.turn(image, pose.yaw_deg, pose.pitch_deg)
        if (pose.zoom, pose.aside) != (1.0, 0.0):
            image = lean(image, self._centre, pose.zoom, pose.aside)
        if pose.visible < 1.0:
            image = sink(image, 1.0 - pose.visible)
        for what, share in pose.troubles:
            image = self._troubles.draw(image, what, share, pose.grain)
        return image


def _seat(size: tuple[int, int], person: Person) -> tuple[Image, Points]:
    """The picture of a person who looks ahead, and the landmarks in it, float32 [468, 3]."""
    with np.load(Path(__file__).with_name("portrait.npz")) as file:
        points: Points = file["landmarks"]
    picture = portrait()
    if (person.width, person.nose) != (1.0, 1.0):
        picture, points = _reshape(picture, points, person)
    picture = np.clip(picture * np.array(person.tone), 0, 255).astype(np.uint8)
    width, height = size
    scale = height / VIEW_HEIGHT
    left = width / 2 - scale * VIEW_CENTRE_X
    view = np.array([[scale, 0, left], [0, scale, 0]])
    seen = cv2.warpAffine(picture, view, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, dtype=np.uint8), points * np.float32(scale) + np.array([left, 0, 0], np.float32)


def _reshape(picture: Image, points: Points, person: Person) -> tuple[Image, Points]:
    """A face of other proportions: columns and rows of pixels pressed together or stretched."""
    height, width = picture.shape[:2]
    oval = outline(points)
    low, high = float(oval[:, 0].min()), float(oval[:, 0].max())
    middle, half = (low + high) / 2, (high - low) / 2
    columns = np.array([0, middle - 2 * half, low, high, middle + 2 * half, width])
    to_columns = columns + (person.width - 1.0) * half * np.array([0, 0, -1, 1, 0, 0])
    # What stretches begins well below the eyes, which would be drawn out of shape.
    eyes, nose, chin = (float(points[index, 1]) for index in (_UNDER_EYE, _NOSE_BASE, _CHIN))
    rows = np.array([0, eyes, nose, chin, 2 * chin - eyes, height])
    to_rows = rows + (person.nose - 1.0) * (nose - eyes) * np.array([0, 0, 1, 1, 0, 0])
    x = np.interp(np.arange(width), to_columns, columns).astype(np.float32)
    y = np.interp(np.arange(height), to_rows, rows).astype(np.float32)
    from_x, from_y = np.meshgrid(x, y)
    shaped = cv2.remap(picture, from_x, from_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    moved = points.copy()
    moved[:, 0] = np.interp(points[:, 0], columns, to_columns)
    moved[:, 1] = np.interp(points[:, 1], rows, to_rows)
    moved[:, 2] *= np.float32(person.width)
    return np.asarray(shaped, dtype=np.uint8), moved


def portrait() -> Image:
    """The portrait as it was taken, BGR uint8 [512, 512, 3].

    Raises:
        MienError: when scikit-image, which brings it, is not installed.
    """
    try:
        from skimage import data  # scikit-image is optional, and slow to import
    except ImportError:
        raise MienError("the puppet needs scikit-image for its portrait: pip install 'mien[demo]'") from None
    return np.ascontiguousarray(data.astronaut()[..., ::-1])


def _size(image: Image) -> tuple[int, int]:
    return image.shape[1], image.shape[0]


def _contour(points: Points, indices: tuple[int, ...], x: Points) -> Points:
    """A lid's or lip's height over x, a smooth curve near its landmarks."""
    at = points[list(indices)].astype(np.float64)
    return np.asarray(np.polynomial.Polynomial.fit(at[:, 0], at[:, 1], deg=4)(x), dtype=np.float32)


class _Lid:
    """An upper lid that slides down over its eye; the skin between it and the brow stretches, the brow stays.

    With these figures the iris model reads an aspect ratio of 0.36 open and 0.095 closed, much as in real faces.
    """

    #: The lid's edge, dark with lashes, keeps its height while the skin above it stretches; a share of the eye's width.
    LASHES = 0.25
    #: The lashes of the outer corner reach that much further than the mesh's lid, as a share of the eye's width...
    OUTWARD = 0.3
    #: ... and come down with the lid by that share of its way.
    OUTER_WAY = 0.2

    def __init__(
        self, image: Image, points: Points, upper: tuple[int, ...], lower: tuple[int, ...], brow: tuple[int, ...]
    ) -> None:
        lids, brow_at = points[[*upper, *lower]], points[list(brow)]
        left, right = lids[:, 0].min(), lids[:, 0].max()
        wide = right - left
        beyond = self.OUTWARD * wide
        self._patch = Patch(
            _size(image), left - beyond, brow_at[:, 1].min(), right + beyond, lids[:, 1].max() + beyond, fineness=3
        )
        self._image = image
        x = self._patch.x
        on_lid = np.clip(x, left, right)
        self._upper = _contour(points, upper, on_lid)
        # At the corners the curves may cross by a fraction of a pixel.
        way = np.maximum(_contour(points, lower, on_lid) - self._upper, 0.0)
        outer = left if abs(left - points[_NOSE_BASE, 0]) > abs(right - points[_NOSE_BASE, 0]) else right
        near_outer = np.cos(np.clip((x - outer) / beyond, -1.0, 1.0) * (np.pi / 2)) ** 2
        self._way = np.maximum(way, self.OUTER_WAY * way.max() * near_outer)
        self._brow = np.interp(x, brow_at[:, 0], brow_at[:, 1]).astype(np.float32)
        self._lashes = self.LASHES * wide

    def draw(self, image: Image, openness: float) -> None:
        patch, y = self._patch, self._patch.y
        down = np.float32(1.0 - openness) * self._way
        lid = self._upper + down
        skin_end = self._upper - self._lashes
        stretched = self._brow + (y - self._brow) * (skin_end - self._brow) / (skin_end + down - self._brow)
        source = np.where(y < skin_end + down, stretched, y - down)
        source = np.where((y < self._brow) | (y >= lid), y, source)
        image[patch.where] = patch.sample(self._image, patch.x, source)


class _Jaw:
    """A lower jaw that goes down: chin and lower lip all the way, the mouth's corners in part, the upper lip hardly.

    Each column of pixels is stretched piece by piece between five heights: nose, upper lip, lower lip, chin, neck.
    """

    #: How far the jaw goes at most, as a share of the mouth's width.
    DROP = 0.65
    #: How far the mouth's corners go with it.
    CORNERS = 0.35
    #: The jaw's half width over the mouth's.
    WIDTH = 2.2
    #: The neck is pressed together over this many drops.
    NECK = 3.0
    DARK_BGR = (28, 18, 48)

    def __init__(self, image: Image, points: Points) -> None:
        lips = points[[*_INNER_UPPER_LIP, *_INNER_LOWER_LIP]]
        left, right = lips[:, 0].min(), lips[:, 0].max()
        centre_x, half = (left + right) / 2, (right - left) / 2
        self._drop = self.DROP * (right - left)
        nose, chin = points[_NOSE_BASE, 1], points[_CHIN, 1]
        neck = chin + self.NECK * self._drop
        self._patch = Patch(_size(image), centre_x - self.WIDTH * half, nose, centre_x + self.WIDTH * half, neck)
        self._image = image
        x = self._patch.x
        self._upper = _contour(points, _INNER_UPPER_LIP, np.clip(x, left, right))
        self._lower = np.maximum(_contour(points, _INNER_LOWER_LIP, np.clip(x, left, right)), self._upper)
        self._heights = (nose, self._upper, self._lower, chin, neck)
        across = np.abs(x - centre_x) / half
        arch = np.cos(np.minimum(across, 1.0) * (np.pi / 2))
        edge = 0.5 + 0.5 * np.cos(np.clip((across - 1.0) / (self.WIDTH - 1.0), 0.0, 1.0) * np.pi)
        corners = self.CORNERS * (edge - arch)
        self._moves = (0.0, corners, corners + arch, edge, 0.0)

    def draw(self, image: Image, mouth: float) -> None:
        patch, y = self._patch, self._patch.y
        drop = np.float32(mouth * self._drop)
        nose, upper, lower, chin, neck = (
            height + drop * move for height, move in zip(self._heights, self._moves, strict=True)
        )
        source = y - (upper - self._upper)
        source = np.where(y < upper, _stretch(y, nose, upper, self._heights[0], self._upper), source)
        source = np.where(y >= lower, _stretch(y, lower, chin, self._lower, self._heights[3]), source)
        source = np.where(y >= chin, _stretch(y, chin, neck, self._heights[3], self._heights[4]), source)
        face = patch.sample(self._image, patch.x, source)
        # The teeth that the portrait shows stay under the upper lip; it is dark below them.
        dark = ((source >= self._lower) & (y < lower)).astype(np.float32)
        soft = np.asarray(cv2.GaussianBlur(dark, (5, 5), 0))[..., None]
        image[patch.where] = (face * (1.0 - soft) + np.array(self.DARK_BGR, np.float32) * soft).astype(np.uint8)


def _stretch(y: Points, top: Points, bottom: Points, source_top: Points, source_bottom: Points) -> Points:
    """What lies at ``y`` when the stretch of column from source_top to source_bottom fills top to bottom."""
    share = (y - top) / np.maximum(bottom - top, 1e-3)
    return np.asarray(source_top + share * (source_bottom - source_top), dtype=np.float32)
