from __future__ import annotations

import pytest
from pydantic import ValidationError

from edge.vision import VisionSettings


def test_every_setting_explains_itself() -> None:
    for name, field in VisionSettings.model_fields.items():
        assert field.title, name
        assert field.description, name


@pytest.mark.parametrize("wrong", [{"max_face": 1}, {"max_faces": 0}, {"min_presence": 1.5}, {"backend": "dlib"}])
def test_a_setting_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        VisionSettings.model_validate(wrong)
