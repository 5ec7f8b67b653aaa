"""What the page's tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("websockets", reason="needs the view extra")

from edge.view.live.look import Look

from .parts import looks_of


@pytest.fixture(scope="package")
def looks(face_models: Path, puppet_clip: Path) -> list[Look]:
    """Two seconds of the puppet, as the pipeline reads them."""
    return looks_of(puppet_clip)
