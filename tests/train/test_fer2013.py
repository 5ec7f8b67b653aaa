"""FER2013 and FERPlus are read as they are given out, and refused with the row where they are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.train.faces import striped, write_csv
from train.data import DataError, Split, load_fer2013, soft_targets


def test_what_was_written_is_read_with_votes_and_from_the_cache(tmp_path: Path) -> None:
    faces = striped(28)
    write_csv(faces, tmp_path, votes=True)
    for _ in range(2):  # the second time from the cache
        read = load_fer2013(tmp_path)
        assert np.array_equal(read.pixels, faces.pixels)
        assert np.array_equal(read.labels, faces.labels)
        assert np.array_equal(read.splits, faces.splits)
        assert read.votes is not None
        assert read.votes.sum() == 28 * 10


def test_a_changed_csv_is_read_anew_despite_the_cache(tmp_path: Path) -> None:
    write_csv(striped(28), tmp_path)
    load_fer2013(tmp_path)
    write_csv(striped(35), tmp_path)
    assert len(load_fer2013(tmp_path)) == 35


def test_blanks_in_column_names_are_forgiven(tmp_path: Path) -> None:
    path = write_csv(striped(7), tmp_path)
    path.write_text(path.read_text().replace("emotion,pixels,Usage", "emotion, Usage, pixels", 1))
    rows = path.read_text().splitlines()
    swapped = [rows[0], *(",".join([label, usage, pixels]) for label, pixels, usage in (r.split(",") for r in rows[1:]))]
    path.write_text("\n".join(swapped) + "\n")
    assert len(load_fer2013(tmp_path)) == 7


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\n3,", "\n9,", r"line 5: emotion '9' is not one of 0 to 6"),
        ("PublicTest", "Publictest", r"line \d+: Usage 'Publictest'"),
        ("emotion,", "label,", r"no column emotion"),
    ],
)
def test_a_wrong_value_is_refused_with_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = write_csv(striped(21), tmp_path)
    path.write_text(path.read_text().replace("\r\n", "\n").replace(old, new, 1))
    with pytest.raises(DataError, match=message):
        load_fer2013(tmp_path)


def test_a_file_cut_in_the_middle_of_a_row_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write_csv(striped(21), tmp_path)
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) - 2000])
    with pytest.raises(DataError, match=r"fer2013\.csv, line 22: "):
        load_fer2013(tmp_path)


def test_votes_for_another_number_of_faces_are_refused(tmp_path: Path) -> None:
    write_csv(striped(21), tmp_path, votes=True)
    write_csv(striped(14), tmp_path)
    with pytest.raises(DataError, match="21 rows of votes for 14 faces"):
        load_fer2013(tmp_path)


def test_no_csv_says_what_data_takes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"--data takes the folder"):
        load_fer2013(tmp_path)


def test_soft_targets_mix_label_and_votes(tmp_path: Path) -> None:
    write_csv(striped(7), tmp_path, votes=True)
    faces = load_fer2013(tmp_path)
    assert np.allclose(soft_targets(faces, 0.25), np.eye(7)[faces.labels])
    assert faces.votes is not None
    faces.votes[0] = [10, 0, 0, 0, 0, 0, 0, 0, 0, 0]  # all say neutral, the label says anger
    assert soft_targets(faces, 0.25)[0] == pytest.approx([0.75, 0, 0, 0, 0, 0, 0.25])


def test_the_real_data_has_the_published_counts(fer2013: Path) -> None:
    faces = load_fer2013(fer2013)
    assert [len(faces.split(split)) for split in Split] == [28709, 3589, 3589]
    assert np.bincount(faces.split(Split.PRIVATE_TEST).labels).tolist() == [491, 55, 528, 879, 594, 416, 626]
    assert len(faces) - len(faces.without_blank()) == 12
