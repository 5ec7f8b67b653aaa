"""Image folders by class are read whole, and what cannot be read is named."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.train.faces import striped
from train.data import DataError, Faces, Split, load
from train.data.images import read_grey

KAGGLE = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def write_folders(faces: Faces, root: Path, names: tuple[str, ...] = ("train", "test", "test")) -> None:
    """One PNG a face, by split and class, named as Kaggle names them."""
    for index, (pixels, label, split) in enumerate(zip(faces.pixels, faces.labels, faces.splits, strict=True)):
        folder = root / names[split] / KAGGLE[label]
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"{Split(split).title}_{index:05d}.png"), pixels)


def sorted_faces(faces: Faces) -> list[tuple[bytes, int, int]]:
    rows = zip(faces.pixels, faces.labels, faces.splits, strict=True)
    return sorted((pixels.tobytes(), int(label), int(split)) for pixels, label, split in rows)


def test_kaggles_folders_give_the_same_faces_as_the_csv_and_its_names_part_the_test_folder(tmp_path: Path) -> None:
    faces = striped(70)
    write_folders(faces, tmp_path)
    read = load(tmp_path)
    assert sorted_faces(read) == sorted_faces(faces)
    assert read.votes is None
    assert dict(read.report.sizes) == {(48, 48): 70}
    assert not read.report.left_out
    assert read.report.notes == ("11 images of the test folder are PublicTest by their names",)


def test_a_validation_folder_is_public_test_and_a_wrapper_is_looked_through(tmp_path: Path) -> None:
    faces = striped(70)
    write_folders(faces, tmp_path / "archive" / "images", ("Train", "validation", "privatetest"))
    assert sorted_faces(load(tmp_path)) == sorted_faces(faces)


def test_without_split_folders_one_face_in_ten_each_is_set_aside_and_twins_stay_together(tmp_path: Path) -> None:
    faces = striped(350)
    write_folders(faces, tmp_path, (".", ".", "."))
    for name in KAGGLE:  # every face once more
        for path in list((tmp_path / name).iterdir()):
            (tmp_path / name / f"again-{path.name}").write_bytes(path.read_bytes())
    read = load(tmp_path)
    counts = np.bincount(read.splits, minlength=3)
    assert counts.sum() == 700
    assert 40 <= counts[Split.PUBLIC_TEST] <= 100
    assert 40 <= counts[Split.PRIVATE_TEST] <= 100
    of_face: dict[bytes, set[int]] = {}
    for face, split in zip(read.pixels, read.splits, strict=True):
        of_face.setdefault(face.tobytes(), set()).add(int(split))
    assert all(len(splits) == 1 for splits in of_face.values())
    assert [note[:25] for note in read.report.notes] == ["no folder for PublicTest:", "no folder for PrivateTest"]
    assert np.array_equal(load(tmp_path).splits, read.splits)


def test_a_test_folder_without_kaggles_names_is_private_and_public_comes_from_training(tmp_path: Path) -> None:
    write_folders(striped(140), tmp_path)
    for path in (tmp_path / "test").rglob("*.png"):
        path.rename(path.with_name(path.name.split("_")[1]))
    read = load(tmp_path)
    assert len(read.split(Split.PRIVATE_TEST)) == 42
    assert len(read.split(Split.TRAINING)) + len(read.split(Split.PUBLIC_TEST)) == 98
    assert len(read.split(Split.PUBLIC_TEST)) > 0


@pytest.mark.parametrize("extra", ["test/contempt", "train/bored", "extra", "train/happy/more"])
def test_a_folder_that_is_no_class_or_split_is_refused_by_name(tmp_path: Path, extra: str) -> None:
    write_folders(striped(70), tmp_path)
    (tmp_path / extra).mkdir()
    with pytest.raises(DataError, match=rf"{extra}: (not a class|not a split|a folder within)"):
        load(tmp_path)


def test_a_few_unreadable_images_are_named_and_many_refused(tmp_path: Path) -> None:
    write_folders(striped(210), tmp_path)
    cut, empty = sorted((tmp_path / "train" / "sad").iterdir())[:2]
    cut.write_bytes(cut.read_bytes()[:500])
    empty.write_bytes(b"")
    read = load(tmp_path)
    assert len(read) == 208
    (left_out,) = read.report.left_out
    assert left_out.describe().startswith(f"2 unreadable images: train/sad/{cut.name} (image file is truncated")
    assert f"train/sad/{empty.name} (cannot identify image file)" in left_out.describe()
    with pytest.raises(DataError, match=rf"of 210 images 2 unreadable images: train/sad/{cut.name}.*at most 0\.5%"):
        load(tmp_path, max_unreadable=0.005)


def test_files_that_are_no_images_are_named(tmp_path: Path) -> None:
    write_folders(striped(70), tmp_path)
    for name in ("README.md", "train/stray.png", "train/happy/notes.txt", "test/sad/.DS_Store"):
        (tmp_path / name).write_bytes(b"x")
    read = load(tmp_path)
    assert len(read) == 70
    (left_out,) = read.report.left_out
    assert set(left_out.names) == {"README.md", "train/stray.png", "train/happy/notes.txt", "test/sad/.DS_Store"}


def test_images_of_other_sizes_are_made_grey_and_resized_with_a_note(tmp_path: Path) -> None:
    faces = striped(7)
    write_folders(faces, tmp_path, ("train", "train", "train"))
    large = np.kron(faces.pixels[0], np.ones((4, 2), np.uint8))
    cv2.imwrite(str(tmp_path / "train" / "angry" / "Training_00000.png"), cv2.cvtColor(large, cv2.COLOR_GRAY2BGR))
    read = load(tmp_path)
    assert np.array_equal(read.pixels[0], faces.pixels[0])
    assert dict(read.report.sizes) == {(48, 48): 6, (96, 192): 1}
    assert "1 of 7 images resized to 48×48, taken as framed" in read.report.notes
    assert "1 of these are not square and were squeezed" in read.report.notes


def test_sixteen_bit_and_turned_photos_are_read_as_they_look(tmp_path: Path) -> None:
    face = striped(2).pixels[1]
    cv2.imwrite(str(tmp_path / "deep.png"), face.astype(np.uint16) << 8)
    assert np.array_equal(read_grey(tmp_path / "deep.png"), face)
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side, to be turned a quarter clockwise
    Image.fromarray(np.ascontiguousarray(np.rot90(face))).save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(read_grey(tmp_path / "turned.png"), face)


def test_a_folder_of_something_else_says_what_is_wanted(tmp_path: Path) -> None:
    for name in ("holidays", "work"):
        (tmp_path / name).mkdir()
    with pytest.raises(DataError, match=r"no data set known here; wanted: fer2013\.csv"):
        load(tmp_path)
    (tmp_path / "fer2013.tar.gz").write_bytes(b"x")
    with pytest.raises(DataError, match="an archive is to be unpacked first"):
        load(tmp_path / "fer2013.tar.gz")
    with pytest.raises(DataError, match="nowhere: not found"):
        load(tmp_path / "nowhere")


def test_votes_do_not_go_with_folders(tmp_path: Path) -> None:
    write_folders(striped(7), tmp_path)
    with pytest.raises(DataError, match=r"FERPlus's votes go with the rows of fer2013\.csv"):
        load(tmp_path, ferplus=tmp_path / "fer2013new.csv")
