"""Our detector and mesh against the mediapipe package, on numbers recorded from it (``make parity`` records anew)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.vision.region import Region
from tests.parity.compare import Comparison, comparisons, load
from tests.parity.pictures import Image, photos, portraits


def beyond_bounds(rows: Iterator[Comparison]) -> list[Comparison]:
    return [row for row in rows if not row.within_bounds]


def test_the_portrait_upright_tilted_and_letterboxed_reads_as_in_mediapipe(face_models: Path) -> None:
    rows = list(comparisons(load(), portraits(), face_models))
    assert [row.theirs for row in rows] == [1] * 5
    assert beyond_bounds(iter(rows)) == []


def test_the_same_faces_are_found_in_photos_of_several_people(face_models: Path, shared: Path) -> None:
    rows = list(comparisons(load(), photos(shared / "data" / "photos"), face_models))
    assert sum(row.theirs for row in rows) == 17
    assert beyond_bounds(iter(rows)) == []


def test_a_crop_half_a_pixel_off_would_not_pass(face_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bounds are tight enough to notice the usual slip: half a pixel of the crop between two conventions."""
    cut = Region.crop

    def off_by_half_a_pixel(self: Region, image: Image, size: int, *border: int) -> Image:
        half = self.side / size / 2
        return cut(Region(self.x + half, self.y + half, self.side, self.angle), image, size, *border)

    monkeypatch.setattr(Region, "crop", off_by_half_a_pixel)
    assert beyond_bounds(comparisons(load(), portraits(), face_models))


def test_another_persons_numbers_would_not_pass(face_models: Path) -> None:
    (name, image), *_ = portraits()
    assert beyond_bounds(comparisons(load(), [(name, np.ascontiguousarray(image[:, ::-1]))], face_models))


@pytest.mark.parametrize("part", ["boxes", "scores", "meshes"])
def test_the_record_is_numbers_small_and_whole(part: str) -> None:
    recorded = load()
    path = Path(__file__).parents[1] / "parity" / "expected.json"
    assert path.stat().st_size < 300_000
    for name, picture in recorded.items():
        assert len(picture[part]) == len(picture["boxes"]), name
        assert all(len(mesh) == 2 * 468 for mesh in picture["meshes"]), name
