from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from edge.state.settings import (
    AttentionSettings,
    DrowsinessSettings,
    ExpressionSettings,
    EyeSettings,
    FatigueSettings,
    SensingSettings,
    StateSettings,
)

DRIVER_RULES = [AttentionSettings, DrowsinessSettings, EyeSettings, FatigueSettings, SensingSettings]


@pytest.mark.parametrize("model", [*DRIVER_RULES, ExpressionSettings, StateSettings])
def test_every_setting_explains_itself(model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        assert field.title, name
        assert field.description, name
        unit = next((word for suffix, word in UNITS.items() if name.endswith(suffix)), "")
        assert unit in field.description, name


@pytest.mark.parametrize("model", DRIVER_RULES)
def test_every_number_of_the_drivers_rules_has_bounds_and_a_source(model: type[BaseModel]) -> None:
    schema = model.model_json_schema()["properties"]
    for name, setting in schema.items():
        if "type" not in setting and "anyOf" not in setting:
            continue  # a group of its own
        assert setting.get("source"), name
        if setting.get("type") in ("number", "integer"):
            assert {"minimum", "exclusiveMinimum"} & set(setting), name
            assert {"maximum", "exclusiveMaximum"} & set(setting), name
        if name.endswith("_s"):
            assert setting["unit"] == "s", name
        if name.endswith("_deg"):
            assert setting["unit"] == "deg", name


UNITS = {"_s": "econds", "_deg": "Degrees", "_fps": "Frames a second"}


@pytest.mark.parametrize(
    ("model", "values", "says"),
    [
        (StateSettings, {"drivr": True}, "Extra inputs"),
        (EyeSettings, {"closed_below": 0.4}, r"closed_below \(0.4\) must lie below open_above \(0.35\)"),
        (EyeSettings, {"sleep_s": 1.2}, "must rise in this order"),
        (EyeSettings, {"second_open_below": 0.7}, r"second_open_below \(0.7\) must lie below"),
        (DrowsinessSettings, {"notice_60s": 0.2}, r"notice_60s \(0.2\) and warning_60s \(0.15\) must rise"),
        (DrowsinessSettings, {"yawn_leave": 0.6}, r"yawn_leave \(0.6\) must lie below yawn_opening \(0.5\)"),
        (FatigueSettings, {"blink_mean_full_s": 0.1}, r"blink_mean_none_s \(0.2\) must lie below"),
        (EyeSettings, {"blink_min_s": 0.5}, r"blink_min_s \(0.5\) must lie below"),
        (ExpressionSettings, {"leave": 0.6}, r"leave \(0.6\) must lie below enter \(0.5\)"),
        (AttentionSettings, {"return_deg": 15, "down_deg": 12}, r"return_deg \(15.0\) must lie below every limit"),
        (AttentionSettings, {"slow_kmh": 60}, r"slow_kmh \(60.0\) must not lie above fast_kmh \(50.0\)"),
        (AttentionSettings, {"shared_window_s": 8}, r"shared_s \(10.0\) must not exceed shared_window_s \(8.0\)"),
        (AttentionSettings, {"nod_min_deg": 25}, r"nod_min_deg \(25.0\) must lie below nod_max_deg"),
        (SensingSettings, {"readable_from": 0.2}, r"unreadable_below \(0.25\) must lie below readable_from \(0.2\)"),
        (ExpressionSettings, {"smoothing_s": 0}, "greater than 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(
    model: type[BaseModel], values: dict[str, object], says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        model.model_validate(values)
