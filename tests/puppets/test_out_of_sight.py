"""Hands, sun, darkness, a blurred or covered lens, a face gone: open eyes that cannot be seen are not closed ones."""

from __future__ import annotations

import pytest

from edge.demo.puppet import Person, Script, Trouble
from edge.vision import FaceReader
from tests.puppets.drives import TOLERANCE_S, Drive, watch


def _assert_quiet(drive: Drive) -> None:
    """No alarm, and no closure but the blinks that there were."""
    assert not drive.kinds()
    assert [blink.started_s for blink in drive.blinks] == pytest.approx(
        [start for start, _ in drive.truth.blinks], abs=TOLERANCE_S
    )
    assert max(blink.duration_s for blink in drive.blinks) < 0.3


@pytest.mark.parametrize("what", ["hand", "hand on mouth", "sun", "dark", "blur", "covered"])
def test_eyes_are_not_closed_because_something_is_in_the_way_for_two_seconds(reader: FaceReader, what: Trouble) -> None:
    script = Script(duration_s=8.0, blinks=(1.5, 6.8), troubles=((3.0, 5.0, what),))
    _assert_quiet(watch(reader, script))


@pytest.mark.parametrize("gone_s", [1.0, 2.0])
def test_a_face_that_was_lost_did_not_sleep(reader: FaceReader, gone_s: float) -> None:
    script = Script(duration_s=9.0, blinks=(1.5, 8.2), absences=((3.0, 3.0 + gone_s),))
    drive = watch(reader, script)
    assert any(not seen.faces for seen in drive.observations)
    _assert_quiet(drive)


def test_an_eye_that_closes_in_the_sun_is_still_caught_by_the_one_in_the_shade(reader: FaceReader) -> None:
    script = Script(duration_s=8.0, closures=((3.5, 5.7),), troubles=((2.0, 7.0, "sun"),))
    drive = watch(reader, script)
    (microsleep,) = drive.starts("microsleep")
    assert microsleep.started_s == pytest.approx(3.5, abs=TOLERANCE_S)


def test_an_ordinary_half_minute_brings_no_alarm(reader: FaceReader) -> None:
    script = Script(
        duration_s=30.0,
        blinks=(2.0, 5.2, 8.1, 12.4, 15.6, 19.3, 23.7, 27.2),
        turns=((4.0, 4.8, 30.0), (10.0, 11.5, -32.0), (21.0, 22.5, 20.0)),
        nods=((7.0, 7.5, -8.0), (17.0, 18.0, -17.0)),
        lowered=((17.0, 18.0, 0.45),),
        leans=((13.0, 15.0, 1.15, 0.05), (24.5, 26.0, 0.9, -0.05)),
        troubles=((27.9, 29.3, "hand on mouth"),),
    )
    drive = watch(reader, script)
    _assert_quiet(drive)


@pytest.mark.parametrize(
    ("what", "reason"), [("hand", "no_face"), ("dark", "dark"), ("covered", "camera_blocked"), (None, "no_face")]
)
def test_ten_seconds_without_eyes_are_told_with_the_reason(
    reader: FaceReader, what: Trouble | None, reason: str
) -> None:
    """None: the driver is out of the picture."""
    span = (2.0, 13.0)
    script = Script(18.0, troubles=((*span, what),)) if what else Script(18.0, absences=(span,))
    drive = watch(reader, script, fps=10)
    (start,), (end,) = drive.starts("sensing_degraded"), drive.ends("sensing_degraded")
    assert start.started_s == pytest.approx(2.0, abs=0.3)
    assert start.t_s == pytest.approx(start.started_s + 10.0, abs=TOLERANCE_S)
    assert start.measures["reason"] == reason
    # Who slides in as fast as a puppet does is lost once more, and believed elsewhere than before after 2 s.
    assert end.ended_s == pytest.approx(13.0, abs=0.5 if what else 2.2)
    assert drive.kinds() == {"sensing_degraded"}


def test_sunglasses_are_told(reader: FaceReader) -> None:
    drive = watch(reader, Script(12.0, person=Person(glasses="dark"), closures=((5.0, 9.0),)), fps=10)
    (start,) = drive.starts("sensing_degraded")
    assert start.t_s == pytest.approx(10.0, abs=TOLERANCE_S)
    assert all(state.present and state.eyes == "unknown" for state in drive.states)
    assert drive.kinds() == {"sensing_degraded"}
