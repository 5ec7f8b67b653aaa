from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from edge.state.settings import ExpressionSettings, EyeSettings, StateSettings


@pytest.mark.parametrize("model", [ExpressionSettings, EyeSettings, StateSettings])
def test_every_setting_explains_itself(model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        assert field.title, name
        assert field.description, name
        unit = next((word for suffix, word in UNITS.items() if name.endswith(suffix)), "")
        assert unit in field.description, name


UNITS = {"_s": "econds", "_deg": "Degrees", "_fps": "Frames a second"}


@pytest.mark.parametrize(
    ("model", "values", "says"),
    [
        (StateSettings, {"drivr": True}, "Extra inputs"),
        (EyeSettings, {"closed_below": 0.4}, r"closed_below \(0.4\) must lie below open_above \(0.35\)"),
        (EyeSettings, {"sleep_s": 1.2}, "must rise in this order"),
        (EyeSettings, {"blink_min_s": 0.5}, r"blink_min_s \(0.5\) must lie below"),
        (ExpressionSettings, {"leave": 0.6}, r"leave \(0.6\) must lie below enter \(0.5\)"),
        (ExpressionSettings, {"smoothing_s": 0}, "greater than 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(
    model: type[BaseModel], values: dict[str, object], says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        model.model_validate(values)
