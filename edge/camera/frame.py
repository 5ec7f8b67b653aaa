"""What a camera yields."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture and when it was taken.

    image: BGR uint8 [H, W, 3]. t_s: capture time in seconds, monotonic; of a file, its presentation time
    stamp from the file's start. wall_time: Unix time in seconds, for display only. seq: counts from 0 within
    the source and leaves gaps where frames were dropped. camera: the source's configured id.
    """

    image: NDArray[np.uint8]
    t_s: float
    wall_time: float
    seq: int
    camera: str
