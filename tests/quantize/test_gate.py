"""What may take its float parent's place, and who is to blame where it may not."""

from __future__ import annotations

from quantize.compare import LayerError, to_blame
from quantize.gate import judge

LAYERS = [
    LayerError("stem", "CONV_2D", "int8", error=0.03, inherited=0.0),
    LayerError("culprit", "MUL", "int8", error=0.9, inherited=0.03),
    LayerError("heir", "CONV_2D", "int8", error=0.95, inherited=0.9),
    LayerError("kept", "MEAN", "float32", error=0.95, inherited=0.95),
]


def test_a_model_that_loses_half_a_point_and_is_twice_as_fast_passes() -> None:
    verdict = judge(0.005, 2.0, LAYERS)
    assert verdict.passed
    assert verdict.drop == 0.5


def test_a_model_that_gained_passes() -> None:
    assert judge(-0.01, 3.0, LAYERS).passed


def test_a_face_more_than_half_a_point_is_stopped_and_the_layer_that_added_most_error_is_named_first() -> None:
    verdict = judge(18 / 3589, 4.0, LAYERS)
    assert not verdict.passed
    (failure,) = verdict.failures
    assert "loses 0.50 percentage points" in failure
    assert failure.index("culprit") < failure.index("heir")
    assert [layer.layer for layer in to_blame(LAYERS, 2)] == ["culprit", "heir"]


def test_a_slow_model_is_stopped_and_what_was_left_float_is_named() -> None:
    verdict = judge(0.0, 1.9, LAYERS)
    assert not verdict.passed
    assert verdict.failures == ("1.9 times as fast as float32 at one thread, less than 2; left float: kept",)
    assert len(judge(0.1, 1.0, LAYERS).failures) == 2
