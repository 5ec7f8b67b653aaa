"""What is left out under load: a device that is simulated, frame by frame, with a clock of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.camera import Frame
from edge.running import Shedder, SheddingSettings
from edge.running.shedding import ladder
from edge.vision import FaceReader, VisionSettings

FULL = VisionSettings(landmarker=Path("face_landmarker.task"))


@dataclass
class Device:
    """A camera of 30 frames a second, of which the newest is read, and a processor that takes its time."""

    shedder: Shedder
    now_s: float = 1000.0
    dropped: int = 0
    throttled: bool = False

    def run(self, seconds: float, takes_s: float) -> list[int]:
        """How far up the ladder it was after each change. takes_s: to read a frame."""
        changes = []
        ends_s = self.now_s + seconds
        while self.now_s < ends_s:
            waits_s = 1 / 30 - self.now_s % (1 / 30) if takes_s < 1 / 30 else 0.0
            self.now_s += waits_s + takes_s
            self.dropped += max(0, round(30 * takes_s) - 1)
            late_s = takes_s + (1 / 60 if takes_s >= 1 / 30 else 0.0)
            if self.shedder.frame(self.now_s, latency_s=late_s, dropped=self.dropped, throttled=self.throttled):
                changes.append(self.level)
        return changes

    @property
    def level(self) -> int:
        rungs = ladder(FULL, grace_s=1.0, driver=False)
        return next((at + 1 for at, rung in enumerate(rungs) if rung.vision == self.shedder.vision), 0)


def device(vision: VisionSettings = FULL, driver: bool = False, **settings: float) -> Device:
    return Device(Shedder(SheddingSettings(**settings), vision, grace_s=1.0, driver=driver))


def test_expressions_go_first_then_faces_and_the_eyes_last() -> None:
    assert [rung.what for rung in ladder(FULL, grace_s=1.0, driver=False)] == [
        *("expression_rate", "expression_rate", "faces", "faces", "second_opinion", "eyes", "detector"),
    ]


def test_a_drivers_eyes_are_always_read_and_a_passenger_never_takes_the_only_place() -> None:
    rungs = ladder(FULL, grace_s=1.0, driver=True)
    assert [rung.what for rung in rungs][-1] == "second_opinion"
    assert all(rung.vision.eyes and rung.vision.max_faces >= 2 for rung in rungs)


@given(
    st.builds(
        VisionSettings,
        max_faces=st.integers(1, 32),
        read_faces=st.none() | st.integers(1, 32),
        detect_every_s=st.floats(0, 60),
        expression_every_s=st.floats(0, 60),
        expression=st.booleans(),
        eyes=st.booleans(),
    ),
    st.floats(0, 30),
    st.booleans(),
)
def test_every_step_spares_something_and_no_expression_grows_stale(
    vision: VisionSettings, grace_s: float, driver: bool
) -> None:
    before = vision
    for rung in ladder(vision, grace_s=grace_s, driver=driver):
        after = rung.vision
        assert after != before
        assert after.max_faces <= before.max_faces
        assert (after.read_faces or 32) <= (before.read_faces or 32)
        assert after.detect_every_s >= before.detect_every_s
        assert after.eyes <= before.eyes
        if after.expression_every_s != vision.expression_every_s:
            assert vision.expression_every_s < after.expression_every_s <= 0.5 * grace_s
        before = after


def test_a_device_with_time_to_spare_leaves_nothing_out() -> None:
    cab = device()
    assert cab.run(120, takes_s=0.012) == []
    assert cab.shedder.vision is FULL
    assert cab.shedder.shedding == ()


def test_half_the_frames_may_be_dropped_as_long_as_enough_are_read() -> None:
    assert device().run(60, takes_s=0.06) == []
    assert device(enough_fps=20).run(60, takes_s=0.06) != []


def test_too_many_frames_cost_one_thing_after_another_never_all_at_once() -> None:
    cab = device()
    assert cab.run(2.5, takes_s=0.1) == [], "a hiccup is no load"
    assert cab.run(60, takes_s=0.1) == [1, 2, 3, 4, 5, 6, 7]
    assert cab.shedder.shedding == ("expression_rate", "faces", "second_opinion", "eyes", "detector")


def test_before_a_crowd_as_many_faces_are_read_as_the_frame_rate_asked_for_allows() -> None:
    crowd = device(VisionSettings(expression=False, eyes=False, max_faces=12), enough_fps=10)

    def takes_s(faces: int) -> float:
        return 0.02 + 0.015 * faces

    def reads() -> int:
        return min(crowd.shedder.vision.read_faces or 12, 12)

    for _ in range(30):
        crowd.run(1, takes_s(reads()))
    assert crowd.shedder.shedding == ("faces",)
    assert crowd.shedder.vision.max_faces == 12, "all are followed"
    assert reads() == 3
    assert 1 / takes_s(3) > 10 > 1 / takes_s(6)


def test_late_frames_count_although_none_is_dropped() -> None:
    shedder = device().shedder
    changed = [shedder.frame(at / 20, latency_s=0.4, dropped=0, throttled=False) for at in range(20 * 5)]
    assert changed.count(True) == 1
    assert shedder.shedding == ("expression_rate",)


def test_a_processor_that_throttles_is_relieved_slowly_though_it_keeps_up() -> None:
    cab = device()
    cab.throttled = True
    assert cab.run(15, takes_s=0.01) == []
    assert cab.run(50, takes_s=0.01) == [1, 2, 3]
    cab.throttled = False
    assert cab.run(120, takes_s=0.01) == [2, 1, 0]


def test_recovery_is_patient_and_more_so_each_time_it_comes_too_soon() -> None:
    cab = device()
    cab.run(4, takes_s=0.1)
    waits_s = []
    for _ in range(4):
        began_s = cab.now_s
        while cab.level:
            cab.run(1, takes_s=0.01)
        waits_s.append(cab.now_s - began_s)
        while not cab.level:
            cab.run(1, takes_s=0.1)
    assert waits_s == pytest.approx([20, 40, 80, 160], abs=4)


def test_between_too_much_and_time_to_spare_all_stays_as_it_is() -> None:
    cab = device()
    cab.run(4, takes_s=0.1)
    assert cab.level == 1
    assert cab.run(120, takes_s=0.028) == []


def test_a_camera_that_was_off_is_no_load() -> None:
    cab = device()
    cab.run(10, takes_s=0.01)
    cab.now_s += 3600
    assert cab.run(10, takes_s=0.01) == []


def test_switched_off_it_leaves_nothing_out() -> None:
    assert Device(Shedder(SheddingSettings(on=False), FULL, grace_s=1.0, driver=False)).run(60, takes_s=0.5) == []


def test_another_configuration_is_shed_as_far_as_the_old_one() -> None:
    cab = device()
    cab.run(4, takes_s=0.1)
    cab.shedder.configure(VisionSettings(max_faces=7), grace_s=2.0, driver=True)
    assert cab.shedder.vision == VisionSettings(max_faces=7, expression_every_s=0.4)
    cab.shedder.configure(VisionSettings(expression=False, max_faces=1, detect_every_s=5), grace_s=2.0, driver=True)
    assert cab.shedder.shedding == ()


@pytest.fixture
def reader(face_models: Path) -> Iterator[FaceReader]:
    from edge.daemon import open_reader

    with open_reader(VisionSettings(max_faces=4, detect_every_s=0.0), seed=1) as opened:
        yield opened


def test_a_running_reader_takes_over_what_is_left_out_and_gives_it_back(
    reader: FaceReader, portrait: NDArray[np.uint8]
) -> None:
    face = portrait[:300, 80:380]
    couple = np.hstack([face, face[:, ::-1]])
    frames = iter(Frame(couple, at / 10, at / 10, at, "cab") for at in range(100))
    configured = reader.settings
    assert len(reader.read(next(frames)).faces) == 2
    rungs = {rung.what: rung.vision for rung in ladder(configured, grace_s=1.0, driver=False)}

    reader.settings = rungs["expression_rate"]
    shown = [reader.read(next(frames)).faces[0].expression is not None for _ in range(10)]
    assert shown.count(True) == 2, "every half second"
    reader.settings = rungs["faces"]
    assert len(reader.read(next(frames)).faces) == 1
    reader.settings = rungs["eyes"]
    (blind,) = reader.read(next(frames)).faces
    assert blind.right_eye is None
    assert blind.left_eye is None

    reader.settings = configured
    seen = [reader.read(next(frames)).faces for _ in range(3)][-1]
    assert len(seen) == 2
    assert all(face.right_eye is not None and face.expression is not None for face in seen)
