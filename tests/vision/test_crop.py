from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.vision.crop import CropMargin, expression_crop
from edge.vision.litert import LiteRtFinder
from edge.vision.region import Region
from edge.vision.settings import VisionSettings
from edge.vision.types import Array
from tests.vision.clips import rolled


@pytest.fixture(scope="module")
def finder(face_models: Path) -> LiteRtFinder:
    return LiteRtFinder(face_models, VisionSettings(eyes=False))


def landmarks_in(finder: LiteRtFinder, image: NDArray[np.uint8]) -> Array:
    finder.close()
    return finder.find(image, 0.0)[0].landmarks


def alike(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


@pytest.mark.parametrize("clockwise_deg", [-20.0, 20.0])
def test_a_tilted_head_gives_the_crop_of_an_upright_one(
    finder: LiteRtFinder, portrait: NDArray[np.uint8], clockwise_deg: float
) -> None:
    tilted = rolled(portrait, clockwise_deg)
    upright = expression_crop(portrait, landmarks_in(finder, portrait))
    assert upright.shape == (48, 48)
    assert upright.dtype == np.uint8
    assert alike(upright, expression_crop(tilted, landmarks_in(finder, tilted))) > 0.97
    # The comparison can fail: the same place without the turn is far from alike.
    assert alike(upright, expression_crop(tilted, landmarks_in(finder, portrait))) < 0.8


@pytest.mark.parametrize("scale", [0.6, 2.0, 4.0])
def test_a_near_and_a_far_face_give_the_same_crop(
    finder: LiteRtFinder, portrait: NDArray[np.uint8], scale: float
) -> None:
    landmarks = landmarks_in(finder, portrait)
    other = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    crop = expression_crop(other, landmarks * np.float32(scale))
    assert alike(expression_crop(portrait, landmarks), crop) > 0.98


def test_a_large_face_is_averaged_not_sampled(finder: LiteRtFinder, portrait: NDArray[np.uint8]) -> None:
    checks = (np.indices((2048, 2048)).sum(axis=0) % 2 * 255).astype(np.uint8)
    crop = expression_crop(np.repeat(checks[..., None], 3, axis=2), landmarks_in(finder, portrait) * np.float32(4))
    assert crop.std() < 25
    assert crop.mean() == pytest.approx(127, abs=10)


def test_the_face_sits_in_the_crop_as_in_fer2013(finder: LiteRtFinder, portrait: NDArray[np.uint8]) -> None:
    crop = expression_crop(portrait, landmarks_in(finder, portrait))
    padded = cv2.copyMakeBorder(cv2.resize(crop, (192, 192)), 96, 96, 96, 96, cv2.BORDER_REPLICATE)
    again = landmarks_in(finder, cv2.cvtColor(padded, cv2.COLOR_GRAY2BGR).astype(np.uint8, copy=False))
    eyes = (again[[33, 133, 362, 263], :2].mean(axis=0) - 96) / 192
    mouth = (again[[61, 291], :2].mean(axis=0) - 96) / 192
    # Medians of FER2013's Training faces: eyes at (0.50, 0.40) and mouth at (0.50, 0.77) of the frame.
    assert eyes == pytest.approx([0.50, 0.40], abs=0.04)
    assert mouth == pytest.approx([0.50, 0.77], abs=0.06)


def test_a_wider_margin_shows_more_and_a_face_at_the_edge_is_filled_up(
    finder: LiteRtFinder, portrait: NDArray[np.uint8]
) -> None:
    landmarks = landmarks_in(finder, portrait)
    wide = expression_crop(portrait, landmarks, CropMargin(scale=2.4, down=0.0))
    assert alike(expression_crop(portrait, landmarks), wide) < 0.8
    cut = expression_crop(portrait[:, 225:], landmarks - np.array([225, 0, 0], dtype=np.float32))
    assert cut[:, :16].std(axis=1).mean() < 0.2 * cut[:, 32:].std(axis=1).mean()


@pytest.mark.parametrize("shift", [(1200, 0), (-1200, 0), (0, 1200), (0, -1200), (900, 40)])
def test_a_large_face_at_or_past_the_pictures_edge_is_cropped_all_the_same(
    finder: LiteRtFinder, portrait: NDArray[np.uint8], shift: tuple[float, float]
) -> None:
    large = (landmarks_in(finder, portrait) * 3 + np.array([*shift, 0.0])).astype(np.float32)
    assert expression_crop(portrait, large).shape == (48, 48)


@pytest.mark.parametrize("side", [20.0, 150.0, 400.0, 900.0])
@pytest.mark.parametrize("size", [64, 192])
@pytest.mark.parametrize("at", [(256.0, 256.0), (3.0, 250.0), (505.0, 509.0), (-400.0, 700.0)])
@pytest.mark.parametrize("border", [cv2.BORDER_REPLICATE, cv2.BORDER_CONSTANT])
def test_what_is_cut_out_first_gives_the_same_crop(
    portrait: NDArray[np.uint8], at: tuple[float, float], side: float, size: int, border: int
) -> None:
    region = Region(*at, side, angle=0.4)
    crop = region.crop_rgb(portrait, size, border)
    np.testing.assert_array_equal(crop, region.crop(portrait, size, border)[..., ::-1])
