"""Frames of a clip, as a camera would hand them over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.camera.frame import Frame


def still(image: NDArray[np.uint8], t_s: float = 0.0) -> Frame:
    return Frame(image, t_s, wall_time=0.0, seq=round(t_s * 1000), camera="test")


def frames(path: Path, until_s: float = np.inf, every: int = 1, since_s: float = 0.0) -> Iterator[Frame]:
    """Every frame, or every so-manieth, of that part of the clip."""
    video = cv2.VideoCapture(str(path))
    rate = video.get(cv2.CAP_PROP_FPS)
    first = seq = round(since_s * rate)
    video.set(cv2.CAP_PROP_POS_FRAMES, seq)
    while seq / rate < until_s:
        if not video.grab():
            break
        if seq % every == 0:
            _, image = video.retrieve()
            yield Frame(image.astype(np.uint8, copy=False), seq / rate, wall_time=0.0, seq=seq, camera="clip")
        seq += 1
    video.release()
    assert seq > first, f"{path} holds no frames"


def rolled(image: NDArray[np.uint8], clockwise_deg: float) -> NDArray[np.uint8]:
    """The portrait turned about its face."""
    turn = cv2.getRotationMatrix2D((225, 125), -clockwise_deg, 1)
    size = (image.shape[1], image.shape[0])
    return cv2.warpAffine(image, turn, size, borderMode=cv2.BORDER_REPLICATE).astype(np.uint8, copy=False)
