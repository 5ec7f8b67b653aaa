"""Tables, the clips that are found, and where what is made of them goes."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

from edge.analysis.clips import Clip, find_clips, places
from edge.analysis.tables import Columns, Row, check_table, open_table
from edge.aside import put_in_place
from edge.errors import MienError

COLUMNS: Columns = {"clip": str, "t_s": float, "faces": int, "attentive": bool}
ROWS: list[Row] = [{"clip": "ä,b.mp4", "t_s": 0.5, "faces": 2, "attentive": True}, {"t_s": 1.0, "faces": 0}]


def test_lines_of_json_have_every_column(tmp_path: Path) -> None:
    with open_table(tmp_path / "t.jsonl", COLUMNS, "--frames") as put:
        put(ROWS)
    lines = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert lines == [ROWS[0], {"clip": None, "t_s": 1.0, "faces": 0, "attentive": None}]


def test_csv_leaves_empty_what_is_not_known(tmp_path: Path) -> None:
    with open_table(tmp_path / "t.csv", COLUMNS, "--frames") as put:
        put(ROWS)
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [list(COLUMNS), ["ä,b.mp4", "0.5", "2", "True"], ["", "1.0", "0", ""]]


def test_parquet_keeps_types_and_nulls_over_several_clips(tmp_path: Path) -> None:
    io = pytest.importorskip("arro3.io", reason="Parquet is written by mien[tables]'s arro3")
    with open_table(tmp_path / "t.parquet", COLUMNS, "--frames") as put:
        put(ROWS)
        put([])
        put(ROWS[:1])
    table = io.read_parquet(tmp_path / "t.parquet").read_all()
    assert {name: table.column(name).to_pylist() for name in table.column_names} == {
        "clip": ["ä,b.mp4", None, "ä,b.mp4"],
        "t_s": [0.5, 1.0, 0.5],
        "faces": [2, 0, 2],
        "attentive": [True, None, True],
    }


def test_without_arro3_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "arro3.io", None)
    with pytest.raises(MienError, match=r"pip install 'mien\[tables\]'"):
        check_table(Path("t.parquet"), "--frames")
    with pytest.raises(MienError, match=r"--frames t\.xlsx.*\.jsonl, \.csv, \.parquet"):
        check_table(Path("t.xlsx"), "--frames")


def test_what_breaks_off_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")

    def write() -> None:
        with put_in_place(path, "--out") as aside:
            aside.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert [file.name for file in tmp_path.iterdir()] == ["out.csv"]
    assert path.read_text() == "old"


def test_a_folders_videos_are_found_in_natural_order_and_nothing_else(tmp_path: Path) -> None:
    for name in ("clip10.mp4", "clip2.MP4", "notes.txt", ".hidden.mp4", "b/clip1.gif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    clips = find_clips([tmp_path, tmp_path / "clip10.mp4"])
    assert [clip.name for clip in clips] == ["b/clip1.gif", "clip2.MP4", "clip10.mp4"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(MienError, match="no video in this folder"):
        find_clips([tmp_path / "empty"])


def test_clips_of_one_name_keep_apart(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "clip.mp4").touch()
    clips = find_clips([tmp_path / "a", tmp_path / "b"])
    assert len({clip.name for clip in clips}) == 2
    into = places(clips, tmp_path / "out", (".mp4",), "--annotate")
    assert len(set(into)) == 2
    assert all(path.is_relative_to(tmp_path / "out") for path in into)
    assert all(path.parent.is_dir() for path in into)


def test_a_gif_and_a_video_of_one_name_become_two_files(tmp_path: Path) -> None:
    clips = [Clip(tmp_path / name, name) for name in ("a.gif", "a.mov")]
    into = places(clips, tmp_path / "out", (".mp4",), "--annotate")
    assert [path.name for path in into] == ["a.gif.mp4", "a.mov.mp4"]


def test_no_clip_is_written_over_and_no_two_into_one(tmp_path: Path) -> None:
    one, two = (Clip(tmp_path / name, name) for name in ("a.mp4", "b.mp4"))
    one.path.touch()
    with pytest.raises(MienError, match="that is a clip itself"):
        places([one], one.path, (".mp4",), "--annotate")
    with pytest.raises(MienError, match="that is a clip itself"):
        places([one], tmp_path, (".mp4",), "--annotate")
    with pytest.raises(MienError, match="name a folder"):
        places([one, two], tmp_path / "out.mp4", (".mp4",), "--annotate")
    with pytest.raises(MienError, match=r"\.avi"):
        places([one], tmp_path / "out.avi", (".mp4",), "--annotate")
