from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import edge.camera.source as source
from edge.camera import CameraSettings
from edge.camera.capture import Image
from edge.camera.feed import CaptureFeed, Mode
from edge.camera.framing import Framing, to_bgr
from edge.camera.live import LiveCamera
from edge.camera.look import Look

SETTINGS = CameraSettings(frozen_s=5.0, dark_s=3.0)
HASTY = CameraSettings(frozen_s=1.0, dark_s=3.0)
RNG = np.random.default_rng(7)


def scene(level: float = 120, contrast: float = 40, noise: float = 2, size: tuple[int, int] = (160, 120)) -> Image:
    """A gradient about a grey level, with a sensor's noise."""
    width, height = size
    grey = level + contrast * np.linspace(-1.7, 1.7, width)[None, :, None]
    return np.clip(grey + RNG.normal(0, noise, (height, width, 3)), 0, 255).astype(np.uint8)


def kinds(images: list[Image], fps: float, settings: CameraSettings = SETTINGS) -> list[str]:
    look = Look(settings)
    return [look.judge(image, at / fps).kind for at, image in enumerate(images)]


@pytest.mark.parametrize("fps", [2, 10, 30])
def test_a_picture_that_stands_still_is_frozen_after_its_seconds_at_any_rate(fps: int) -> None:
    still = scene()
    judged = kinds([still] * (8 * fps) + [scene()], fps)
    assert judged.index("frozen") == 5 * fps
    assert judged[-1] == "running"


def test_the_same_scene_with_a_sensors_noise_is_not_frozen() -> None:
    assert set(kinds([scene(noise=1) for _ in range(60)], fps=5)) == {"running"}


@pytest.mark.parametrize(
    "covered",
    [
        pytest.param(lambda: scene(level=0, contrast=0, noise=0), id="cap"),
        pytest.param(lambda: scene(level=3, contrast=0, noise=2), id="cap with noise"),
        pytest.param(lambda: scene(level=90, contrast=3, noise=3), id="hand with light from behind"),
    ],
)
def test_a_covered_lens_is_dark_and_never_frozen(covered: Callable[[], Image]) -> None:
    judged = kinds([scene() for _ in range(10)] + [covered() for _ in range(100)] + [scene()], fps=10, settings=HASTY)
    assert set(judged[:40]) == {"running"}
    assert judged.index("dark") == 10 + 30
    assert set(judged[40:110]) == {"dark"}
    assert judged[-1] == "running"


def test_a_hand_that_passes_is_no_covered_lens() -> None:
    passing = [scene(level=2, contrast=0) for _ in range(25)]
    assert set(kinds([scene(), *passing, scene(), *passing, scene()], fps=10)) == {"running"}


def test_a_night_cab_under_infrared_light_is_not_dark() -> None:
    assert set(kinds([scene(level=30, contrast=15, noise=4) for _ in range(50)], fps=10)) == {"running"}


def test_the_checks_cost_little() -> None:
    images = [scene(size=(640, 480)) for _ in range(4)]
    look = Look(SETTINGS)
    took = []
    for at in range(400):
        began = time.perf_counter()
        look.judge(images[at % 4], at / 30)
        took.append(time.perf_counter() - began)
    assert np.median(took) < 0.3e-3


CORNERS = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)  # 3 wide, 2 high


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [[1, 2, 3], [4, 5, 6]]),
        ({"mirror": True}, [[3, 2, 1], [6, 5, 4]]),
        ({"rotate": 90}, [[4, 1], [5, 2], [6, 3]]),
        ({"rotate": 180}, [[6, 5, 4], [3, 2, 1]]),
        ({"rotate": 270}, [[3, 6], [2, 5], [1, 4]]),
        ({"rotate": 90, "mirror": True}, [[1, 4], [2, 5], [3, 6]]),
    ],
)
def test_a_picture_is_turned_then_mirrored(settings: dict[str, object], expected: list[list[int]]) -> None:
    framed = Framing(CameraSettings.model_validate(settings)).apply(np.stack([CORNERS] * 3, axis=2))
    assert framed[:, :, 0].tolist() == expected


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("mirror", [False, True])
def test_a_region_is_one_of_the_upright_picture(rotate: int, mirror: bool) -> None:
    image = RNG.integers(0, 255, (80, 100, 3), np.uint8)
    turn = {"rotate": rotate, "mirror": mirror}
    whole = Framing(CameraSettings.model_validate(turn)).apply(image)
    height, width = whole.shape[:2]
    cut = Framing(CameraSettings.model_validate({**turn, "region": (0.25, 0.5, 0.5, 0.25)})).apply(image)
    expected = whole[height // 2 : height * 3 // 4, width // 4 : width * 3 // 4]
    np.testing.assert_array_equal(cut, expected)


def test_what_is_not_asked_for_is_not_copied() -> None:
    image = RNG.integers(0, 255, (48, 64, 3), np.uint8)
    assert Framing(CameraSettings()).apply(image) is image
    assert np.shares_memory(Framing(CameraSettings(region=(0.5, 0, 0.5, 1))).apply(image), image)
    assert np.shares_memory(to_bgr(image, 16), image)


@pytest.mark.parametrize("shape", [(48, 64), (48, 64, 1)])
def test_an_infrared_camera_gives_three_channels(shape: tuple[int, ...]) -> None:
    grey = RNG.integers(0, 255, shape, np.uint8)
    image = to_bgr(grey, 16)
    assert image.shape == (48, 64, 3)
    for channel in range(3):
        np.testing.assert_array_equal(image[:, :, channel], grey.reshape(48, 64))


@pytest.mark.parametrize(("bits", "white"), [(16, 65535), (12, 4095), (10, 1023)])
def test_a_sixteen_bit_camera_is_scaled_by_the_bits_it_fills(bits: int, white: int) -> None:
    grey = np.linspace(0, white, 64 * 48).reshape(48, 64).astype(np.uint16)
    image = to_bgr(grey, bits)
    assert image.dtype == np.uint8
    assert (image.min(), image.max()) == (0, 255)
    np.testing.assert_allclose(image[:, :, 1], grey * (255 / white), atol=1)


class _Device:
    """A V4L2 capture's answers; no device is at hand."""

    def __init__(self, answers: list[tuple[bool, NDArray[Any] | None]], fourcc: str = "YUYV") -> None:
        self._answers = iter(answers)
        self._fourcc = fourcc
        self.set_to: list[tuple[int, float]] = []

    def get(self, prop: int) -> float:
        return {
            cv2.CAP_PROP_FRAME_WIDTH: 64.0,
            cv2.CAP_PROP_FRAME_HEIGHT: 48.0,
            cv2.CAP_PROP_FPS: 15.0,
            cv2.CAP_PROP_FOURCC: float(cv2.VideoWriter.fourcc(*self._fourcc)),
        }.get(prop, 0.0)

    def set(self, prop: int, value: float) -> bool:
        self.set_to.append((prop, value))
        return True

    def grab(self) -> bool:
        self._answer = next(self._answers, (False, None))
        return self._answer != (False, None)

    def retrieve(self) -> tuple[bool, NDArray[Any] | None]:
        return self._answer

    def release(self) -> None:
        pass


def test_garbage_of_a_device_is_none_and_what_it_is_can_be_told() -> None:
    good = RNG.integers(0, 255, (48, 64, 3), np.uint8)
    answers = [(True, good), (True, None), (True, np.zeros((0, 0), np.uint8)), (True, good.astype(np.float32))]
    feed = CaptureFeed(_Device(answers), "a device", 16)  # type: ignore[arg-type]
    assert str(feed.mode) == "64 × 48, 15 frames a second, YUYV"
    never = threading.Event()
    first = feed.read(never)
    assert first is not None
    np.testing.assert_array_equal(first.image, good)
    assert [feed.read(never) for _ in range(3)] == [None] * 3


def test_a_device_is_asked_for_its_format_before_its_size(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    picture = np.full((48, 64), 512, np.uint16)
    device = _Device([(True, picture)] * 100, "Y16 ")
    monkeypatch.setattr(source, "open_capture", lambda *_: device)
    settings = CameraSettings(
        source="/dev/v4l/by-id/usb-cam", pixel_format="y16", width=1280, height=720, fps=30, grey_bits=10
    )
    caplog.set_level("INFO")
    with source.open_camera(settings) as camera:
        frame = next(camera)
        assert frame.image[0, 0].tolist() == [128, 128, 128]
        assert isinstance(camera, LiveCamera)
        assert camera.asked == Mode(1280, 720, 30, "y16")
        assert camera.got == Mode(64, 48, 15, "Y16")
    assert device.set_to == [
        (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"Y16 ")),
        (cv2.CAP_PROP_CONVERT_RGB, 0),
        (cv2.CAP_PROP_FRAME_WIDTH, 1280),
        (cv2.CAP_PROP_FRAME_HEIGHT, 720),
        (cv2.CAP_PROP_FPS, 30),
    ]
    said = [record.message for record in caplog.records if "asked for" in record.message]
    assert said == [
        "camera main: /dev/v4l/by-id/usb-cam gives 64 × 48, 15 frames a second, Y16; "
        "asked for 1280 × 720, 30 frames a second, y16"
    ]
