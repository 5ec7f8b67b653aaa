"""Parts of the picture that are searched in turn: the detector finds in each what is too small in the whole."""

from __future__ import annotations

from math import ceil

import numpy as np

from edge.vision.region import Region
from edge.vision.types import Box

#: By how much of their side two neighbouring tiles overlap, at least: a face on the seam lies wholly in one of them.
#: With as much, one row of two tiles holds a picture of 16:9.
OVERLAP = 0.225


def views(size: tuple[int, int], tiles: int) -> list[Region]:
    """The squares to search in a picture of ``size`` (width, height), the whole picture first.

    tiles: how many go side by side along its longer side; with 1 there is the whole only.
    """
    width, height = size
    longer = max(size)
    whole = [Region(width / 2, height / 2, longer)]
    if tiles == 1:
        return whole
    side = longer / (tiles - (tiles - 1) * OVERLAP)
    return whole + [Region(x, y, side) for y in _middles(height, side) for x in _middles(width, side)]


def view_of(box: Box, of: list[Region]) -> Region | None:
    """The smallest view that holds all of ``box``."""
    return min((view for view in of if holds(view, box)), key=lambda view: view.side, default=None)


def holds(view: Region, box: Box) -> bool:
    """Whether all of a box lies in a view."""
    across, down = abs(box.x + box.width / 2 - view.x), abs(box.y + box.height / 2 - view.y)
    # A box on the picture's very edge lies in the view that ends there, whatever the rounding.
    slack = 1e-9 * view.side
    return across <= (view.side - box.width) / 2 + slack and down <= (view.side - box.height) / 2 + slack


def beyond(view: Region, box: Box) -> float:
    """How far a box reaches out of a view, in pixels; not above 0 where it lies within."""
    across, down = abs(box.x + box.width / 2 - view.x), abs(box.y + box.height / 2 - view.y)
    return max(across + box.width / 2, down + box.height / 2) - view.side / 2


def _middles(length: float, side: float) -> list[float]:
    """Of as few tiles as cover a length with their overlap."""
    if length <= side:
        return [length / 2]
    number = ceil(round((length - side) / (side * (1 - OVERLAP)), 6)) + 1
    return [float(middle) for middle in np.linspace(side / 2, length - side / 2, number)]
