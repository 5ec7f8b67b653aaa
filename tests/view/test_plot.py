"""The picture of a drive."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import MienError
from edge.events import ClockMapping, DeviceIdentity
from edge.events.convert import to_event
from edge.state.types import DriverState, Episode, ExpressionState, Phase, Severity, Vehicle
from edge.view.drive import Drive
from edge.view.plot import BINS, Limits, course, draw_drive, duration
from edge.vision.types import EXPRESSIONS
from tests.state.scenes import face, seen


def driven(until_s: float, fps: float, *, start_s: float = 1000.0) -> Drive:
    """A drive that has something of everything."""
    drive, rng = Drive(), random.Random(3)
    for k in range(int(until_s * fps)):
        t_s = start_s + k / fps
        share = k / (until_s * fps)
        unknown, closed = 0.5 < share < 0.6, rng.random() < 0.05
        state = DriverState(
            t_s=t_s,
            present=True,
            eyes="unknown" if unknown else "closed" if closed else "open",
            openness=None if unknown else 0.0 if closed else rng.gauss(0.95, 0.03),
            closed_for_s=0.0,
            blinks_per_minute=None,
            active=(),
            perclos_60s=0.2 * share,
            perclos_180s=0.1 * share,
            fatigue=80 * share,
            mouth_opening=0.1,
            yaw_off_deg=rng.gauss(0, 3),
            pitch_off_deg=rng.gauss(-2, 3),
        )
        shown = ExpressionState(t_s, "driver", "neutral", dict.fromkeys(EXPRESSIONS, 1 / 7))
        drive.see(seen(t_s, face(pitch_deg=0.0)), state, [shown], Vehicle(60 + 30 * share, False))
    clock, device = ClockMapping(1.8e9, synced=True), DeviceIdentity("cab")
    for at, (kind, severity) in enumerate(
        [("yawn", Severity.NOTICE), ("microsleep", Severity.WARNING), ("sleep", Severity.CRITICAL)]
    ):
        begun_s = start_s + until_s * (0.2 + 0.2 * at)
        for phase, t_s in ((Phase.START, begun_s + 1), (Phase.END, begun_s + 4)):
            ended_s = t_s if phase is Phase.END else None
            change = Episode(
                "driver", kind, phase, kind, severity, t_s, begun_s, t_s - begun_s, 1.0, "good", ended_s=ended_s
            )
            drive.tell([to_event(change, device, clock)], clock.zero_wall_s)
    return drive


@pytest.mark.parametrize(("until_s", "fps"), [(30, 30.0), (7200, 1.0)])
def test_a_drive_of_any_length_fills_one_page(until_s: float, fps: float, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the picture is drawn by mien[plot]'s matplotlib")
    path = tmp_path / "drive.png"
    draw_drive(driven(until_s, fps), path, title="drive", limits=Limits(0.2, 0.35, 23.0, 18.0, 0.5, 0.15, 0.12))
    picture = cv2.imread(str(path))
    assert picture is not None
    assert picture.shape == (1000, 1600, 3)
    for warning_or_critical in ((0x1D, 0x71, 0xE2), (0x3C, 0x13, 0xA4)):
        assert (picture == warning_or_critical).all(axis=2).sum() > 20


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_a_drive_of_hardly_a_frame_is_still_a_picture(frames: int, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the picture is drawn by mien[plot]'s matplotlib")
    drive = Drive()
    for k in range(frames):
        drive.see(seen(k / 10), None, [], Vehicle())
    draw_drive(drive, tmp_path / "drive.png", title="short", limits=Limits())
    assert (tmp_path / "drive.png").stat().st_size > 0


def test_episodes_lie_where_they_began_whatever_the_wall_clock_says() -> None:
    yawn, microsleep, _ = driven(100, 1.0).bars
    assert yawn.kind == "yawn"
    assert [yawn.start_s, yawn.end_s] == pytest.approx([1020, 1024])
    ((recognized_s, severity),) = microsleep.steps
    assert recognized_s == pytest.approx(1041)
    assert severity == "warning"


def test_a_single_closed_frame_in_two_hours_is_not_lost() -> None:
    t_s = np.arange(0, 7200, 1 / 15)
    openness = np.ones_like(t_s)
    openness[54321] = -0.1
    times_s, low, middle, high = course(t_s, openness)
    assert len(times_s) == BINS
    assert low.min() == -0.1
    assert abs(times_s[low.argmin()] - t_s[54321]) < 7200 / BINS
    assert (middle == 1).all()
    assert (high == 1).all()


def test_unknown_stays_a_gap() -> None:
    t_s = np.array([0.0, 0.1, 5.0, 5.1])
    times_s, low, _, _ = course(t_s, np.array([1.0, np.nan, 1.0, 1.0]))
    assert len(times_s) == 5
    assert np.isnan(low[1:3]).all()
    t_s = np.arange(0, 7200, 0.1)
    _, low, _, _ = course(t_s, np.where((t_s > 3000) & (t_s < 3600), np.nan, 1.0))
    assert np.isnan(low).sum() == pytest.approx(BINS / 12, abs=2)


def test_durations_read_as_one_says_them() -> None:
    assert [duration(s) for s in (4.47, 750, 7500)] == ["4.5 s", "12:30 min", "2:05 h"]


def test_without_matplotlib_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MienError, match=r"pip install 'mien\[plot\]'"):
        draw_drive(Drive(), tmp_path / "drive.png", title="", limits=Limits())


def test_a_picture_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the picture is drawn by mien[plot]'s matplotlib")
    for path in (tmp_path / "no" / "drive.png", tmp_path / "drive.wav"):
        with pytest.raises(MienError, match=path.name):
            draw_drive(Drive(), path, title="", limits=Limits())
