"""The faces by which a device tells that a model says there what it said here: drawn, so that nobody's is in a file."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.expression import calibrated
from quantize.graph import feed, interpreter, read
from train.data.faces import SIDE

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]

#: Drawn this many times larger and averaged down: at 48 pixels a line has no shape.
_FINER = 4
_CANDIDATES = 200
#: The ways in which the same file may be run: threads, and LiteRT's delegate or its own kernels.
_WAYS = ((1, True), (2, True), (1, False))
#: Three times what these ways make differ here, for the kernels of processors that are not here; but two steps of an
#: int8 logit at least, which is what one rounding the other way near the output costs.
_MARGIN = 3.0
_LEAST, _MOST = 0.02, 0.1


def faces(seed: int, count: int = _CANDIDATES) -> Images:
    """Drawn faces of every look, uint8 [N, 48, 48], the same for a seed."""
    rng = np.random.default_rng([seed, 0])
    return np.stack([_face(rng) for _ in range(count)])


def fields(seed: int) -> Images:
    """Slopes and clouds of grey, uint8 [4, 48, 48]: no face, so that no class is sure."""
    rng = np.random.default_rng([seed, 1])
    return np.stack([_field(rng, cells) for cells in (1, 1, 3, 5)])


def surest(pictures: Images, logits: Floats) -> Images:
    """For every class that comes out, the picture that is surest of it, in the order of the classes."""
    shares = calibrated(logits, 1.0)
    likeliest, sureness = shares.argmax(axis=1), shares.max(axis=1)
    return pictures[[int(np.where(likeliest == label, sureness, -1).argmax()) for label in np.unique(likeliest)]]


def spread(model: bytes, pictures: Images, temperature: float) -> float:
    """The most by which a probability differs between one and two threads, with and without XNNPACK, 0..1."""
    ways = np.stack([_probabilities(model, pictures, temperature, *way) for way in _WAYS])
    return float(np.ptp(ways, axis=0).max())


def tolerance(measured_spread: float) -> float:
    """The most by which a device's probability may differ, from what differs on this machine."""
    return round(float(np.clip(_MARGIN * measured_spread, _LEAST, _MOST)), 3)


def _probabilities(model: bytes, pictures: Images, temperature: float, threads: int, delegate: bool) -> Floats:
    loaded = interpreter(model, threads, delegate=delegate)
    (output,) = loaded.get_output_details()
    rows = []
    for picture in pictures:
        feed(loaded, picture.astype(np.float32)[np.newaxis, :, :, np.newaxis] / 255)
        loaded.invoke()
        rows.append(read(loaded, output)[0])
    return calibrated(np.stack(rows), temperature)


def _field(rng: np.random.Generator, cells: int) -> Images:
    """Light and dark that run into each other: a slope for one cell, clouds for more."""
    corners = rng.uniform(0, 255, (cells + 1, cells + 1)).astype(np.float32)
    return cv2.resize(corners, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)


def _face(rng: np.random.Generator) -> Images:
    """An oval with hair, brows, eyes, nose and mouth, each drawn from a range that holds every class's look."""
    size = SIDE * _FINER
    skin, ground = rng.uniform(120, 220), rng.uniform(20, 160)
    canvas = np.full((size, size), ground, np.float32)
    dark = skin * rng.uniform(0.15, 0.4)

    def at(x: float, y: float) -> tuple[int, int]:
        return round(x * size), round(y * size)

    cv2.ellipse(canvas, at(0.5, 0.42), at(0.46, 0.5), 0, 0, 360, dark, -1, cv2.LINE_AA)
    cv2.ellipse(canvas, at(0.5, 0.55), at(0.4, 0.52), 0, 0, 360, skin, -1, cv2.LINE_AA)
    opening, brow_height, brow_slope = rng.uniform(0.01, 0.06), rng.uniform(0.09, 0.16), rng.uniform(-0.05, 0.05)
    for side in (-1, 1):
        eye = 0.5 + 0.185 * side
        cv2.ellipse(canvas, at(eye, 0.37), at(0.085, opening), 0, 0, 360, 0.35 * skin + 150, -1, cv2.LINE_AA)
        cv2.circle(canvas, at(eye, 0.37), round(min(opening, 0.035) * size), 20, -1, cv2.LINE_AA)
        inner, outer = (0.5 + x * side for x in (0.08, 0.28))
        ends = at(inner, 0.37 - brow_height + brow_slope), at(outer, 0.37 - brow_height - brow_slope / 2)
        cv2.line(canvas, *ends, dark, round(0.03 * size), cv2.LINE_AA)
    nose = np.array([at(0.5, 0.42), at(0.44, 0.6), at(0.55, 0.61)], np.int32)
    cv2.polylines(canvas, [nose], False, 0.75 * skin, round(0.015 * size), cv2.LINE_AA)
    _mouth(
        canvas, at(0.5, 0.76), rng.uniform(-0.08, 0.08), max(0.0, rng.uniform(-0.06, 0.1)), rng.uniform(0.1, 0.2), skin
    )
    light = _field(rng, 1).astype(np.float32) / 255
    small = cv2.resize(cv2.GaussianBlur(canvas, (0, 0), 0.008 * size), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return (small * (0.75 + 0.5 * light) + rng.normal(0, 3, small.shape)).clip(0, 255).astype(np.uint8)


def _mouth(canvas: Floats, middle: tuple[int, int], curve: float, opening: float, half: float, skin: float) -> None:
    """Lips that curve up (positive) or down, apart by an opening; lengths are shares of the canvas."""
    size = len(canvas)
    along = np.linspace(-1, 1, 25)
    x = middle[0] + along * half * size
    bend = middle[1] - curve * along**2 * size + 0.5 * curve * size
    gap = opening * (1 - along**2) * size
    lips = np.concatenate([np.stack([x, bend - gap], 1), np.stack([x, bend + gap], 1)[::-1]])
    outline = [np.rint(lips).astype(np.int32)]
    cv2.fillPoly(canvas, outline, 30, cv2.LINE_AA)
    cv2.polylines(canvas, outline, True, 0.5 * skin, round(0.022 * size), cv2.LINE_AA)
