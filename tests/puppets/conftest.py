from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.vision import FaceReader, VisionSettings


@pytest.fixture(scope="session")
def reader(face_models: Path) -> Iterator[FaceReader]:
    """The real vision, without expressions; one for all clips, as loading takes longer than many frames."""
    pytest.importorskip("skimage", reason="the portrait comes with the demo extra")
    with FaceReader(VisionSettings(expression=False, threads=1), face_models=face_models, seed=0) as reader:
        yield reader
