"""``mien analyze`` on real clips, against what a person sees in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
