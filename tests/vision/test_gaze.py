"""Where the eyes look, against geometry and against what a person sees in the clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.vision import Eye, FaceReader, Gaze, VisionSettings
from edge.vision.gaze import CENTRE_ABOVE, CENTRE_BEHIND, IRIS_REACH, gaze_of
from edge.vision.geometry import Head
from tests.vision.clips import frames
from tests.vision.test_eyes import head_at


def eye_that_looks(head: Head, yaw: float, pitch: float, squint: float = 0.0) -> Eye:
    """An open eye whose iris is where the eyeball's turn, relative to the camera, puts it."""
    yaw, pitch = np.radians([yaw + squint, pitch])
    towards = np.array([np.sin(yaw) * np.cos(pitch), -np.sin(pitch)])
    centre = [(head.rotation @ (0, -CENTRE_ABOVE, behind))[at] for at, behind in enumerate(CENTRE_BEHIND)]
    contour = np.zeros((71, 3), np.float32)
    contour[0, :2], contour[8, :2] = (80, 100), (120, 104)
    iris = np.zeros((5, 3), np.float32)
    iris[:, :2] = contour[[0, 8], :2].mean(axis=0) + head.scale * (np.array(centre) + IRIS_REACH * towards)
    return Eye(contour, iris, aspect_ratio=0.3)


@pytest.mark.parametrize("head", [head_at(), head_at(25), head_at(-15, -20)], ids=["ahead", "aside", "down"])
@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (20, 0), (-20, 0), (0, 15), (10, -15)])
def test_a_known_gaze_is_read_back_whatever_the_head_does(head: Head, yaw: float, pitch: float) -> None:
    gaze = gaze_of(eye_that_looks(head, yaw, pitch, squint=-5), eye_that_looks(head, yaw, pitch, squint=5), head)
    assert gaze is not None
    assert (gaze.yaw_deg, gaze.pitch_deg) == pytest.approx((yaw, pitch), abs=0.5)


@pytest.mark.parametrize(
    ("ratio", "confidence"), [(None, 0.0), (0.08, 1.0), (0.3, 0.1)], ids=["unreadable", "closed", "not to be believed"]
)
def test_with_one_eye_that_cannot_be_read_no_gaze_is_known(ratio: float | None, confidence: float) -> None:
    good = eye_that_looks(head_at(), 0, 0)
    poor = Eye(good.contour, good.iris, ratio, confidence)
    assert gaze_of(good, good, head_at()) is not None
    assert gaze_of(good, poor, head_at()) is None
    assert gaze_of(poor, good, head_at()) is None


def test_an_iris_where_no_eyeball_could_turn_it_is_no_gaze() -> None:
    eye = eye_that_looks(head_at(), 0, 0)
    eye.iris[:, 0] += 40
    assert gaze_of(eye, eye, head_at()) is None


def gazes(shared: Path, face_models: Path, name: str, until_s: float) -> dict[float, tuple[Gaze | None, float]]:
    """Gaze and the head's yaw by time."""
    seen = {}
    with FaceReader(VisionSettings(max_faces=1), face_models=face_models) as reader:
        for frame in frames(shared / "data" / "clips" / f"{name}.mp4", until_s):
            (face,) = reader.read(frame).faces
            assert face.pose is not None
            seen[frame.t_s] = face.gaze, face.pose.yaw_deg
    return seen


def test_eyes_that_stay_on_the_camera_while_the_head_swings_do_not_look_away(shared: Path, face_models: Path) -> None:
    seen = gazes(shared, face_models, "head-turns-and-nods", until_s=2.3)
    heads = [yaw for _, yaw in seen.values()]
    assert max(heads) - min(heads) > 28
    yaws = [gaze.yaw_deg for gaze, _ in seen.values() if gaze is not None]
    assert len(yaws) > 0.9 * len(seen)
    assert np.abs(yaws).mean() < 4


def test_the_eyes_of_a_man_who_looks_away_go_first_and_are_lost_when_his_head_hides_one(
    shared: Path, face_models: Path
) -> None:
    seen = gazes(shared, face_models, "look-away", until_s=2.0)
    ahead, leading = (
        [gaze for t_s, (gaze, _) in seen.items() if low < t_s < high] for low, high in ((-1, 0.08), (0.25, 0.45))
    )
    assert all(gaze is not None and abs(gaze.yaw_deg) < 8 for gaze in ahead)
    assert all(gaze is not None and gaze.yaw_deg < -20 for gaze in leading)
    assert all(yaw > -22 for t_s, (_, yaw) in seen.items() if t_s < 0.45)
    assert all(gaze is None for t_s, (gaze, _) in seen.items() if t_s > 1.0)
