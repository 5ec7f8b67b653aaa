from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.camera import CameraSettings, Frame, open_camera
from edge.demo.puppet import (
    CLOSED_BELOW,
    DEMO,
    STRANGER,
    Glasses,
    Person,
    Pose,
    Puppet,
    Script,
    Trouble,
    frame_times,
    frames,
    frames_at,
    write_clip,
)
from edge.errors import MienError

pytest.importorskip("skimage", reason="the portrait comes with the demo extra")

#: Where the eyes are in a picture of 512x512, the person's right eye first.
RIGHT_EYE = np.s_[155:205, 185:255]
LEFT_EYE = np.s_[155:205, 270:340]
EYES = np.s_[155:205, 185:340]


@pytest.fixture(scope="module")
def puppet() -> Puppet:
    return Puppet()


def _differs(image: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    return float(np.abs(image.astype(float) - other).mean())


def test_the_eyes_are_closed_in_the_pixels_exactly_when_the_truth_says_so(puppet: Puppet) -> None:
    script = Script(duration_s=3.0, blinks=(0.5, (1.0, 1.15)), closures=((1.6, 2.4),))
    truth = script.truth()
    open_eyes = puppet.render(Pose())[EYES]
    barely_closed = _differs(puppet.render(Pose(CLOSED_BELOW))[EYES], open_eyes)
    for t_s, image in frames(script, fps=100):
        if any(abs(t_s - edge) < 1e-6 for interval in (*truth.blinks, *truth.closures) for edge in interval):
            continue  # on the boundary itself, where a rounding error decides
        closed = _differs(image[EYES], open_eyes) > barely_closed
        assert closed == truth.closed_at(t_s), f"at {t_s:.2f} s"


def test_the_further_the_lids_go_the_more_the_eyes_change(puppet: Puppet) -> None:
    open_eyes = puppet.render(Pose())[EYES]
    changes = [_differs(puppet.render(Pose(openness))[EYES], open_eyes) for openness in (1.0, 0.8, 0.6, 0.4, 0.2, 0.0)]
    assert changes == sorted(changes)
    assert changes[0] == 0.0


def test_each_eye_closes_by_itself(puppet: Puppet) -> None:
    both_open, wink = puppet.render(Pose()), puppet.render(Pose((0.0, 1.0)))
    assert _differs(wink[RIGHT_EYE], both_open[RIGHT_EYE]) > 5
    assert (wink[LEFT_EYE] == both_open[LEFT_EYE]).all()


def test_what_does_not_move_stays_as_it_was(puppet: Puppet) -> None:
    still, moved = puppet.render(Pose()), puppet.render(Pose(0.0, mouth=1.0, yaw_deg=20.0))
    assert (moved[:60] == still[:60]).all()
    assert (moved[:, :60] == still[:, :60]).all()
    assert (moved[:, -60:] == still[:, -60:]).all()


def test_out_of_the_picture_nothing_but_the_backdrop_is_left(puppet: Puppet) -> None:
    gone = puppet.render(Pose(visible=0.0))
    assert (gone == gone[:1]).all()


@pytest.mark.parametrize("what", ["hand", "sun", "dark", "blur", "covered"])
def test_what_gets_in_the_way_comes_and_goes(puppet: Puppet, what: Trouble) -> None:
    open_eyes = puppet.render(Pose())
    changes = [
        _differs(puppet.render(Pose(troubles=((what, share),)))[EYES], open_eyes[EYES]) for share in (0.0, 0.5, 1.0)
    ]
    assert changes[0] <= changes[1] < changes[2]
    assert changes[2] > 10


def test_a_hand_on_the_mouth_leaves_the_eyes_alone(puppet: Puppet) -> None:
    open_eyes, hand = puppet.render(Pose()), puppet.render(Pose(troubles=(("hand on mouth", 1.0),)))
    assert (hand[EYES] == open_eyes[EYES]).all()
    assert _differs(hand[240:300, 210:310], open_eyes[240:300, 210:310]) > 10


def test_the_cameras_noise_is_never_twice_the_same(puppet: Puppet) -> None:
    dark = [puppet.render(Pose(troubles=(("dark", 1.0),), grain=grain)) for grain in (1, 2, 1)]
    assert (dark[0] != dark[1]).any()
    assert (dark[0] == dark[2]).all()


@pytest.mark.parametrize("glasses", ["rimless", "rimmed", "dark"])
def test_glasses_turn_with_the_head(puppet: Puppet, glasses: Glasses) -> None:
    def middle(yaw_deg: float) -> float:
        bare, worn = (puppet.render(Pose(yaw_deg=yaw_deg, person=who)) for who in (Person(), Person(glasses=glasses)))
        drawn = np.abs(worn.astype(float) - bare).sum(axis=(0, 2))
        return float(np.average(np.arange(len(drawn)), weights=drawn))

    assert middle(-20.0) + 2 < middle(0.0) < middle(20.0) - 2


def test_a_clip_has_its_length_its_rate_and_its_truth(tmp_path: Path) -> None:
    script = Script(duration_s=1.0, closures=((0.4, 0.8),))
    truth = write_clip(tmp_path / "clip.mp4", script, fps=25, size=(320, 240))
    assert truth == script.truth()
    with open_camera(str(tmp_path / "clip.mp4"), CameraSettings(realtime=False)) as camera:
        assert camera.size == (320, 240)
        assert camera.fps == 25
        assert [frame.t_s for frame in camera] == pytest.approx([number / 25 for number in range(25)])


def test_the_same_script_gives_the_same_file(tmp_path: Path) -> None:
    script = Script(duration_s=1.0, blinks=(0.4,), turns=((0.2, 0.8, 10.0),))
    clips = [tmp_path / "one.mp4", tmp_path / "two.mp4"]
    for clip in clips:
        write_clip(clip, script, fps=20, size=(256, 256))
    assert clips[0].read_bytes() == clips[1].read_bytes()


def test_lids_move_as_fast_as_lids_do_and_pass_a_fifth_at_the_boundaries() -> None:
    script = Script(duration_s=3.0, closures=((1.0, 2.0),))
    assert script.pose(0.9).openness == 1.0
    assert script.pose(1.0).openness == pytest.approx(CLOSED_BELOW)
    assert script.pose(1.03).openness == pytest.approx(0.0)
    assert script.pose(2.0).openness == pytest.approx(CLOSED_BELOW)
    assert script.pose(2.2).openness == 1.0


def test_yawns_turns_and_absences_are_half_way_at_their_boundaries() -> None:
    script = Script(duration_s=9.0, yawns=((1.0, 3.0),), turns=((4.0, 5.0, -20.0),), absences=((6.0, 8.0),))
    for t_s in (1.0, 3.0):
        assert script.pose(t_s).mouth == pytest.approx(0.5)
    for t_s in (4.0, 5.0):
        assert script.pose(t_s).yaw_deg == pytest.approx(-10.0)
    for t_s in (6.0, 8.0):
        assert script.pose(t_s).visible == pytest.approx(0.5)
    assert script.pose(2.0).mouth == 1.0
    assert script.pose(4.5).yaw_deg == -20.0
    assert script.pose(7.0).visible == 0.0


def test_nods_lowered_lids_leans_and_troubles_are_half_way_at_their_boundaries() -> None:
    script = Script(
        duration_s=9.0,
        nods=((1.0, 2.0, -16.0),),
        lowered=((1.0, 2.0, 0.5),),
        leans=((3.0, 5.0, 1.2, 0.1),),
        troubles=((6.0, 7.0, "hand"),),
    )
    for t_s in (1.0, 2.0):
        assert script.pose(t_s).pitch_deg == pytest.approx(-8.0)
    assert script.pose(1.5) == Pose(0.5, pitch_deg=-16.0)
    for t_s in (3.0, 5.0):
        assert (script.pose(t_s).zoom, script.pose(t_s).aside) == pytest.approx((1.1, 0.05))
    for t_s in (6.0, 7.0):
        ((what, share),) = script.pose(t_s).troubles
        assert what == "hand"
        assert share == pytest.approx(0.5)
    assert script.pose(8.0) == Pose()


def test_from_a_swap_on_somebody_else_sits_there() -> None:
    script = Script(duration_s=3.0, swaps=((1.0, STRANGER), (2.0, Person(glasses="dark"))))
    assert [script.pose(t_s).person for t_s in (0.99, 1.0, 2.5)] == [Person(), STRANGER, Person(glasses="dark")]
    assert script.truth().swaps == (1.0, 2.0)


def test_perclos_counts_closures_within_the_window_and_no_blinks() -> None:
    truth = Script(duration_s=20.0, blinks=(1.0, 12.5), closures=((4.0, 7.0), (9.0, 10.0))).truth()
    assert truth.perclos(20.0, 20.0) == pytest.approx(0.2)
    assert truth.perclos(9.5, 4.0) == pytest.approx((1.5 + 0.5) / 4.0)
    assert truth.perclos(20.0, 5.0) == 0.0


def test_frames_come_early_and_late_and_some_not_at_all() -> None:
    steady = frame_times(10.0, 20)
    assert steady == [number / 20 for number in range(200)]
    times = frame_times(10.0, 20, jitter_s=0.02, dropped=0.1, seed=3)
    assert times == frame_times(10.0, 20, jitter_s=0.02, dropped=0.1, seed=3)
    assert times == sorted(times)
    assert 170 < len(times) < 190
    late = [t_s - round(t_s * 20) / 20 for t_s in times]
    assert -0.02 <= min(late) < -0.015
    assert 0.015 < max(late) <= 0.02


def test_frames_are_taken_when_they_are_asked_for(puppet: Puppet) -> None:
    script = Script(duration_s=1.0, closures=((0.3, 0.7),))
    (_, first), (t_s, second) = frames_at(script, [0.0, 0.5])
    assert t_s == 0.5
    assert (first == puppet.render(Pose())).all()
    assert (second == puppet.render(Pose(0.0))).all()


def test_the_demo_has_blinks_then_a_sleep_long_enough_for_every_warning() -> None:
    truth = DEMO.truth()
    assert sum(end < 5.0 for _, end in truth.blinks) == 3
    assert all(0.1 <= end - start <= 0.5 for start, end in truth.blinks)
    ((asleep, awake),) = truth.closures
    assert awake - asleep == 4.5
    assert truth.blinks[-1][0] > awake
    assert json.loads(json.dumps(asdict(truth)))["closures"] == [[asleep, awake]]


@pytest.mark.parametrize(
    ("closures", "says"),
    [(((2.0, 4.0),), "within 0 and 3 s"), (((1.0, 0.5),), "within"), (((1.0, 1.02),), "shorter than the 0.0")],
)
def test_a_script_that_cannot_be_played_is_refused(closures: tuple[tuple[float, float], ...], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Script(duration_s=3.0, closures=closures)


def test_without_scikit_image_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(MienError, match=r"pip install 'mien\[demo\]'"):
        Puppet()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MienError, match=r"no/clip\.mp4 cannot be written"):
        write_clip(tmp_path / "no" / "clip.mp4", DEMO)


class _Reader:
    """Vision, looking at a pose until it has settled on it."""

    def __init__(self, face_models: Path, puppet: Puppet) -> None:
        from edge.vision.reader import FaceReader
        from edge.vision.settings import VisionSettings

        self.vision = FaceReader(VisionSettings(), face_models=face_models, seed=0)
        self._puppet = puppet
        self._seq = 0

    def measure(self, pose: Pose) -> dict[str, float]:
        """Eyes, mouth and yaw; empty where no face is seen."""
        for _ in range(8):  # every second one may be a rest
            self._seq += 1
            image = self._puppet.render(pose)
            observation = self.vision.read(Frame(image, self._seq / 30, 0.0, self._seq, "puppet"))
        if not observation.faces:
            return {}
        face = observation.faces[0]
        assert face.right_eye
        assert face.left_eye
        assert face.right_eye.aspect_ratio is not None
        assert face.left_eye.aspect_ratio is not None
        assert face.mouth_opening is not None
        assert face.pose is not None
        return {
            "right": face.right_eye.aspect_ratio,
            "left": face.left_eye.aspect_ratio,
            "mouth": face.mouth_opening,
            "yaw": face.pose.yaw_deg,
            "pitch": face.pose.pitch_deg,
        }


@pytest.fixture
def reader(face_models: Path, puppet: Puppet) -> _Reader:
    return _Reader(face_models, puppet)


def test_vision_sees_the_lids_go_down(reader: _Reader) -> None:
    seen = [reader.measure(Pose(openness)) for openness in (1.0, 0.8, 0.6, 0.4, 0.2, 0.0)]
    for eye in ("right", "left"):
        ratios = [measures[eye] for measures in seen]
        assert ratios == sorted(ratios, reverse=True)
        assert ratios[0] > 0.3
        assert ratios[-1] < 0.11


def test_vision_tells_a_wink(reader: _Reader) -> None:
    seen = reader.measure(Pose((0.0, 1.0)))
    assert seen["right"] < 0.15
    assert seen["left"] > 0.3


def test_vision_sees_a_yawn(reader: _Reader) -> None:
    assert reader.measure(Pose())["mouth"] < 0.3
    assert reader.measure(Pose(mouth=1.0))["mouth"] > 0.5


@pytest.mark.parametrize("yaw_deg", [-20.0, -10.0, 10.0, 20.0])
def test_vision_sees_the_head_turn_about_as_far_as_it_does(reader: _Reader, yaw_deg: float) -> None:
    assert reader.measure(Pose(yaw_deg=yaw_deg))["yaw"] == pytest.approx(yaw_deg, abs=4.0)


@pytest.mark.parametrize("pitch_deg", [-24.0, -16.0, -8.0, 8.0])
def test_vision_sees_the_head_nod_about_as_far_as_it_does(reader: _Reader, pitch_deg: float) -> None:
    level = reader.measure(Pose())["pitch"]
    assert reader.measure(Pose(pitch_deg=pitch_deg))["pitch"] - level == pytest.approx(pitch_deg, abs=3.0)


def test_vision_sees_somebody_elses_narrower_eyes(reader: _Reader) -> None:
    own, other = reader.measure(Pose()), reader.measure(Pose(person=STRANGER))
    asleep = reader.measure(Pose(0.0, person=STRANGER))
    for eye in ("right", "left"):
        assert other[eye] < 0.9 * own[eye]
        assert asleep[eye] < 0.12


def test_vision_sees_nobody_when_the_head_has_gone_and_finds_it_again(reader: _Reader) -> None:
    assert reader.measure(Pose())
    assert not reader.measure(Pose(visible=0.0))
    assert reader.measure(Pose())["right"] > 0.3
