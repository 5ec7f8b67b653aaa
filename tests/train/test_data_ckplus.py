"""CK+ in its own layout, made up small: peaks and neutral starts, subjects apart, nothing lost in silence."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from train.data import CLASSES, DataError, Split, load

HAPPY, CONTEMPT, SURPRISE = 5, 2, 7


def points(angle: float, scale: float, x: float, y: float) -> NDArray[np.float64]:
    """68 points: a jaw, and brows, eyes and mouth on lines; turned, scaled and moved."""
    turn = np.linspace(0, np.pi, 17)
    jaw = np.stack([-np.cos(turn), np.sin(turn)], axis=1)
    brows = np.stack([np.linspace(-0.7, 0.7, 10), np.full(10, -0.4)], axis=1)
    nose = np.stack([np.zeros(9), np.linspace(-0.2, 0.3, 9)], axis=1)
    eyes = np.stack([np.linspace(-0.6, 0.6, 12), np.full(12, -0.2)], axis=1)
    eyes[[9, 11]] = eyes[[11, 9]]  # point 45 is the left eye's outer corner
    mouth = np.stack([np.linspace(-0.4, 0.4, 20), np.full(20, 0.6)], axis=1)
    face = np.concatenate([jaw, brows, nose, eyes, mouth])
    cos, sin = np.cos(angle), np.sin(angle)
    return np.asarray(face @ np.array([[cos, sin], [-sin, cos]]) * scale + (x, y))


def write_sequence(
    root: Path,
    subject: str,
    sequence: str,
    emotion: int | None,
    frames: int = 6,
    where: NDArray[np.float64] | None = None,
) -> None:
    """Frames of 640×490 whose grey level counts up, white dots on the eyes' outer corners, and their files."""
    face = points(0.0, 100, 320, 250) if where is None else where
    stem = f"{subject}_{sequence}"
    images, landmarks = root / "cohn-kanade-images" / subject / sequence, root / "Landmarks" / subject / sequence
    for folder in (images, landmarks):
        folder.mkdir(parents=True, exist_ok=True)
    for frame in range(1, frames + 1):
        image = np.full((490, 640), 10 * frame, np.uint8)
        for corner in face[[36, 45]]:
            cv2.circle(image, tuple(round(v) for v in corner), 8, 255, -1)
        cv2.imwrite(str(images / f"{stem}_{frame:08d}.png"), image)
        np.savetxt(landmarks / f"{stem}_{frame:08d}_landmarks.txt", face, fmt="   %.7e")
    labels = root / "Emotion" / subject / sequence
    labels.mkdir(parents=True, exist_ok=True)
    if emotion is not None:
        (labels / f"{stem}_{frames:08d}_emotion.txt").write_text(f"   {emotion:.7e}\n")


def test_the_first_frame_is_neutral_and_the_last_three_are_the_label(tmp_path: Path) -> None:
    write_sequence(tmp_path, "S005", "001", HAPPY)
    write_sequence(tmp_path, "S005", "002", SURPRISE, frames=2)
    for path in (tmp_path, tmp_path / "cohn-kanade-images"):
        faces = load(path)
        assert [CLASSES[label] for label in faces.labels] == ["neutral", *["happiness"] * 3, "neutral", "surprise"]
        assert faces.pixels[:, 47, 24].tolist() == [10, 40, 50, 60, 10, 20]
        assert faces.report.notes[0].startswith("6 of 8 frames taken")
        assert dict(faces.report.sizes) == {(640, 490): 6}
        assert not faces.report.left_out


def test_unlabelled_and_contempt_and_stray_files_are_counted_and_named(tmp_path: Path) -> None:
    write_sequence(tmp_path, "S005", "001", HAPPY)
    write_sequence(tmp_path, "S005", "002", None)
    write_sequence(tmp_path, "S010", "001", CONTEMPT)
    (tmp_path / "cohn-kanade-images" / "S010" / ".DS_Store").write_bytes(b"x")
    assert [item.describe() for item in load(tmp_path).report.left_out] == [
        "1 sequences without a label in Emotion/: S005/002",
        "1 sequences of contempt, not a class of FER2013's: S010/001",
        "1 other files: S010/.DS_Store",
    ]


def test_no_subject_is_in_two_splits(tmp_path: Path) -> None:
    for number in range(20):
        for sequence in ("001", "002"):
            level = points(0.0, 100, 300 + number, 250)  # each subject's own pixels
            write_sequence(tmp_path, f"S{number:03d}", sequence, HAPPY, frames=4, where=level)
    faces = load(tmp_path)
    assert [len(faces.split(split)) for split in Split] == [16 * 8, 2 * 8, 2 * 8]
    by_subject = faces.splits.reshape(20, 8)
    assert (by_subject == by_subject[:, :1]).all()
    assert "subjects: 16 Training, 2 PublicTest, 2 PrivateTest; none in two splits" in faces.report.notes


def test_faces_are_framed_alike_however_they_lie_in_the_picture(tmp_path: Path) -> None:
    write_sequence(tmp_path, "S005", "001", HAPPY, where=points(0.0, 100, 320, 250))
    write_sequence(tmp_path, "S006", "001", HAPPY, where=points(0.3, 130, 280, 270))
    dots = []
    for face in load(tmp_path).pixels[[3, 7]]:
        halves = [np.argwhere(half > 150).mean(axis=0) for half in (face[:, :24], face[:, 24:])]
        dots.append([*halves[0], *halves[1]])
    assert dots[0] == pytest.approx(dots[1], abs=0.7)
    assert dots[0][0] == pytest.approx(dots[0][2], abs=0.5)  # eyes level
    # In the upper half, and between a third and two thirds of the crop apart.
    assert 16 < dots[0][3] + 24 - dots[0][1] < 32
    assert 10 < dots[0][0] < 24


def test_without_landmarks_the_middle_square_is_taken_and_said(tmp_path: Path) -> None:
    write_sequence(tmp_path, "S005", "001", HAPPY)
    (tmp_path / "Landmarks").rename(tmp_path / "elsewhere")
    faces = load(tmp_path)
    assert len(faces) == 4
    assert any(note.startswith("no Landmarks/: the middle square") for note in faces.report.notes)


def test_a_sequence_that_ends_early_is_noted(tmp_path: Path) -> None:
    write_sequence(tmp_path, "S005", "001", HAPPY)
    (tmp_path / "cohn-kanade-images" / "S005" / "001" / "S005_001_00000006.png").unlink()
    assert "1 sequences whose last frame is not the one that their label names: S005/001" in load(tmp_path).report.notes


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("Emotion/S005/001/S005_001_00000006_emotion.txt", "9.0", r"_emotion\.txt, line 1: label '9\.0' is not one of"),
        ("Emotion/S005/001/S005_001_00000006_emotion.txt", "", r"_emotion\.txt, line 1: label ''"),
        (
            "Emotion/S005/001/S005_001_00000005_emotion.txt",
            "5.0",
            r"00000006_emotion\.txt: a second label for S005/001",
        ),
        ("Landmarks/S005/001/S005_001_00000006_landmarks.txt", "1 2\n3", r"00000006_landmarks\.txt: not 68 lines"),
    ],
)
def test_a_broken_file_is_refused_by_name(tmp_path: Path, file: str, text: str, message: str) -> None:
    write_sequence(tmp_path, "S005", "001", HAPPY)
    (tmp_path / file).write_text(text)
    with pytest.raises(DataError, match=message):
        load(tmp_path)


def test_missing_parts_are_refused_by_name(tmp_path: Path) -> None:
    write_sequence(tmp_path, "S005", "001", HAPPY)
    images = tmp_path / "cohn-kanade-images" / "S005"
    images.rename(images.with_name("S006"))
    with pytest.raises(DataError, match=r"S005/001: labelled in Emotion/, but not there"):
        load(tmp_path)
    (tmp_path / "Emotion").rename(tmp_path / "labels")
    with pytest.raises(DataError, match=r"Emotion: not found; unpack CK\+'s Emotion_labels\.zip"):
        load(tmp_path)
