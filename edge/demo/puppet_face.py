"""A portrait that moves: eyelids, jaw and head, by warping the picture along its face mesh.

The portrait is NASA's of Eileen Collins (public domain), which lies in scikit-image's wheel. Its landmarks, in
portrait.npz, are float32 [468, 3], pixels of that 512x512 picture, read by mediapipe 0.10.21's FaceMesh with
refined landmarks (static image).
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.demo.puppet_script import Pose
from edge.errors import MienError

Image = NDArray[np.uint8]
Points = NDArray[np.float32]

#: The part of the portrait that a webcam would show, in its pixels: from its top, this high, centred on the face.
VIEW_HEIGHT = 280
VIEW_CENTRE_X = 225

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
_OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176),
    *(149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)


class Puppet:
    """The portrait on its strings.

    Args:
        size: width and height of the pictures in pixels; the face is about a third as wide as a square one.

    Raises:
        MienError: when scikit-image, which brings the portrait, is not installed.
    """

    def __init__(self, size: tuple[int, int] = (512, 512)) -> None:
        width, height = size
        scale = height / VIEW_HEIGHT
        left = width / 2 - scale * VIEW_CENTRE_X
        view = np.array([[scale, 0, left], [0, scale, 0]])
        self._image = np.asarray(
            cv2.warpAffine(portrait(), view, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE),
            dtype=np.uint8,
        )
        with np.load(Path(__file__).with_name("portrait.npz")) as file:
            points: Points = file["landmarks"] * np.float32(scale) + np.array([left, 0, 0], np.float32)
        self._right_eye = _Lid(self._image, points, _RIGHT_UPPER, _RIGHT_LOWER, _RIGHT_BROW)
        self._left_eye = _Lid(self._image, points, _LEFT_UPPER, _LEFT_LOWER, _LEFT_BROW)
        self._jaw = _Jaw(self._image, points)
        self._head = _Head(size, points)

    def render(self, pose: Pose) -> Image:
        """The picture of a pose, BGR uint8 [H, W, 3]."""
        openness = pose.openness if isinstance(pose.openness, tuple) else (pose.openness, pose.openness)
        # Lids and jaw have no pixel in common, so each of them warps the undisturbed picture.
        image = self._image.copy()
        for eye, eye_openness in zip((self._right_eye, self._left_eye), openness, strict=True):
            if eye_openness < 1.0:
                eye.draw(image, eye_openness)
        if pose.mouth > 0.0:
            self._jaw.draw(image, pose.mouth)
        if pose.yaw_deg != 0.0:
            self._head.turn(image, pose.yaw_deg)
        return image if pose.visible >= 1.0 else _sink(image, 1.0 - pose.visible)


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


def _sink(image: Image, gone: float) -> Image:
    """The picture slid down by ``gone`` of its height; above it the backdrop goes on, out of focus."""
    height, width = image.shape[:2]
    down = round(gone * height)
    backdrop = cv2.GaussianBlur(image[:1], (0, 0), sigmaX=width / 32, borderType=cv2.BORDER_REPLICATE)
    seam = height // 64
    share = np.linspace(0.0, 1.0, seam, dtype=np.float32)[:, None, None]
    image[:seam] = image[:seam] * share + backdrop * (1.0 - share)
    return np.concatenate([np.broadcast_to(backdrop, (down, width, 3)), image[: height - down]])


class _Patch:
    """A rectangle of the picture and the coordinates of its samples, float32: x [1, w] and y [h, 1].

    fineness: samples a pixel, each way; more than one smooths the edges that a warp cuts.
    """

    def __init__(
        self, size: tuple[int, int], left: float, top: float, right: float, bottom: float, fineness: int = 1
    ) -> None:
        x0, x1 = np.clip((int(left), int(right) + 1), 0, size[0])
        y0, y1 = np.clip((int(top), int(bottom) + 1), 0, size[1])
        self.where = np.s_[y0:y1, x0:x1]
        self.size = (int(x1 - x0), int(y1 - y0))
        step = np.float32(1.0 / fineness)
        self.x = ((np.arange(x0 * fineness, x1 * fineness) + 0.5) * step - 0.5).astype(np.float32)[None, :]
        self.y = ((np.arange(y0 * fineness, y1 * fineness) + 0.5) * step - 0.5).astype(np.float32)[:, None]

    def sample(self, image: Image, x: Points, y: Points) -> Image:
        """The picture at x and y (pixels of the whole picture, one for each sample), as large as the patch."""
        map_x, map_y = np.broadcast_arrays(x, y)
        maps = (np.ascontiguousarray(map_x, np.float32), np.ascontiguousarray(map_y, np.float32))
        samples = cv2.remap(image, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(cv2.resize(samples, self.size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


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
        self._patch = _Patch(
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
        self._patch = _Patch(_size(image), centre_x - self.WIDTH * half, nose, centre_x + self.WIDTH * half, neck)
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


class _Head:
    """A face turned about its upright axis as a relief: the mesh gives the depth, hair and neck stay."""

    #: Width of the kernel that makes a smooth depth of the landmarks', as a share of the face's width.
    SMOOTHING = 0.05
    #: The turn fades out over that much around the face, as a share of its width.
    MARGIN = 0.12
    #: So much deeper than the mesh, so that solvePnP measures about the angle asked for: at -25, -15, 15 and 25
    #: degrees it reads -22, -13, 12 and 23.
    RELIEF = 1.4
    #: The warp is smooth: it is computed at every fourth pixel.
    COARSE = 4
    #: Steps of the fixed-point iteration that inverts the warp.
    STEPS = 16

    def __init__(self, size: tuple[int, int], points: Points) -> None:
        oval = points[list(_OVAL)]
        left, top = oval[:, :2].min(axis=0)
        right, bottom = oval[:, :2].max(axis=0)
        wide = right - left
        reach = 2.5 * self.MARGIN * wide
        self._patch = _Patch(size, left - reach, top - reach, right + reach, bottom + reach)
        middle = np.float32((self.COARSE - 1) / 2)
        x, y = self._patch.x[:, :: self.COARSE] + middle, self._patch.y[:: self.COARSE] + middle
        inside = np.zeros((y.size, x.size), np.float32)
        corner = np.array([x[0, 0], y[0, 0]], np.float32)
        cv2.fillPoly(inside, [np.round((oval[:, :2] - corner) / self.COARSE).astype(np.int32)], 1.0)
        soft = np.asarray(cv2.GaussianBlur(inside, (0, 0), self.MARGIN * wide / self.COARSE))
        # The axis lies at the depth of the face's outline, which therefore hardly moves.
        nearer = np.mean(oval[:, 2]) - _smooth_depth(points, x, y, self.SMOOTHING * wide)
        self._nearer: Points = (self.RELIEF * soft * nearer).astype(np.float32)
        self._aside: Points = (soft * (x - oval[:, 0].mean())).astype(np.float32)

    def turn(self, image: Image, yaw_deg: float) -> None:
        yaw = np.deg2rad(yaw_deg)
        move = (self._aside * (np.cos(yaw) - 1.0) + self._nearer * np.sin(yaw)).astype(np.float32)
        height, width = move.shape
        here_x, here_y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        # Where a pixel comes from: the x for which x + move(x) is that pixel. Half steps, because whole ones
        # swing to and fro where the far cheek is pressed together.
        moved = move
        for _ in range(self.STEPS):
            source = here_x - moved / np.float32(self.COARSE)
            there = np.asarray(cv2.remap(move, source, here_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
            moved = (moved + there) / 2
        patch = self._patch
        moved = np.asarray(cv2.resize(moved, None, fx=self.COARSE, fy=self.COARSE, interpolation=cv2.INTER_LINEAR))
        columns, rows = patch.size
        image[patch.where] = patch.sample(image, patch.x - moved[:rows, :columns], patch.y)


def _smooth_depth(points: Points, x: Points, y: Points, width: float) -> Points:
    """The landmarks' z at x [1, w] and y [h, 1], float32 [h, w], by a Gaussian kernel of that width in pixels."""
    exponent = -((x[..., None] - points[:, 0]) ** 2 + (y[..., None] - points[:, 1]) ** 2) / (2.0 * width**2)
    # Relative to the nearest landmark, or all weights vanish far from the face.
    weights = np.exp(exponent - exponent.max(axis=-1, keepdims=True))
    return np.asarray((weights * points[:, 2]).sum(axis=-1) / weights.sum(axis=-1), dtype=np.float32)
