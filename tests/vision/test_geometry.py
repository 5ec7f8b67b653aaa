from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.vision import FaceReader, VisionSettings
from edge.vision.geometry import POSE_POINTS, PROPORTIONS, head_pose, mouth_opening, proportions
from edge.vision.types import Array, HeadPose
from tests.vision.clips import frames, rolled, still

SIZE = (640, 480)


def seen(yaw: float, pitch: float, roll: float, centre: tuple[float, float, float] = (0.0, 0.0, 60.0)) -> Array:
    """Landmarks of the canonical head, turned by the angles and seen by a camera of focal length 640."""
    yaw, pitch, roll = np.radians([yaw, pitch, roll])
    about_y = [[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]]
    about_x = [[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]]
    about_z = [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
    turned = np.array(list(POSE_POINTS.values())) @ (np.array(about_y) @ about_x @ about_z).T + centre
    landmarks = np.zeros((468, 3), dtype=np.float32)
    landmarks[list(POSE_POINTS), :2] = turned[:, :2] / turned[:, 2:] * 640 + np.array(SIZE) / 2
    return landmarks


@pytest.mark.parametrize(
    "angles", [(0, 0, 0), (30, 0, 0), (-30, 0, 0), (0, 20, 0), (0, -20, 0), (0, 0, 25), (25, -15, -20)]
)
def test_the_pose_of_a_known_head_is_read_back(angles: tuple[float, float, float]) -> None:
    pose = head_pose(seen(*angles), SIZE)
    assert pose is not None
    assert (pose.yaw_deg, pose.pitch_deg, pose.roll_deg) == pytest.approx(angles, abs=1.0)


def test_a_head_at_the_pictures_edge_that_is_parallel_to_the_picture_does_not_look_at_the_camera() -> None:
    pose = head_pose(seen(0, 0, 0, centre=(20.0, 0.0, 60.0)), SIZE)
    assert pose is not None
    assert pose.yaw_deg == pytest.approx(np.degrees(np.arctan2(20, 60)), abs=1.0)


def pose_in(face_models: Path, image: NDArray[np.uint8]) -> HeadPose:
    with FaceReader(VisionSettings(), face_models=face_models) as reader:
        pose = reader.read(still(image)).faces[0].pose
    assert pose is not None
    return pose


def test_a_portrait_that_looks_into_the_camera_has_no_turn_and_a_tilted_one_its_tilt(
    face_models: Path, portrait: NDArray[np.uint8]
) -> None:
    upright, tilted = pose_in(face_models, portrait), pose_in(face_models, rolled(portrait, 20))
    assert abs(upright.yaw_deg) < 5
    assert abs(upright.pitch_deg) < 8
    assert tilted.roll_deg - upright.roll_deg == pytest.approx(20, abs=2)


def test_an_open_mouth_reads_as_its_gap_over_its_width() -> None:
    landmarks = np.zeros((468, 3), dtype=np.float32)
    landmarks[[78, 308], 0] = -20, 20
    assert mouth_opening(landmarks) == 0
    landmarks[[13, 14], 1] = -12, 12
    assert mouth_opening(landmarks) == pytest.approx(0.6)


def test_proportions_do_not_mind_size_place_or_turn() -> None:
    landmarks = np.random.default_rng(0).normal(size=(468, 3)).astype(np.float32)
    cos, sin = np.cos(0.7), np.sin(0.7)
    turned = landmarks @ np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]], np.float32) * 3 + np.float32(50)
    assert proportions(turned) == pytest.approx(proportions(landmarks), rel=1e-4)
    assert len(proportions(landmarks)) == len(PROPORTIONS)


def test_one_man_keeps_his_proportions_in_another_film_and_a_woman_has_others(shared: Path, face_models: Path) -> None:
    seen = {}
    for name in ("eyes-close", "look-away", "blinks-and-occlusion"):
        with FaceReader(VisionSettings(eyes=False), face_models=face_models) as reader:
            clip = frames(shared / "data" / "clips" / f"{name}.mp4", until_s=0.5, every=2)
            faces = [reader.read(frame).faces[0] for frame in clip]
        known = [face.proportions for face in faces if face.proportions is not None]
        seen[name] = np.log(np.median(known, axis=0))
    apart = {name: np.sqrt(np.mean((logs - seen["eyes-close"]) ** 2)) for name, logs in seen.items()}
    assert apart["look-away"] < 0.03
    assert apart["blinks-and-occlusion"] > 0.04


def test_a_face_turned_far_aside_has_no_proportions(shared: Path, face_models: Path) -> None:
    with FaceReader(VisionSettings(eyes=False), face_models=face_models) as reader:
        clip = frames(shared / "data" / "clips" / "look-away.mp4", until_s=2.0)
        faces = [reader.read(frame).faces[0] for frame in clip]
    assert faces[0].proportions is not None
    assert faces[-1].proportions is None
