"""The same drive at every frame rate, with frames early, late and lost: what was read, and what was made of it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from edge.camera import Frame
from edge.demo.puppet import Pose, Puppet, Script
from edge.vision import FaceReader
from tests.puppets.drives import TOLERANCE_S, Drive, watch

RATES = (10, 15, 24, 30)
#: PERCLOS is known once so much of its window is, 60 % of a minute.
PERCLOS_FROM_S = 36.0
#: Blinks; a heavy lid, a microsleep, a sleep; blinks again.
TIRED = Script(
    duration_s=40.0,
    blinks=(1.5, (2.9, 3.05), 4.2, (5.4, 5.7), 6.9, 21.3, 27.5, 33.1),
    closures=((8.2, 9.2), (10.7, 12.6), (14.2, 19.4)),
)


@pytest.fixture(scope="module", params=RATES, ids=lambda fps: f"{fps} fps")
def drive(request: pytest.FixtureRequest, reader: FaceReader) -> Drive:
    fps: int = request.param
    return watch(reader, TIRED, fps, dropped=0.05)


def test_eyes_are_read_closed_when_they_are(drive: Drive) -> None:
    read = [(start, end) for start, end in drive.closures() if end - start > 0.7]
    assert len(read) == len(drive.truth.closures)
    for (start, end), (true_start, true_end) in zip(read, drive.truth.closures, strict=True):
        assert start == pytest.approx(true_start, abs=TOLERANCE_S)
        assert end == pytest.approx(true_end, abs=TOLERANCE_S)


@pytest.mark.parametrize(("kind", "after_s"), [("microsleep", 1.5), ("sleep", 3.0), ("unresponsive", 4.5)])
def test_every_rate_finds_the_same_episodes(drive: Drive, kind: str, after_s: float) -> None:
    due = [(start, end) for start, end in drive.truth.closures if end - start >= after_s]
    starts, ends = drive.starts(kind), drive.ends(kind)
    # What a frame would have told is told by the next where that one was dropped.
    late_s = max(TOLERANCE_S, max(later.t_s - state.t_s for state, later in pairwise(drive.states)))
    assert len(starts) == len(ends) == len(due)
    for began, ended, (start, end) in zip(starts, ends, due, strict=True):
        assert began.started_s == pytest.approx(start, abs=TOLERANCE_S)
        assert began.t_s == pytest.approx(start + after_s, abs=late_s)
        assert ended.ended_s == pytest.approx(end, abs=TOLERANCE_S)


def test_every_blink_is_counted_from_15_fps_on_and_none_below(drive: Drive) -> None:
    fps = (len(drive.observations) - 1) / drive.observations[-1].t_s
    if fps < 12:
        assert not drive.blinks
        assert all(state.blinks is None for state in drive.states)
        return
    # A closure too short for an alert is a long blink.
    true = sorted([*drive.truth.blinks, drive.truth.closures[0]])
    assert len(drive.blinks) == len(true)
    for blink, (start, end) in zip(drive.blinks, true, strict=True):
        assert blink.started_s == pytest.approx(start, abs=TOLERANCE_S)
        assert blink.duration_s == pytest.approx(end - start, abs=TOLERANCE_S)


def test_perclos_is_that_of_the_truth_and_tells_that_the_driver_is_drowsy(drive: Drive) -> None:
    known = [(state.t_s, state.perclos_60s) for state in drive.states if state.perclos_60s is not None]
    assert known[0][0] == pytest.approx(PERCLOS_FROM_S, abs=TOLERANCE_S)
    for t_s, perclos in known:
        # Of the minute only what has passed is known.
        assert perclos == pytest.approx(drive.truth.perclos(t_s, window_s=t_s), abs=0.02)
    (drowsy,) = drive.starts("drowsiness")
    assert drowsy.t_s == pytest.approx(PERCLOS_FROM_S, abs=TOLERANCE_S)


def test_a_still_picture_reads_the_same_over_and_over(reader: FaceReader) -> None:
    reader.close()
    image = Puppet().render(Pose(0.5))
    ratios = []
    for seq in range(15):
        (face,) = reader.read(Frame(image, seq / 30, wall_time=0.0, seq=seq, camera="puppet")).faces
        assert face.right_eye is not None
        assert face.right_eye.aspect_ratio is not None
        ratios.append(face.right_eye.aspect_ratio)
    assert np.ptp(ratios[6:]) < 0.005
