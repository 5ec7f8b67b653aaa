from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.camera.frame import Frame
from edge.vision import FaceReader, Observation, VisionSettings
from edge.vision.litert import LiteRtFinder
from tests.vision.clips import frames, still


def read_clip(path: Path, face_models: Path, until_s: float = np.inf, **settings: float) -> list[Observation]:
    with FaceReader(VisionSettings(**settings), face_models=face_models, seed=7) as reader:
        return [reader.read(frame) for frame in frames(path, until_s)]


def test_the_frames_own_facts_pass_through(face_models: Path, portrait: NDArray[np.uint8]) -> None:
    with FaceReader(VisionSettings(), face_models=face_models) as reader:
        seen = reader.read(Frame(portrait, t_s=4.2, wall_time=1e9, seq=99, camera="cab"))
    assert (seen.t_s, seen.wall_time, seen.seq, seen.camera, seen.size) == (4.2, 1e9, 99, "cab", (512, 512))
    (face,) = seen.faces
    assert face.landmarks.shape == (468, 3)
    assert face.landmarks.dtype == np.float32
    assert face.score > 0.9
    assert face.mouth_opening == pytest.approx(0.18, abs=0.05)
    assert seen.quality.brightness is not None


def test_one_man_is_one_track_through_turns_and_nods(shared: Path, face_models: Path) -> None:
    seen = read_clip(shared / "data" / "clips" / "head-turns-and-nods.mp4", face_models, eyes=False)
    assert all(len(observation.faces) == 1 for observation in seen)
    assert len({observation.faces[0].track_id for observation in seen}) == 1
    yaws = [pose.yaw_deg for observation in seen if (pose := observation.faces[0].pose)]
    assert min(yaws) < -30
    assert max(yaws) > 25


def test_two_people_are_two_steady_tracks_the_larger_first(shared: Path, face_models: Path) -> None:
    seen = read_clip(
        shared / "data" / "clips" / "head-pose-face-detection-female-and-male.gif", face_models, eyes=False
    )
    assert {tuple(sorted(face.track_id for face in observation.faces)) for observation in seen} == {
        tuple(sorted(face.track_id for face in seen[0].faces))
    }
    assert len(seen[0].faces) == 2
    for observation in seen:
        areas = [face.box.width * face.box.height for face in observation.faces]
        assert areas == sorted(areas, reverse=True)


def test_a_film_without_faces_has_none(shared: Path, face_models: Path) -> None:
    seen = read_clip(shared / "data" / "clips" / "no-face.mp4", face_models)
    assert all(observation.faces == () for observation in seen)
    assert seen[0].quality.brightness is not None


def test_a_man_who_looks_far_away_shows_no_far_eye(shared: Path, face_models: Path) -> None:
    seen = read_clip(shared / "data" / "clips" / "look-away.mp4", face_models)
    away = [observation.faces[0] for observation in seen if 1.6 < observation.t_s < 3.0]
    assert away
    for face in away:
        assert face.right_eye is not None
        assert face.right_eye.aspect_ratio is None
        assert face.pose is not None
        assert face.pose.yaw_deg < -35
    ahead = seen[0].faces[0]
    assert ahead.right_eye is not None
    assert ahead.right_eye.aspect_ratio is not None


def test_a_seed_makes_an_analysis_repeatable_to_the_bit(shared: Path, face_models: Path) -> None:
    clip = shared / "data" / "clips" / "sad-to-happy.mp4"
    once, again = (read_clip(clip, face_models, until_s=1.0) for _ in range(2))
    for one, other in zip(once, again, strict=True):
        assert [face.track_id for face in one.faces] == [face.track_id for face in other.faces]
        for face, twin in zip(one.faces, other.faces, strict=True):
            np.testing.assert_array_equal(face.landmarks, twin.landmarks)


def test_no_seed_gives_names_that_say_nothing(face_models: Path, portrait: NDArray[np.uint8]) -> None:
    names = set()
    for _ in range(2):
        with FaceReader(VisionSettings(eyes=False), face_models=face_models) as reader:
            names.add(reader.read(still(portrait)).faces[0].track_id)
    assert len(names) == 2


def test_a_second_face_is_noticed_on_schedule_not_at_once(face_models: Path, portrait: NDArray[np.uint8]) -> None:
    face = np.ascontiguousarray(portrait[20:270, 100:350])
    alone, together = np.hstack([face, np.zeros_like(face)]), np.hstack([face, face[:, ::-1]])
    finder = LiteRtFinder(face_models, VisionSettings(eyes=False, detect_every_s=1.0))
    counts = [len(finder.find(alone if at == 0 else together, at / 4)) for at in range(5)]
    assert counts == [1, 1, 1, 1, 2]


def test_with_nobody_in_view_every_frame_is_searched(face_models: Path, portrait: NDArray[np.uint8]) -> None:
    finder = LiteRtFinder(face_models, VisionSettings(eyes=False, detect_every_s=60))
    empty = np.zeros_like(portrait)
    assert [len(finder.find(image, at / 10)) for at, image in enumerate((empty, empty, portrait))] == [0, 0, 1]


def test_no_more_faces_are_followed_than_asked(face_models: Path, portrait: NDArray[np.uint8]) -> None:
    face = portrait[20:270, 100:350]
    finder = LiteRtFinder(face_models, VisionSettings(eyes=False, max_faces=1, detect_every_s=0))
    assert [len(finder.find(np.hstack([face, face[:, ::-1]]), at / 10)) for at in range(3)] == [1, 1, 1]


def row(portrait: NDArray[np.uint8], sides: tuple[int, ...], size: tuple[int, int] = (1280, 720)) -> NDArray[np.uint8]:
    """Portraits of these sides next to each other in a grey picture of ``size`` (width, height)."""
    picture = np.full((size[1], size[0], 3), 120, np.uint8)
    head = np.ascontiguousarray(portrait[:300, 80:380])
    step = size[0] // len(sides)
    for at, side in enumerate(sides):
        left = at * step + (step - side) // 2
        picture[200 : 200 + side, left : left + side] = cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA)
    return picture


def test_more_faces_than_are_read_in_one_frame_take_turns_the_nearest_first(
    face_models: Path, portrait: NDArray[np.uint8]
) -> None:
    picture = row(portrait, (250, 210, 210, 210, 210))
    settings = VisionSettings(eyes=False, expression=False, max_faces=8, read_faces=2, detect_every_s=0, detect_tiles=3)
    with FaceReader(settings, face_models=face_models, seed=7) as reader:
        seen = [reader.read(still(picture, at / 10)) for at in range(40)]
    settled = seen[20:]
    assert all(len(observation.faces) == 2 for observation in settled)
    names = {face.track_id for observation in settled for face in observation.faces}
    assert len(names) == 5
    nearest = {observation.faces[0].track_id for observation in settled}
    assert len(nearest) == 1, "half of those read are the nearest"
    for observation in settled:
        read = {face.track_id for face in observation.faces}
        assert {face.track_id for face in observation.unread} == names - read, "who is not read is told of as such"
        assert all(observation.t_s - face.read_s < 0.45 for face in observation.unread), "every fourth frame at least"


def test_a_face_too_small_for_the_whole_picture_is_found_in_a_tile(
    face_models: Path, portrait: NDArray[np.uint8]
) -> None:
    picture = row(portrait, (200, 200, 200))
    for tiles, least in ((1, 0), (3, 3)):
        finder = LiteRtFinder(face_models, VisionSettings(eyes=False, detect_tiles=tiles, detect_every_s=0))
        assert len([finder.find(picture, at / 10) for at in range(8)][-1]) == least


def test_the_detector_runs_at_most_twice_a_frame_for_newcomers_however_many_tiles_there_are(
    face_models: Path, portrait: NDArray[np.uint8]
) -> None:
    stages: list[str] = []

    def watch(stage: str) -> AbstractContextManager[None]:
        stages.append(stage)
        return nullcontext()

    settings = VisionSettings(eyes=False, detect_tiles=3, detect_every_s=0)
    finder = LiteRtFinder(face_models, settings, watch)
    for at in range(9):
        finder.find(np.zeros_like(portrait), at / 10)
    assert stages == ["detect"] * 18
