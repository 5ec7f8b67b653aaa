"""What the corruptions do to a face, and what they leave alone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from train.corruptions import CORRUPTIONS, corrupted

#: Change in grey levels, on average over a picture.
BARELY, CLEARLY = 2.5, 4.0


@pytest.fixture(scope="module")
def faces(portrait: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The portrait's face and its mirror image, framed about as FER2013 would, uint8 [2, 48, 48]."""
    grey = cv2.cvtColor(portrait[60:220, 140:300], cv2.COLOR_BGR2GRAY)
    face = cv2.resize(grey, (48, 48), interpolation=cv2.INTER_AREA).astype(np.uint8)
    return np.stack([face, face[:, ::-1]])


def change(faces: NDArray[np.uint8], name: str, strength: float) -> NDArray[np.float64]:
    """Mean distance in grey levels, [48, 48], over several draws."""
    many = np.repeat(faces, 12, axis=0)
    return np.asarray(np.abs(corrupted(many, name, strength, seed=5).astype(float) - many).mean(axis=0))


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_next_to_nothing_at_strength_0_and_more_with_every_step(faces: NDArray[np.uint8], name: str) -> None:
    nothing, half, full = (change(faces, name, strength).mean() for strength in (0.0, 0.5, 1.0))
    assert nothing < BARELY
    assert nothing < half < full
    assert full > CLEARLY


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_the_same_seed_gives_the_same_picture_whatever_else_is_in_the_set(faces: NDArray[np.uint8], name: str) -> None:
    before = faces.copy()
    both = corrupted(faces, name, 0.8, seed=3)
    assert np.array_equal(faces, before)
    assert both.dtype == np.uint8
    assert np.array_equal(corrupted(faces, name, 0.8, seed=3), both)
    assert np.array_equal(corrupted(faces[1:], name, 0.8, seed=3, rows=[1]), both[1:])
    assert not np.array_equal(corrupted(faces, name, 0.8, seed=4), both)


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("side", [36, 96])
def test_pictures_of_another_size_change_as_much(faces: NDArray[np.uint8], name: str, side: int) -> None:
    other = np.stack([cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA) for face in faces])
    assert corrupted(other, name, 1.0, seed=0).shape == (2, side, side)
    here, there = change(faces, name, 1.0).mean(), change(other, name, 1.0).mean()
    assert there == pytest.approx(here, rel=0.4)


@pytest.mark.parametrize("shape", [(48, 48), (40, 56)])
@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("grey", [0, 255])
def test_blank_and_oblong_pictures_come_back_in_their_shape(name: str, shape: tuple[int, int], grey: int) -> None:
    blank = np.full((1, *shape), grey, np.uint8)
    assert corrupted(blank, name, 1.0, seed=0).shape == (1, *shape)


def test_glasses_sit_on_the_eyes_and_leave_the_mouth(faces: NDArray[np.uint8]) -> None:
    changed = change(faces, "glasses", 1.0)
    assert changed[14:21].mean() > 5 * CLEARLY
    assert changed[32:].max() == 0


def test_a_hand_covers_the_mouth_and_leaves_the_eyes(faces: NDArray[np.uint8]) -> None:
    changed = change(faces, "hand", 1.0)
    assert changed[36:46, 16:32].mean() > 2 * CLEARLY
    assert changed[:16].max() == 0


def test_low_light_is_darker_and_noisier_and_infrared_is_flatter(faces: NDArray[np.uint8]) -> None:
    dark, lit = (corrupted(faces, name, 1.0, seed=0).astype(float) for name in ("low_light", "infrared"))
    assert dark.mean() < 0.6 * faces.mean()
    assert roughness(dark) / dark.mean() > 1.5 * roughness(faces) / faces.mean()
    assert lit[:, 12:36, 12:36].std() < 0.8 * faces[:, 12:36, 12:36].std()


def roughness(images: NDArray[np.generic]) -> float:
    """Mean step between neighbours."""
    return float(np.abs(np.diff(images.astype(float), axis=2)).mean())


def test_blur_smooths_along_the_motion_and_defocus_all_around(faces: NDArray[np.uint8]) -> None:
    assert roughness(corrupted(faces, "defocus", 1.0, seed=0)) < 0.6 * roughness(faces)
    dot = np.zeros((1, 49, 49), np.uint8)
    dot[0, 24, 24] = 255
    y, x = np.nonzero(corrupted(dot, "motion_blur", 1.0, seed=0)[0])
    spreads = np.sqrt(np.linalg.eigvalsh(np.cov(x, y)))
    assert spreads[1] > 3 * spreads[0]


def test_misframing_spreads_as_far_as_the_landmarks_do() -> None:
    dot = np.zeros((400, 48, 48), np.float32)
    dot[:, 22:26, 22:26] = 200
    moved = corrupted(dot.astype(np.uint8), "misframing", 0.5, seed=0).astype(float)
    weight = moved.sum(axis=(1, 2))
    across = (moved.sum(axis=1) @ np.arange(48)) / weight - 23.5
    down = (moved.sum(axis=2) @ np.arange(48)) / weight - 23.5
    # Clipped at two deviations, a normal spread shrinks by about 4 %.
    assert across.std() == pytest.approx(1.4 * 0.96, rel=0.1)
    assert down.std() == pytest.approx(1.7 * 0.96, rel=0.1)
    assert np.log(np.sqrt(weight / weight.mean())).std() == pytest.approx(0.12, rel=0.2)
