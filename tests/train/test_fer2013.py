"""FER2013 and FERPlus are read as they are given out, and refused with the row where they are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.train.faces import striped, write_csv
from train.data import DataError, Split, load, load_fer2013, soft_targets
from train.data.inspection import describe


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


def test_icml_face_data_is_read_with_its_blanks_and_its_order_of_columns(tmp_path: Path) -> None:
    faces = striped(7)
    kaggles = write_csv(faces, tmp_path)
    rows = kaggles.read_text().splitlines()[1:]
    kaggles.unlink()
    swapped = [f"{label},{usage},{pixels}" for label, pixels, usage in (row.split(",") for row in rows)]
    path = tmp_path / "icml_face_data.csv"
    path.write_text("\n".join(["emotion, Usage, pixels", *swapped]))
    for source in (tmp_path, path):  # the second time from the cache
        read = load(source)
        assert np.array_equal(read.pixels, faces.pixels)
        assert np.array_equal(read.labels, faces.labels)


def test_kaggles_archive_unpacks_to_a_folder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "fer2013").mkdir()
    write_csv(striped(7), tmp_path / "fer2013")
    assert len(load(tmp_path)) == 7


def test_a_damaged_cache_is_passed_over(tmp_path: Path) -> None:
    write_csv(striped(7), tmp_path)
    load_fer2013(tmp_path)
    cache = tmp_path / "fer2013.cache.npz"
    cache.write_bytes(cache.read_bytes()[:5000])
    assert len(load_fer2013(tmp_path)) == 7


def test_fewer_rows_than_published_are_noted(tmp_path: Path) -> None:
    write_csv(striped(7), tmp_path)
    assert load(tmp_path).report.notes == (
        "7 rows, where FER2013 has 35,887: a part of it, or a file cut between rows",
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\n3,", "\n9,", r"line 5: emotion '9' is not one of 0 to 6"),
        ("PublicTest", "Publictest", r"line \d+: Usage 'Publictest'"),
        ("emotion,", "label,", r"no column emotion"),
        ("\n4,", "\n4,x ", r"line 6: pixels are not whole numbers"),
        ("\n4,", "\n4,1.5 ", r"line 6: pixels are not whole numbers"),
        ("\n4,", "\n4,7 ", r"line 6: 2305 pixels, not 2304"),
        (",PublicTest", ",Public,Test", r"line \d+: 4 columns, not 3"),
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


def test_a_pixel_above_255_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write_csv(striped(7), tmp_path)
    rows = path.read_text().splitlines()
    label, pixels, usage = rows[3].split(",")
    rows[3] = f"{label},256{pixels[pixels.index(' ') :]},{usage}"
    path.write_text("\n".join(rows))
    with pytest.raises(DataError, match=r"line 4: a pixel is outside 0 to 255"):
        load_fer2013(tmp_path)


def test_votes_in_another_order_are_refused(tmp_path: Path) -> None:
    write_csv(striped(21), tmp_path, votes=True)
    votes = tmp_path / "fer2013new.csv"
    header, *rows = votes.read_text().splitlines()
    votes.write_text("\n".join([header, *reversed(rows)]))
    with pytest.raises(DataError, match=r"fer2013new\.csv: vote 1 is for PrivateTest, that face is of Training"):
        load_fer2013(tmp_path)


def test_a_broken_vote_is_refused_with_its_line(tmp_path: Path) -> None:
    write_csv(striped(21), tmp_path, votes=True)
    votes = tmp_path / "fer2013new.csv"
    rows = votes.read_text().splitlines()
    rows[4] = rows[4].replace(",8", ",-8")
    votes.write_text("\n".join(rows))
    with pytest.raises(DataError, match=r"fer2013new\.csv, line 5: a vote is not"):
        load_fer2013(tmp_path)


def test_votes_may_lie_elsewhere_and_are_no_data_set_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "votes").mkdir()
    votes = write_csv(striped(21), tmp_path / "votes", votes=True).with_name("fer2013new.csv")
    path = write_csv(striped(21), tmp_path)
    assert load(path).votes is None
    assert load(path, ferplus=votes).votes is not None
    with pytest.raises(DataError, match="holds FERPlus's votes alone"):
        load(votes)
    with pytest.raises(DataError, match=r"none\.csv: not found"):
        load(path, ferplus=tmp_path / "none.csv")


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


def test_the_real_data_has_the_published_counts_and_the_known_faults(fer2013: Path) -> None:
    faces = load(fer2013)
    assert faces.votes is not None
    assert [len(faces.split(split)) for split in Split] == [28709, 3589, 3589]
    assert np.bincount(faces.split(Split.PRIVATE_TEST).labels).tolist() == [491, 55, 528, 879, 594, 416, 626]
    assert len(faces) - len(faces.without_blank()) == 12
    text = describe(faces)
    assert "280 of PublicTest have a twin in Training" in text
    assert "288 of PrivateTest have a twin in Training" in text
    assert "1,516 groups, 57 of these with conflicting labels" in text
    assert "blank, of one grey level: 12 (11 Training, 1 PublicTest)" in text
    assert "votes: FERPlus, 10 a face" in text
    assert not faces.report.notes
