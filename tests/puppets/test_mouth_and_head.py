"""Yawns, nods and turns of the head, read from the puppet's face."""

from __future__ import annotations

import pytest

from edge.demo.puppet import Script
from edge.vision import FaceReader
from tests.puppets.drives import TOLERANCE_S, Drive, watch

MOVING = Script(
    duration_s=27.0,
    blinks=(1.0,),
    yawns=((2.5, 4.6), (22.0, 24.5)),
    nods=((6.5, 7.0, -15.0), (9.0, 10.0, -18.0)),
    lowered=((9.0, 10.0, 0.5),),
    turns=((12.0, 14.0, 32.0), (15.5, 17.5, -32.0), (19.0, 20.2, 15.0)),
)


@pytest.fixture(scope="module")
def drive(reader: FaceReader) -> Drive:
    return watch(reader, MOVING)


def test_the_mouth_is_half_open_from_a_yawns_start_to_its_end(drive: Drive) -> None:
    at = [(seen.t_s, seen.faces[0].mouth_opening or 0.0) for seen in drive.observations]
    for start, end in drive.truth.yawns:
        wide = [t_s for t_s, opening in at if opening > 0.5 and start - 1 < t_s < end + 1]
        assert min(wide) == pytest.approx(start, abs=TOLERANCE_S)
        assert max(wide) == pytest.approx(end, abs=TOLERANCE_S)
    assert all(opening < 0.5 for t_s, opening in at if not any(a - 0.5 < t_s < b + 0.5 for a, b in drive.truth.yawns))


def test_the_head_goes_down_and_back_as_far_as_it_nods(drive: Drive) -> None:
    level = _pitch(drive, 5.5)
    for start, end, pitch_deg in drive.truth.nods:
        assert _pitch(drive, (start + end) / 2) - level == pytest.approx(pitch_deg, abs=4.0)
        for t_s in (start, end):
            moving = [_pitch(drive, near) - level for near in (t_s - TOLERANCE_S, t_s + TOLERANCE_S)]
            assert min(moving) < pitch_deg / 2 < max(moving)
        assert _pitch(drive, end + 0.4) == pytest.approx(level, abs=1.5)


def test_the_head_turns_to_either_side_as_far_as_it_does(drive: Drive) -> None:
    ahead = _yaw(drive, 11.0)
    for start, end, yaw_deg in drive.truth.turns:
        # A picture warped in two dimensions falls short of the largest turns.
        assert _yaw(drive, (start + end) / 2) - ahead == pytest.approx(yaw_deg, abs=2.0 + 0.25 * abs(yaw_deg))
        for t_s in (start, end):
            moving = [abs(_yaw(drive, near) - ahead) for near in (t_s - TOLERANCE_S, t_s + TOLERANCE_S)]
            assert min(moving) < abs(yaw_deg) / 2 < max(moving)


def test_each_yawn_is_one_and_a_look_at_the_dashboard_is_no_nod(drive: Drive) -> None:
    for kind, true in (("yawn", drive.truth.yawns), ("nod", [nod[:2] for nod in drive.truth.nods[:1]])):
        starts, ends = [start for start, _ in true], [end for _, end in true]
        assert [start.started_s for start in drive.starts(kind)] == pytest.approx(starts, abs=TOLERANCE_S)
        assert [end.ended_s for end in drive.ends(kind)] == pytest.approx(ends, abs=TOLERANCE_S)


@pytest.mark.parametrize(
    "away",
    [
        pytest.param(Script(17.0, turns=((11.0, 15.0, 34.0),)), id="to one side"),
        pytest.param(Script(17.0, turns=((11.0, 15.0, -36.0),)), id="to the other"),
        pytest.param(Script(17.0, nods=((11.0, 15.0, -26.0),), lowered=((11.0, 15.0, 0.4),)), id="into the lap"),
    ],
)
def test_four_seconds_off_the_road_are_a_distraction_after_three(reader: FaceReader, away: Script) -> None:
    drive = watch(reader, away)
    (start,), (end,) = drive.starts("distraction"), drive.ends("distraction")
    assert start.started_s == pytest.approx(11.0, abs=TOLERANCE_S)
    assert start.t_s == pytest.approx(14.0, abs=TOLERANCE_S)
    assert end.ended_s == pytest.approx(15.0, abs=TOLERANCE_S)


def test_nobody_falls_asleep_by_yawning_nodding_or_looking_aside(drive: Drive) -> None:
    assert drive.kinds() <= {"yawn", "nod"}
    assert len(drive.blinks) == 1


def _pitch(drive: Drive, t_s: float) -> float:
    pose = drive.face_at(t_s).pose
    assert pose is not None
    return pose.pitch_deg


def _yaw(drive: Drive, t_s: float) -> float:
    pose = drive.face_at(t_s).pose
    assert pose is not None
    return pose.yaw_deg
