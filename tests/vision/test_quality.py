from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.vision.quality import quality
from edge.vision.types import Box

FACE = Box(178, 72, 94, 103)


def test_a_blurred_dark_face_has_less_of_both_qualities(portrait: NDArray[np.uint8]) -> None:
    smooth = np.repeat(np.repeat(portrait[::8, ::8], 8, axis=0), 8, axis=1) // 2
    good, poor = quality(portrait, FACE), quality(smooth, FACE)
    assert good.brightness is not None
    assert poor.brightness == pytest.approx(good.brightness / 2, abs=8)
    assert good.sharpness is not None
    assert poor.sharpness is not None
    assert poor.sharpness < good.sharpness / 2


def test_the_quality_of_a_face_outside_the_picture_is_not_known_but_the_frames_is(portrait: NDArray[np.uint8]) -> None:
    outside = quality(portrait, Box(600, 600, 50, 50))
    assert outside.brightness is None
    assert outside.sharpness is None
    assert outside.frame_brightness is not None


def test_the_frame_is_judged_as_a_whole_whatever_the_face(portrait: NDArray[np.uint8]) -> None:
    grey = portrait @ np.array([0.114, 0.587, 0.299])
    with_face, without = quality(portrait, FACE), quality(portrait, None)
    assert with_face.frame_brightness == without.frame_brightness == pytest.approx(grey.mean(), abs=2)
    assert with_face.frame_contrast == without.frame_contrast == pytest.approx(grey.std(), abs=2)


@pytest.mark.parametrize("level", [0, 20, 200])
def test_a_covered_lens_shows_no_contrast_though_its_sensor_is_noisy(level: int) -> None:
    noise = np.random.default_rng(0).normal(level, 4, (480, 640, 3))
    contrast = quality(np.clip(noise, 0, 255).astype(np.uint8), None).frame_contrast
    assert contrast is not None
    assert contrast < 8


def test_a_large_frame_costs_no_more_than_a_small_one() -> None:
    large, tiny = np.zeros((2160, 3840, 3), np.uint8), Box(0, 0, 2, 2)
    quality(large, tiny)
    started = time.process_time()
    for _ in range(100):
        quality(large, tiny)
    # 0.03 ms measured; averaging all pixels would take 5 ms.
    assert (time.process_time() - started) / 100 < 0.5e-3
