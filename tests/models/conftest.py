"""A data folder of each test's own, so that no test sees the user's models or changes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.models.store import expression_models_folder


@pytest.fixture
def data_home(face_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the installed expression models, not there yet; the face models are where they were."""
    monkeypatch.setenv("MIEN_MODELS", str(face_models))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return expression_models_folder()
