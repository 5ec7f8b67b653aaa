"""The annotated video: where labels, cursor and alarms stand, and that it keeps the clip's times and size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.events import ClockMapping, DeviceIdentity
from edge.events.convert import to_event
from edge.state.types import Episode, ExpressionState, Phase, Severity, Vehicle
from edge.view.drive import Drive
from edge.view.labels import Area, Room, Tags, overlap, plan_panels
from edge.view.plot import Limits
from edge.view.sketch import EyeSketch, Shot, take
from edge.vision.types import EXPRESSIONS, Array, Box, Face, Observation

pytest.importorskip("av", reason="the video is written by mien[video]'s PyAV")
pytest.importorskip("PIL", reason="the video is lettered by mien[video]'s Pillow")

from edge.view.annotate import LEAST_HEIGHT, Annotator
from edge.view.strip import GROUND, INK, LADDER, Strip
from edge.view.video import VideoWriter

HAPPY = dict.fromkeys(EXPRESSIONS, 0.05) | {"happiness": 0.7}


def a_face(x: float, y: float, side: float, track: str) -> Face:
    """A face whose mesh fills its box."""
    rng = np.random.default_rng(3)
    mesh: Array = np.zeros((468, 3), np.float32)
    mesh[:, :2] = (x, y) + side * rng.random((468, 2))
    return Face(Box(x, y, side, side), 0.9, mesh, track)


def a_shot(t_s: float, size: tuple[int, int], *faces: Face) -> Shot:
    seen = Observation(t_s, t_s, 0, "main", size, faces)
    return take(seen, None, [ExpressionState(t_s, face.track_id, "happiness", HAPPY) for face in faces])


def a_drive(until_s: float, *, told_s: float, end_s: float) -> Drive:
    """A microsleep, begun a second before it was told."""
    drive = Drive()
    for t_s in np.arange(0, until_s + 0.01, 0.1):
        drive.see(Observation(float(t_s), float(t_s), 0, "main", (640, 480), ()), None, [], Vehicle())
    clock, device = ClockMapping(0.0, synced=False), DeviceIdentity("cab")
    for phase, t_s, ended_s in ((Phase.START, told_s, None), (Phase.END, end_s, end_s)):
        change = Episode(
            "driver", "microsleep", phase, "m", Severity.WARNING, t_s, told_s - 1, t_s - told_s + 1, 1.0, "good",
            ended_s=ended_s,
        )  # fmt: skip
        drive.tell([to_event(change, device, clock)], 0.0)
    return drive


def hulls(shot: Shot, room: Room) -> list[Area]:
    return [room.hull(face) for face in shot.faces]


def test_a_panel_stands_still_and_never_on_a_face() -> None:
    room = Room(640, 480, 1.0, 6)
    shots = [a_shot(k / 10, (640, 480), a_face(150 + 5 * k, 60, 200, "a")) for k in range(20)]
    (spot,) = plan_panels(shots, (200, 140), room).values()
    assert all(overlap(spot, hull) == 0 for shot in shots for hull in hulls(shot, room))
    assert spot[0] >= 0
    assert spot[1] >= 0
    assert spot[2] <= 640
    assert spot[3] <= 480


def test_two_faces_get_panels_of_their_own() -> None:
    room = Room(1280, 720, 1.0, 6)
    shots = [a_shot(0, (1280, 720), a_face(200, 250, 200, "a"), a_face(850, 250, 200, "b"))]
    panels = plan_panels(shots, (200, 140), room)
    assert overlap(panels["a"], panels["b"]) == 0
    assert panels["a"][0] < 640 < panels["b"][2]  # each on its face's side


def test_without_room_for_a_panel_the_label_is_a_line_beside_the_faces() -> None:
    room = Room(640, 480, 1.0, 6)
    faces = [a_face(40 + 150 * k, 160 + 30 * (k % 2), 110, f"{k}") for k in range(4)]
    shot = a_shot(0, (640, 480), *faces, a_face(200, 20, 90, "4"))
    assert plan_panels([shot], (400, 300), room) == {}
    tags, taken = Tags(room), hulls(shot, room)
    for face in shot.faces:
        spot = tags.find(face, (100, 18), taken)
        assert spot is not None
        assert sum(overlap(spot, other) for other in taken) == 0
        taken.append(spot)


def test_a_label_stands_at_its_face_or_nowhere() -> None:
    room = Room(640, 480, 1.0, 8)
    face = a_shot(0, (640, 480), a_face(300, 200, 60, "0")).faces[0]
    left, top, right, bottom = room.hull(face)
    beside = [(left - 200, top - 60, right + 200, top), (left - 200, top - 1, left, bottom + 1)]
    spot = Tags(room).find(face, (100, 18), beside)
    assert spot is not None
    assert all(overlap(spot, other) == 0 for other in beside)
    assert abs(spot[0] - right) < 120
    assert abs(spot[1] - bottom) < 30
    around = [*beside, (left - 200, bottom, right + 200, bottom + 60), (right, top - 1, right + 200, bottom + 1)]
    assert Tags(room).find(face, (100, 18), around) is None, "the picture's corners are free, but far"


def test_the_cursor_stands_at_the_frames_time_and_the_episode_where_it_was() -> None:
    strip = Strip(a_drive(10, told_s=5, end_s=8), 640, 1.0, Limits())

    def cursor_x(t_s: float) -> float:
        (columns,) = np.nonzero((strip.at(t_s)[:4] == INK).all(axis=2).all(axis=0))
        return float(columns.mean())

    colour, _ = LADDER["warning"]
    lit = (strip.at(10.0) == colour).all(axis=2).any(axis=0).nonzero()[0]
    assert lit.min() == pytest.approx(cursor_x(5), abs=2)
    assert lit.max() == pytest.approx(cursor_x(8), abs=2)
    left, right = cursor_x(0), cursor_x(10)
    lane = (strip.at(10.0)[8] != GROUND).any(axis=1).nonzero()[0]  # the ground that the bars lie on
    lane = lane[lane > left - 4]
    assert left == pytest.approx(lane.min(), abs=3)
    assert right == pytest.approx(lane.max(), abs=3)
    assert cursor_x(2.5) == pytest.approx(left + 0.25 * (right - left), abs=1.5)


@pytest.mark.parametrize(("t_s", "alarms"), [(4.9, False), (5.1, True), (7.9, True), (8.2, False)])
def test_the_alarm_is_on_from_when_it_was_recognized_until_it_ended(t_s: float, alarms: bool) -> None:
    shot = a_shot(t_s, (640, 480))
    annotator = Annotator((640, 480), [shot], a_drive(10, told_s=5, end_s=8), Limits())
    drawn = annotator.draw(np.zeros((480, 640, 3), np.uint8), shot)
    assert bool((drawn[:3, :3] == LADDER["warning"][0]).all()) is alarms


def test_the_picture_keeps_its_pixels_and_nothing_is_laid_over_them_without_a_face() -> None:
    picture = np.random.default_rng(1).integers(0, 255, (481, 641, 3), np.uint8)
    shot = a_shot(0, (641, 481))
    drawn = Annotator((641, 481), [shot], a_drive(1, told_s=3, end_s=4), Limits()).draw(picture, shot)
    assert (drawn[:481, :641] == picture).all()
    assert drawn.shape[0] % 2 == drawn.shape[1] % 2 == 0


def test_a_small_picture_is_enlarged_until_letters_can_be_read() -> None:
    shot = a_shot(0, (160, 120), a_face(50, 30, 60, "a"))
    annotator = Annotator((160, 120), [shot], a_drive(1, told_s=3, end_s=4), Limits())
    assert annotator.draw_faces(np.zeros((120, 160, 3), np.uint8), shot).shape == (LEAST_HEIGHT, 640, 3)


def test_frames_keep_the_times_they_were_given(tmp_path: Path) -> None:
    import av

    times_s = [0.0, 0.07, 0.13, 0.5, 0.54]
    with VideoWriter(tmp_path / "clip.mp4", (64, 48), 16.7) as writer:
        for k, t_s in enumerate(times_s):
            writer.write(np.full((48, 64, 3), 40 * k, np.uint8), t_s)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        stream: Any = container.streams.video[0]
        frames = list(container.decode(stream))
        assert stream.codec_context.name == "h264"
        assert [frame.time for frame in frames] == pytest.approx(times_s, abs=0.001)
        assert float(stream.duration * stream.time_base) == pytest.approx(0.54 + 1 / 16.7, abs=0.005)
        shades = [frame.to_ndarray(format="bgr24").mean() for frame in frames]
    assert shades == pytest.approx([0, 40, 80, 120, 160], abs=4)


def test_the_persons_right_eye_is_marked_right_wherever_it_is() -> None:
    """Facing the camera, it lies in the picture's left half; the letters are told apart by their shape."""

    def eye(x: float) -> EyeSketch:
        # From the outer corner along the lower lid to the inner one, and back along the upper.
        sign = 1 if x < 300 else -1
        along = np.concatenate([np.linspace(-20, 20, 9), np.linspace(20, -20, 8)]) * sign
        gap = np.concatenate([np.linspace(0, 6, 5), np.linspace(6, 0, 5)[1:], -np.full(7, 5.0), [0]])
        return EyeSketch(np.stack([x + along, 200 + gap], axis=1).astype(np.float32), None)

    (plain,) = a_shot(0, (600, 480), a_face(150, 80, 300, "a")).faces
    both = replace(
        plain, mesh=np.full_like(plain.mesh, 90.0), right_eye=eye(250), left_eye=eye(350), probabilities=None
    )
    shot = Shot(0.0, (both,), None)
    drawn = Annotator((600, 480), [shot], a_drive(1, told_s=3, end_s=4), Limits()).draw_faces(
        np.zeros((480, 600, 3), np.uint8), shot
    )
    under = [cv2.cvtColor(drawn[212:238, x - 12 : x + 12], cv2.COLOR_BGR2GRAY) > 120 for x in (250, 350)]
    right, left = (each[:, each.any(axis=0)] for each in under)
    # An R is closed above, an L has nothing to the right of its stem there.
    assert right[: right.shape[0] // 2].sum() > 2 * left[: left.shape[0] // 2].sum()
