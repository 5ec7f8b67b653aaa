"""Random views of 48×48 faces: what a camera and a detector do to them. numpy and OpenCV only."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from train.corruptions import CORRUPTIONS

_FAULTS = tuple(CORRUPTIONS.values())


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Strengths of the random changes; each is drawn anew for every face.

    shift: share of the side; rotation_deg: ± degrees; scale: lowest and highest zoom; gain, bias: contrast
    factor ± and brightness ± in grey levels; blur, erase: probabilities; camera: probability of one of a camera's
    faults (:mod:`train.corruptions`), of any strength.
    """

    flip: bool = True
    shift: float = 0.08
    rotation_deg: float = 15.0
    scale: tuple[float, float] = (0.9, 1.15)
    gain: float = 0.25
    bias: float = 25.0
    blur: float = 0.1
    erase: float = 0.25
    camera: float = 0.0

    def apply(self, image: NDArray[np.uint8], rng: np.random.Generator, side: int) -> NDArray[np.uint8]:
        """One random view, uint8 [side, side], of a uint8 [H, W] face."""
        height, width = image.shape
        zoom = rng.uniform(*self.scale) * side / width
        # Pixels have their centres at whole coordinates, so the middle of the picture lies half a pixel before
        # width / 2; with that, a view without changes is what a resize of the picture is.
        middle = np.array([width - 1, height - 1]) / 2
        turn = rng.uniform(-1, 1) * self.rotation_deg
        matrix = np.asarray(cv2.getRotationMatrix2D(middle.tolist(), turn, zoom), np.float64)
        matrix[:, 2] += (side - 1) / 2 - middle
        matrix[:, 2] += rng.uniform(-self.shift, self.shift, 2) * side
        if self.flip and rng.random() < 0.5:
            matrix = np.array([[-1, 0, side - 1], [0, 1, 0]]) @ np.vstack([matrix, [0, 0, 1]])
        view = cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        gain = 1 + rng.uniform(-self.gain, self.gain)
        bias = rng.uniform(-self.bias, self.bias)
        # Contrast turns about mid-grey, so that gain alone does not shift the brightness.
        levels = np.clip((np.arange(256) - 128) * gain + 128 + bias, 0, 255).astype(np.uint8)
        view = cv2.LUT(view, levels)
        if rng.random() < self.blur:
            view = cv2.GaussianBlur(view, (3, 3), 0)
        if rng.random() < self.erase:
            high, wide = (rng.uniform(0.1, 0.4, 2) * side).astype(int)
            top, left = rng.integers(0, side - high), rng.integers(0, side - wide)
            view[top : top + high, left : left + wide] = rng.integers(0, 256)
        if self.camera and rng.random() < self.camera:
            fault = _FAULTS[rng.integers(len(_FAULTS))]
            view = fault(np.asarray(view, np.uint8), rng, rng.uniform())
        return np.asarray(view, np.uint8)


#: Every picture as it is, but for its size.
NONE = Augmentation(flip=False, shift=0.0, rotation_deg=0.0, scale=(1.0, 1.0), gain=0.0, bias=0.0, blur=0.0, erase=0.0)
