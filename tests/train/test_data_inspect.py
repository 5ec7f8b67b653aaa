"""``inspect`` tells what is in a data set, twins and all, and draws it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.train.faces import striped, write_csv
from train.data import DataError, Split, inspect
from train.data.faces import LeftOut, LoadReport
from train.data.inspection import describe


def test_the_table_and_the_faults_are_as_they_were_made(tmp_path: Path) -> None:
    faces = striped(70)  # splits of 49, 10 and 11
    assert np.bincount(faces.splits).tolist() == [49, 11, 10]
    faces.pixels[1] = faces.pixels[0]  # a twin within Training, with another label
    faces.pixels[69] = faces.pixels[2]  # a twin in PrivateTest
    faces.pixels[50] = 17  # blank
    write_csv(faces, tmp_path, votes=True)
    lines = [" ".join(line.split()) for line in inspect(tmp_path).splitlines()]
    assert lines[0] == f"FER2013, {tmp_path / 'fer2013.csv'}"
    assert lines[1] == "70 faces; images: 48×48 (70)"
    assert lines[2] == "votes: FERPlus, 10 a face; most for: contempt 0, unknown 0, not a face 0"
    assert "Training PublicTest PrivateTest all" in lines
    assert "anger 7 2 1 10" in lines
    assert "all 49 11 10 70" in lines
    assert "pixel-identical faces: 4 in 2 groups, 2 of these with conflicting labels" in lines
    assert "2 of Training stand in it more than once" in lines
    assert "1 of PrivateTest have a twin in Training" in lines
    assert "blank, of one grey level: 1 (1 PublicTest)" in lines
    assert lines[-1].startswith("note: 70 rows, where FER2013 has 35,887")


def test_left_out_files_are_counted_and_named_in_part_or_whole() -> None:
    names = tuple(f"train/sad/{number}.png" for number in range(8))
    faces = replace(striped(7), report=LoadReport("x", {(48, 48): 7}, (), (LeftOut("unreadable images", names),)))
    assert describe(faces).endswith(f"left out: 8 unreadable images: {', '.join(names[:5])} and 3 more")
    assert describe(faces, all_names=True).endswith(", ".join(names))


def test_the_sheet_shows_every_class_that_there_is(tmp_path: Path) -> None:
    faces = striped(70)
    write_csv(faces.select(faces.labels != 1), tmp_path)
    sheet = tmp_path / "out" / "sheet.png"
    assert str(sheet) in inspect(tmp_path, sheet)
    with Image.open(sheet) as drawn:
        pixels = np.asarray(drawn)
    rows = pixels[4 : 4 + 7 * 100, 110:].reshape(7, 100, -1)
    assert [bool((row < 250).any()) for row in rows] == [True, False, True, True, True, True, True]
    assert (pixels[:, :110] < 100).any()  # the names
    with pytest.raises(DataError, match=r"sheet\.txt: the sheet of samples is a PNG"):
        inspect(tmp_path, tmp_path / "sheet.txt")


def test_a_selection_keeps_the_report_of_the_whole(tmp_path: Path) -> None:
    faces = replace(striped(70), report=LoadReport("somewhere"))
    assert faces.split(Split.TRAINING).without_blank().report.source == "somewhere"
