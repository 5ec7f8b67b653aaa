"""``mien record`` and ``mien replay``: a drive as numbers, judged again exactly as it was, or by other rules."""

from __future__ import annotations

import ast
import dataclasses
import gzip
import json
import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.camera import Camera, CameraError
from edge.camera.frame import Frame
from edge.cli import main
from edge.config import Config
from edge.daemon import Step
from edge.events import ClockMapping, DeviceIdentity, Event
from edge.events.convert import to_event
from edge.recording import Header, Moment, Recording, RecordingError, RecordingWriter, record, replay
from edge.recording.lines import SeenBefore, SeenEye, SeenFace
from edge.recording.recorder import address
from edge.state import People, StateSettings
from edge.state.types import Vehicle
from edge.vision.types import Box, Eye, Face, Gaze, HeadPose, Observation, Quality, Unread
from tests.state.scenes import drive, face, seen, times
from tests.test_cli import assert_one_line, mien

#: What a recording leaves out, as the rules need none of it.
LEFT_OUT = {"landmarks", "contour", "iris"}

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
KNOWN_OR_NOT = st.none() | NUMBERS
ARRAY = np.zeros((468, 3), np.float32)
EYES = st.builds(
    Eye,
    contour=st.just(ARRAY),
    iris=st.just(ARRAY),
    aspect_ratio=KNOWN_OR_NOT,
    confidence=NUMBERS,
    trouble=st.sampled_from([None, "small", "dark", "outside", "turned"]),
    blink=KNOWN_OR_NOT,
)
FACES = st.builds(
    Face,
    box=st.builds(Box, NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    score=NUMBERS,
    landmarks=st.just(ARRAY),
    track_id=st.text(max_size=8),
    right_eye=st.none() | EYES,
    left_eye=st.none() | EYES,
    mouth_opening=KNOWN_OR_NOT,
    pose=st.none() | st.builds(HeadPose, NUMBERS, NUMBERS, NUMBERS),
    expression=st.none()
    | st.lists(st.floats(0, 1, width=32), min_size=7, max_size=7).map(lambda p: np.array(p, np.float32)),
    gaze=st.none() | st.builds(Gaze, NUMBERS, NUMBERS),
    proportions=st.none() | st.lists(NUMBERS, max_size=5).map(tuple),
)
OBSERVATIONS = st.builds(
    Observation,
    t_s=NUMBERS,
    wall_time=NUMBERS,
    seq=st.integers(0, 10**9),
    camera=st.just("main"),
    size=st.tuples(st.integers(1, 9999), st.integers(1, 9999)),
    faces=st.lists(FACES, max_size=2).map(tuple),
    quality=st.builds(Quality, KNOWN_OR_NOT, KNOWN_OR_NOT, KNOWN_OR_NOT, KNOWN_OR_NOT),
    eye_source=st.sampled_from(["iris", "attention", "landmarker"]),
)
AT_50 = Vehicle(50.0, reverse=False)
VEHICLES = st.builds(Vehicle, st.none() | st.floats(0, 250), st.sampled_from([None, True, False]))


def header() -> Header:
    return Header(
        schema="mien-recording/1",
        version="0.1.0",
        source="0",
        source_sha256=None,
        device="cab-7",
        boot_id=UUID(int=77),
        model_sha256=None,
        seed=11,
        state=StateSettings().model_dump(mode="json"),
    )


def moments(observations: Iterable[Observation], vehicle: Vehicle = AT_50) -> list[Moment]:
    return [Moment.of(seen, ClockMapping.at(seen.t_s, seen.wall_time, synced=True), vehicle) for seen in observations]


def written(path: Path, lines: Iterable[Moment], *, end: bool = True, head: Header | None = None) -> Path:
    with RecordingWriter(path, head or header()) as writer:
        for moment in lines:
            writer.write(moment)
        if end:
            writer.end("source_ended")
    return path


def events_of(path: Path, state: StateSettings | None = None) -> bytes:
    with Recording(path) as recording:
        return as_lines(replay(recording, state).events)


def as_lines(events: Iterable[Event]) -> bytes:
    return b"".join(event.to_json() + b"\n" for event in events)


def live(observations: list[Observation], vehicle: Vehicle = AT_50) -> bytes:
    """The events that the daemon makes of these observations."""
    people, device = People(StateSettings(), rng=random.Random(11)), DeviceIdentity("cab-7", UUID(int=77))
    events = []
    for observation in observations:
        clock = ClockMapping.at(observation.t_s, observation.wall_time, synced=True)
        changes = people.update(observation, vehicle)
        events += [to_event(change, device, clock, speed_kmh=vehicle.speed_kmh) for change in changes]
    changes = people.finish(observations[-1].t_s)
    return as_lines(events + [to_event(change, device, clock, speed_kmh=vehicle.speed_kmh) for change in changes])


@pytest.fixture(scope="module")
def nap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A puppet that sleeps for 3.4 seconds."""
    from edge.demo.puppet import Script, write_clip

    path = tmp_path_factory.mktemp("nap") / "nap.mp4"
    write_clip(path, Script(duration_s=6.0, closures=((1.6, 5.0),)), fps=10)
    return path


def test_a_replay_gives_the_very_events_of_the_analysis(nap: Path, face_models: Path, tmp_path: Path) -> None:
    recording, analyzed, replayed = (tmp_path / name for name in ("drive.jsonl.gz", "analyzed", "replayed"))
    assert mien("analyze", "-q", nap, "--out", analyzed).returncode == 0
    done = mien("record", nap, "--out", recording)
    assert done.returncode == 0, done.stderr
    assert "60 frames" in done.stderr
    done = mien("replay", recording, "--out", replayed)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "sleep start (critical)" in done.stdout
    assert "times as fast" in done.stdout
    assert replayed.read_bytes() == analyzed.read_bytes()
    assert b'"microsleep"' in analyzed.read_bytes()


def test_the_same_clip_gives_the_same_recording(puppet_clip: Path, face_models: Path, tmp_path: Path) -> None:
    files = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    for file in files:
        record(Config.model_validate({"camera": {"source": str(puppet_clip)}}), file)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_another_configuration_gives_the_events_that_it_would_have_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = written(tmp_path / "drive.jsonl", moments(drive(times(12, 20), closed=[(5, 7.5)])))
    patient = tmp_path / "patient.toml"
    patient.write_text("[state.eyes]\nmicrosleep_s = 2.8\n")
    assert main(["replay", str(recording)]) == 0
    assert "microsleep" in capsys.readouterr().out
    assert main(["replay", str(recording), "--config", str(patient)]) == 0
    assert "microsleep" not in capsys.readouterr().out


@settings(max_examples=100, deadline=None)
@given(observation=OBSERVATIONS, vehicle=VEHICLES, synced=st.booleans())
def test_every_number_comes_back_to_the_bit(observation: Observation, vehicle: Vehicle, synced: bool) -> None:
    clock = ClockMapping.at(observation.t_s, observation.wall_time, synced=synced)
    line = Moment.of(observation, clock, vehicle).to_json()
    again = Moment.model_validate_json(line)
    assert json.loads(line)["t_s"] == observation.t_s
    assert (again.clock, again.vehicle) == (clock, vehicle)
    assert plain(again.to_observation()) == plain(observation)


def plain(value: Any) -> Any:
    """Without what is left out, arrays as type and bytes."""
    if dataclasses.is_dataclass(value):
        fields = (field.name for field in dataclasses.fields(value))
        return {name: plain(getattr(value, name)) for name in fields if name not in LEFT_OUT}
    if isinstance(value, np.ndarray):
        return value.dtype, value.tobytes()
    return tuple(map(plain, value)) if isinstance(value, tuple) else value


@settings(max_examples=10, deadline=None)
@given(data=st.data(), vehicle=VEHICLES, fps=st.sampled_from([10, 15, 30]))
def test_made_up_drives_replay_to_the_very_same_events(
    data: st.DataObject, vehicle: Vehicle, fps: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cuts = sorted(data.draw(st.lists(st.floats(0, 20), min_size=4, max_size=8)))
    closed, unknown = list(zip(cuts[::2], cuts[1::2], strict=False)), [(cuts[0], cuts[0] + 1)]
    shown = data.draw(st.sampled_from([None, "happiness", "anger"]))
    moods = [(face(expression=shown).expression, observation) for observation in drive(times(20, fps), closed)]
    observations = [
        dataclasses.replace(o, faces=tuple(dataclasses.replace(f, expression=mood) for f in o.faces))
        for mood, o in moods
    ] + drive(times(23, fps, from_s=21), [], unknown=unknown)
    path = tmp_path_factory.mktemp("drives") / "drive.jsonl"
    assert events_of(written(path, moments(observations, vehicle))) == live(observations, vehicle)


def test_what_vision_reads_is_all_there_but_for_the_contours() -> None:
    for line, what in ((SeenEye, Eye), (SeenFace, Face), (SeenBefore, Unread)):
        assert set(line.model_fields) == {field.name for field in dataclasses.fields(what)} - LEFT_OUT
    observed = {field.name for field in dataclasses.fields(Observation)}
    assert set(Moment.model_fields) - {"time_synced", "vehicle", "wall_time_s"} == observed - {"wall_time"}


def test_no_rule_asks_for_what_is_left_out() -> None:
    for path in (Path(__file__).resolve().parents[1] / "edge" / "state").rglob("*.py"):
        asked = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        assert not asked & LEFT_OUT, path


def test_a_line_says_its_units_and_holds_no_picture(tmp_path: Path) -> None:
    observation = seen(1.0, face(0.3, 0.2, pitch_deg=1.0, expression="happiness"))
    path = written(tmp_path / "drive.jsonl", moments([observation]))
    first, line, last = map(json.loads, path.read_text().splitlines())
    assert first["schema"] == "mien-recording/1"
    assert line["faces"][0]["box_px"] == {"x": 200.0, "y": 100.0, "width": 160.0, "height": 200.0}
    assert line["size_px"] == [640, 480]
    assert line["vehicle"] == {"speed_kmh": 50.0, "reverse": False}
    assert line["faces"][0]["right_eye"]["aspect_ratio"] == 0.3
    assert "landmarks" not in path.read_text()
    assert last == {"end": "source_ended", "frames": 1}


@pytest.mark.parametrize("name", ["drive.jsonl", "drive.jsonl.gz"])
def test_a_kill_costs_a_second_at_most(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("edge.recording.file.time.monotonic", lambda: now[0])
    path = tmp_path / name
    with RecordingWriter(path, header()) as writer:
        for moment in moments(drive(times(5, 20), closed=[])):
            now[0] = moment.t_s
            writer.write(moment)
        as_killed = tmp_path / f"killed-{name}"
        as_killed.write_bytes(path.read_bytes())
    with Recording(as_killed) as recording:
        assert [moment.t_s for moment in recording][-1] >= 4.0


@pytest.mark.parametrize("name", ["drive.jsonl", "drive.jsonl.gz"])
@pytest.mark.parametrize("share", [0.3, 0.62, 0.95])
def test_a_file_that_breaks_off_is_replayed_up_to_there_and_said_to_be(
    name: str, share: float, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    observations = drive(times(12, 10), closed=[(3, 6)])
    whole = written(tmp_path / name, moments(observations)).read_bytes()
    begun = len(written(tmp_path / f"head-{name}", [], end=False).read_bytes())
    cut = tmp_path / f"cut-{name}"
    cut.write_bytes(whole[: begun + int(share * (len(whole) - begun))])
    with caplog.at_level(logging.WARNING), Recording(cut) as recording:
        events = as_lines(replay(recording).events)
    frames = recording.frames
    assert 0 < frames < len(observations)
    assert events == live(observations[:frames])
    (warning,) = caplog.messages
    assert f"breaks off at line {frames + 2}" in warning
    assert str(cut) in warning


def test_a_recording_without_its_end_is_said_to_break_off(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = written(tmp_path / "drive.jsonl", moments(drive(times(1, 10), [])), end=False)
    events_of(path)
    (warning,) = caplog.messages
    assert "line 13" in warning


def test_missing_lines_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = written(tmp_path / "drive.jsonl", moments(drive(times(1, 10), [])))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:4] + lines[7:]))
    events_of(path)
    (warning,) = caplog.messages
    assert "8 of the 11 frames" in warning


@pytest.mark.parametrize(
    ("damage", "why"),
    [(b'{"t_s": 1.0\n', "not JSON"), (b'{"t_s": "soon"}\n', "t_s"), (b"\xff\xfe\n", "not JSON"), (b"\n", "not JSON")],
)
def test_a_damaged_line_in_the_middle_is_named(
    damage: bytes, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "drive.jsonl", moments(drive(times(1, 10), [])))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:6], damage, *lines[7:]]))
    assert main(["replay", str(path), "--out", str(tmp_path / "events")]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert f"{path}: line 7 is damaged" in told
    assert why in told
    assert not (tmp_path / "events").exists()


def test_a_damaged_gzip_is_no_traceback(tmp_path: Path) -> None:
    path = written(tmp_path / "drive.jsonl.gz", moments(drive(times(20, 10), closed=[(1, 2)])))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(RecordingError, match=r"drive\.jsonl\.gz: line \d+ is damaged"):
        events_of(path)


def test_what_is_no_recording_is_told_in_one_line(tmp_path: Path, puppet_clip: Path) -> None:
    empty, newer = tmp_path / "empty.jsonl", tmp_path / "newer.jsonl"
    empty.touch()
    newer.write_text(header().to_json().decode().replace("recording/1", "recording/2"))
    not_zipped = tmp_path / "plain.jsonl.gz"
    not_zipped.write_bytes(written(tmp_path / "plain.jsonl", []).read_bytes())
    for path in (empty, newer, not_zipped, puppet_clip, tmp_path / "gone.jsonl", tmp_path):
        with pytest.raises(RecordingError) as error:
            Recording(path)
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)


def test_rules_of_another_version_ask_for_a_configuration(tmp_path: Path) -> None:
    head = header().model_copy(update={"state": {"eyes": {"squint": 1}}})
    path = written(tmp_path / "drive.jsonl", moments(drive(times(1, 10), [])), head=head)
    with pytest.raises(RecordingError, match=r"mien 0\.1\.0.*eyes\.squint.*--config"):
        events_of(path)
    assert events_of(path, StateSettings()) == b""


def test_a_full_disk_is_one_line(puppet_clip: Path, face_models: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    assert_one_line(mien("record", puppet_clip, "--out", "/dev/full"), "/dev/full", "No space left", "--out")


def test_a_drive_is_not_written_over(puppet_clip: Path, tmp_path: Path) -> None:
    path = written(tmp_path / "drive.jsonl", [])
    before = path.read_bytes()
    with pytest.raises(RecordingError, match=r"exists already.*--out"):
        record(Config.model_validate({"camera": {"source": str(puppet_clip)}}), path)
    assert path.read_bytes() == before


def test_seconds_end_a_recording(puppet_clip: Path, face_models: Path, tmp_path: Path) -> None:
    path = tmp_path / "drive.jsonl"
    done = record(Config.model_validate({"camera": {"source": str(puppet_clip)}}), path, seconds=1.0)
    assert done.seconds == pytest.approx(1.0, abs=0.07)
    assert json.loads(path.read_text().splitlines()[-1]) == {"end": "stopped", "frames": done.frames}


def test_a_streams_password_is_not_recorded() -> None:
    assert address("rtsp://cab:secret@10.0.0.7:554/front?key=secret") == "rtsp://10.0.0.7:554/front"
    assert address("ffmpeg:rtsp://cab:secret@10.0.0.7:554/front?key=secret") == "ffmpeg:rtsp://10.0.0.7:554/front"
    assert address("ffmpeg:/dev/video0") == "ffmpeg:/dev/video0"


class _Rig(Camera):
    """A live camera that shows a made-up drive, and the reader of it; lost at its end."""

    expression_sha256 = None

    def __init__(self, observations: list[Observation], *, lost: bool) -> None:
        super().__init__("main", (640, 480), 20.0, None)
        self._observations = iter(observations)
        self._now: Observation | None = None
        self._lost = lost

    def __next__(self) -> Frame:
        self._now = next(self._observations, None)
        if self._now is None:
            if self._lost:
                raise CameraError("camera 0: no picture for 5 s")
            raise StopIteration
        return Frame(np.zeros((1, 1, 3), np.uint8), self._now.t_s, self._now.wall_time, self._now.seq, self.id)

    def read_ahead(
        self, frames: Iterable[Frame | None], _at_hand: Callable[[], int]
    ) -> Iterator[tuple[Frame, Observation] | None]:
        for frame in frames:
            yield None if frame is None or self._now is None else (frame, self._now)

    def close(self) -> None:
        pass


def record_live(rig: _Rig, path: Path, monkeypatch: pytest.MonkeyPatch, stop_after: int | None = None) -> list[Event]:
    monkeypatch.setattr("edge.recording.recorder.open_camera", lambda _settings: rig)
    monkeypatch.setattr("edge.recording.recorder.open_reader", lambda _settings, seed: rig)
    events: list[Event] = []
    stop = threading.Event()

    def note(step: Step, _total: int | None) -> None:
        events.extend(step.events)
        if step.observation is not None and step.observation.seq == stop_after:
            stop.set()

    try:
        record(Config(device="cab-7"), path, stop=stop, on_step=note)
    except CameraError:
        pass
    return events


class _Silent(_Rig):
    """A stream whose network is gone: it never gives a frame again."""

    def next_frame(self, timeout_s: float) -> None:
        time.sleep(timeout_s)


def test_a_recording_can_be_stopped_while_its_stream_is_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = _Silent([], lost=False)
    monkeypatch.setattr("edge.recording.recorder.open_camera", lambda _settings: rig)
    monkeypatch.setattr("edge.recording.recorder.open_reader", lambda _settings, seed: rig)
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    began_s = time.monotonic()
    assert record(Config(device="cab-7"), tmp_path / "drive.jsonl", stop=stop).frames == 0
    assert time.monotonic() - began_s < 1.0


def numbered(observations: list[Observation]) -> list[Observation]:
    return [dataclasses.replace(observation, seq=seq) for seq, observation in enumerate(observations)]


@pytest.mark.parametrize(
    ("lost", "stop_after", "reason"),
    [(False, None, "source_ended"), (True, None, "camera_lost"), (False, 90, "stopped")],
)
def test_a_live_drive_replays_to_the_events_of_then(
    lost: bool, stop_after: int | None, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "drive.jsonl"
    rig = _Rig(numbered(drive(times(408, 20, from_s=400), closed=[(402, 407.5)])), lost=lost)
    events = record_live(rig, path, monkeypatch, stop_after)
    assert {event.data.kind for event in events} >= {"microsleep"}
    assert json.loads(path.read_text().splitlines()[-1])["end"] == reason
    assert events_of(path) == as_lines(events)


def test_two_live_drives_share_no_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids: list[set[str]] = []
    for name in ("one", "two"):
        rig = _Rig(drive(times(8, 20), closed=[(2, 6)]), lost=False)
        events = record_live(rig, tmp_path / name, monkeypatch)
        ids.append({event.id for event in events} | {event.data.episode_id for event in events})
    assert ids[0]
    assert not ids[0] & ids[1]


def test_three_minutes_replay_many_times_faster_than_they_were_driven(tmp_path: Path) -> None:
    path = written(tmp_path / "drive.jsonl", moments(drive(times(180, 10), closed=[(100, 104)])))
    started_s = time.perf_counter()
    events_of(path)
    assert time.perf_counter() - started_s < 180 / 20


def test_a_zipped_recording_is_a_gzip_of_the_plain_one(tmp_path: Path) -> None:
    lines = moments(drive(times(2, 10), closed=[]))
    plain_file, zipped = written(tmp_path / "a.jsonl", lines), written(tmp_path / "a.jsonl.gz", lines)
    assert gzip.decompress(zipped.read_bytes()) == plain_file.read_bytes()
