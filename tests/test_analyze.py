"""``mien analyze`` on real clips, against what a person sees in them."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.test_cli import mien

Events = list[dict[str, Any]]


def analyzed(clip: Path, out: Path) -> Events:
    """The events of a clip, as written by the command."""
    done = mien("analyze", clip, "--out", out)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in out.read_text().splitlines()]


def seconds(stamp: str) -> float:
    """An event's time within its clip: analyses count from the Unix epoch."""
    from datetime import datetime

    return datetime.fromisoformat(stamp).timestamp()


@pytest.fixture(scope="module")
def eyes_close(shared: Path, face_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Events:
    return analyzed(shared / "data/clips/eyes-close.mp4", tmp_path_factory.mktemp("eyes") / "events.jsonl")


def test_a_long_closure_is_a_microsleep_and_then_sleep(eyes_close: Events) -> None:
    alerts = [event for event in eyes_close if event["data"]["severity"] != "info"]
    told = {(event["data"]["kind"], event["data"]["phase"]): seconds(event["time"]) for event in alerts}
    assert len(alerts) == 4, told
    assert told["microsleep", "start"] == pytest.approx(5.9, abs=0.3)
    assert told["sleep", "start"] == pytest.approx(7.4, abs=0.3)
    assert told["microsleep", "end"] == pytest.approx(8.85, abs=0.4)
    assert told["sleep", "end"] == pytest.approx(8.85, abs=0.4)


def test_start_and_end_share_an_episode_and_the_closures_onset(eyes_close: Events) -> None:
    for kind in ("microsleep", "sleep"):
        start, end = (event["data"] for event in eyes_close if event["data"]["kind"] == kind)
        assert start["episode_id"] == end["episode_id"]
        assert seconds(start["started_at"]) == pytest.approx(4.4, abs=0.2)
        assert seconds(end["ended_at"]) == pytest.approx(8.85, abs=0.2)


def test_the_blinks_before_it_alert_nobody(eyes_close: Events) -> None:
    early = [event for event in eyes_close if seconds(event["time"]) < 4.4 and event["data"]["severity"] != "info"]
    assert early == []


def test_no_face_is_no_event(shared: Path, face_models: Path, tmp_path: Path) -> None:
    done = mien("analyze", shared / "data/clips/no-face.mp4", "--out", tmp_path / "events.jsonl")
    assert "a face in 0% of them" in done.stdout
    assert (tmp_path / "events.jsonl").read_text() == ""


def test_happiness_holds_for_most_of_the_smile(shared: Path, face_models: Path, tmp_path: Path) -> None:
    events = analyzed(shared / "data/clips/sad-to-happy.mp4", tmp_path / "events.jsonl")
    spans = [
        (seconds(event["data"]["started_at"]), seconds(event["data"]["ended_at"]))
        for event in events
        if (event["data"]["kind"], event["data"]["phase"]) == ("happiness", "end")
    ]
    smiled_s = sum(max(0.0, min(end, 16.0) - max(start, 9.5)) for start, end in spans)
    assert smiled_s > 0.5 * (16.0 - 9.5), spans


def test_the_same_clip_gives_the_same_events(shared: Path, face_models: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        analyzed(shared / "data/clips/eyes-close.mp4", tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (tmp_path / "one").stat().st_size > 0


def test_every_event_keeps_to_the_contract(eyes_close: Events) -> None:
    from jsonschema import Draft202012Validator

    from edge.events import schemas

    validator = Draft202012Validator(schemas()["event"])
    for event in eyes_close:
        validator.validate(event)


def test_a_broken_clip_among_several_is_named_and_the_others_are_done(
    puppet_clip: Path, face_models: Path, tmp_path: Path
) -> None:
    av = pytest.importorskip("av", reason="the video is written by mien[video]'s PyAV")
    pytest.importorskip("jinja2", reason="the page is written by mien[report]'s Jinja")
    clips, seen = tmp_path / "clips", tmp_path / "seen"
    (clips / "night").mkdir(parents=True)
    for name in ("day.mp4", "night/day.mp4"):
        shutil.copy(puppet_clip, clips / name)
    (clips / "broken.mp4").write_text("no video")
    options: list[str | Path] = ["--annotate", seen, "--report", tmp_path / "all.html", "--jobs", "2"]
    done = mien("analyze", clips, "--out", tmp_path / "e.jsonl", "--frames", tmp_path / "f.csv", *options)
    assert done.returncode == 2
    assert done.stderr.count("broken.mp4") == 2, done.stderr  # why, and again at the end
    assert "1 of 3 clips could not be read" in done.stderr.splitlines()[-1]

    assert sorted(str(path.relative_to(seen)) for path in seen.rglob("*.*")) == ["day.mp4", "night/day.mp4"]
    with av.open(str(puppet_clip)) as clip, av.open(str(seen / "day.mp4")) as annotated:
        times = [[frame.time for frame in each.decode(video=0)] for each in (clip, annotated)]
        assert times[0] == pytest.approx(times[1], abs=0.001)
        assert annotated.streams.video[0].width == clip.streams.video[0].width

    with (tmp_path / "f.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["clip"] for row in rows] == ["day.mp4"] * 30 + ["night/day.mp4"] * 30
    one, other = ([row | {"clip": ""} for row in rows[start : start + 30]] for start in (0, 30))
    assert one == other
    openness = {round(float(row["t_s"]), 2): float(row["openness"]) for row in one}
    assert min(openness, key=lambda t_s: openness[t_s]) == pytest.approx(1.1, abs=0.15)  # it blinks at 1.0 s
    events = [json.loads(line) for line in (tmp_path / "e.jsonl").read_text().splitlines()]
    assert {event["clip"] for event in events} == {"day.mp4", "night/day.mp4"}
    page = (tmp_path / "all.html").read_text()
    assert "3 clips" in page
    assert page.count('class="chart"') == 2


def test_ctrl_c_leaves_no_half_video(shared: Path, face_models: Path, tmp_path: Path) -> None:
    pytest.importorskip("av", reason="the video is written by mien[video]'s PyAV")
    # Long enough that it is still being drawn when the signal comes, on a busy machine, too.
    clip = shared / "data/clips/sad-to-happy.mp4"
    command = [sys.executable, "-m", "edge.cli", "analyze", "-q", str(clip), "--annotate", str(tmp_path / "seen.mp4")]
    process = subprocess.Popen(command)
    until_s = time.monotonic() + 60
    while not any(tmp_path.iterdir()) and time.monotonic() < until_s:
        time.sleep(0.02)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("module", "option", "extra"),
    [
        ("av", ("--annotate", "seen.mp4"), "video"),
        ("PIL", ("--pixels", "--report", "r.html"), "video"),
        ("matplotlib", ("--plot", "p.png"), "plot"),
        ("jinja2", ("--report", "r.html"), "report"),
        ("arro3.core", ("--frames", "f.parquet"), "tables"),
    ],
)
def test_a_missing_extra_is_named_before_the_work(
    module: str, option: tuple[str, ...], extra: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from edge.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setitem(sys.modules, module, None)
    told: list[str] = []
    monkeypatch.setattr("edge.logs.configure", lambda *_: told.append)
    assert main(["analyze", "clip.mp4", *option]) == 2
    assert len(told) == 1
    assert f"pip install 'mien[{extra}]'" in told[0]
    assert list(tmp_path.iterdir()) == []


def test_the_five_in_a_photo_are_listed_and_drawn_and_nothing_happens(
    shared: Path, face_models: Path, tmp_path: Path
) -> None:
    pytest.importorskip("PIL", reason="pictures are lettered with mien[video]'s Pillow")
    photo, seen, rows = shared / "data/photos/five-faces.jpg", tmp_path / "seen.png", tmp_path / "faces.csv"
    (tmp_path / "many.toml").write_text("vision = { max_faces = 8, detect_tiles = 2 }\n")
    written = ("--annotate", seen, "--frames", rows, "--out", tmp_path / "events.jsonl")
    done = mien("analyze", photo, "--config", tmp_path / "many.toml", *written)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "events.jsonl").read_text() == ""
    first, *listed = done.stdout.splitlines()
    assert first == "five-faces.jpg: 5 faces"
    assert sum("happiness" in line for line in listed) == 4  # the fifth, in the middle, hardly smiles

    with rows.open(newline="") as file:
        faces = list(csv.DictReader(file))
    before, after = (np.asarray(cv2.imread(str(path)), np.int16) for path in (photo, seen))
    changed = np.abs(after[: before.shape[0], : before.shape[1]] - before).max(axis=2) > 40
    noses = [(265, 120), (368, 300), (480, 262), (574, 375), (735, 357)]  # as one sees them in the photo
    for x, y in noses:
        (face,) = [
            row
            for row in faces
            if 0 < x - float(row["box_x"]) < float(row["box_width"])
            and 0 < y - float(row["box_y"]) < float(row["box_height"])
        ]
        left, top, width = (round(float(face[f"box_{side}"])) for side in ("x", "y", "width"))
        edge = changed[top - 2 : top + 3, left : left + width].any(axis=0)
        assert edge.mean() > 0.9, face["track"]


def test_a_picture_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"\xff\xd8\xff no picture")
    done = mien("analyze", tmp_path / "holiday.jpg")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "holiday.jpg is no picture that can be read here" in line
