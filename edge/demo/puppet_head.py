"""A face that turns and nods: a relief, with its depth from the mesh."""

from __future__ import annotations

import cv2
import numpy as np

from edge.demo.puppet_patch import Image, Patch, Points

# The face's outline, as mesh indices.
_OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176),
    *(149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)


def outline(points: Points) -> Points:
    """The face's outline, in order, of landmarks [468, 3]."""
    return points[list(_OVAL)]


class Head:
    """A face turned about an upright and a level axis as a relief; hair and neck stay."""

    #: Width of the kernel that makes a smooth depth of the landmarks', as a share of the face's width.
    SMOOTHING = 0.05
    #: The turn fades out over that much around the face, as a share of its width.
    MARGIN = 0.12
    #: So much deeper than the mesh, so that solvePnP measures about the angle asked for.
    YAW_RELIEF = 1.4
    PITCH_RELIEF = 1.4
    #: The warp is smooth: it is computed at every fourth pixel.
    COARSE = 4
    #: Steps of the fixed-point iteration that inverts the warp.
    STEPS = 16

    def __init__(self, size: tuple[int, int], points: Points) -> None:
        oval = outline(points)
        left, top = oval[:, :2].min(axis=0)
        right, bottom = oval[:, :2].max(axis=0)
        wide = right - left
        reach = 2.5 * self.MARGIN * wide
        self._patch = Patch(size, left - reach, top - reach, right + reach, bottom + reach)
        middle = np.float32((self.COARSE - 1) / 2)
        x, y = self._patch.x[:, :: self.COARSE] + middle, self._patch.y[:: self.COARSE] + middle
        inside = np.zeros((y.size, x.size), np.float32)
        corner = np.array([x[0, 0], y[0, 0]], np.float32)
        cv2.fillPoly(inside, [np.round((oval[:, :2] - corner) / self.COARSE).astype(np.int32)], 1.0)
        soft = np.asarray(cv2.GaussianBlur(inside, (0, 0), self.MARGIN * wide / self.COARSE))
        # The axes lie at the depth of the face's outline, which therefore hardly moves.
        nearer = np.mean(oval[:, 2]) - _smooth_depth(points, x, y, self.SMOOTHING * wide)
        self._nearer: Points = (soft * nearer).astype(np.float32)
        self._aside: Points = (soft * (x - oval[:, 0].mean())).astype(np.float32)
        self._below: Points = (soft * (y - oval[:, 1].mean())).astype(np.float32)

    def turn(self, image: Image, yaw_deg: float, pitch_deg: float) -> None:
        """Turns the face in the picture; the angles' signs are those of ``Pose``."""
        yaw, pitch = np.deg2rad(yaw_deg), np.deg2rad(pitch_deg)
        across = self._aside * (np.cos(yaw) - 1.0) + self.YAW_RELIEF * self._nearer * np.sin(yaw)
        down = self._below * (np.cos(pitch) - 1.0) - self.PITCH_RELIEF * self._nearer * np.sin(pitch)
        moves = np.dstack([across, down]).astype(np.float32) / np.float32(self.COARSE)
        height, width = self._nearer.shape
        here = np.dstack(np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)))
        # Where a pixel comes from: the place for which place + moves(place) is that pixel. Half steps, because
        # whole ones swing to and fro where the far side is pressed together.
        moved = moves
        for _ in range(self.STEPS):
            from_x, from_y = cv2.split(here - moved)
            there = cv2.remap(moves, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            moved = (moved + np.asarray(there, np.float32)) / 2
        moved = np.asarray(cv2.resize(moved, None, fx=self.COARSE, fy=self.COARSE, interpolation=cv2.INTER_LINEAR))
        patch = self._patch
        columns, rows = patch.size
        moved = moved[:rows, :columns] * np.float32(self.COARSE)
        image[patch.where] = patch.sample(image, patch.x - moved[..., 0], patch.y - moved[..., 1])


def _smooth_depth(points: Points, x: Points, y: Points, width: float) -> Points:
    """The landmarks' z at x [1, w] and y [h, 1], float32 [h, w], by a Gaussian kernel of that width in pixels."""
    exponent = -((x[..., None] - points[:, 0]) ** 2 + (y[..., None] - points[:, 1]) ** 2) / (2.0 * width**2)
    # Relative to the nearest landmark, or all weights vanish far from the face.
    weights = np.exp(exponent - exponent.max(axis=-1, keepdims=True))
    return np.asarray((weights * points[:, 2]).sum(axis=-1) / weights.sum(axis=-1), dtype=np.float32)
