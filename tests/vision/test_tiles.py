from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.vision.following import whose_turn
from edge.vision.tiles import OVERLAP, holds, view_of, views
from edge.vision.types import Box


@given(st.integers(64, 4000), st.integers(64, 4000), st.integers(1, 4), st.floats(0, 1), st.floats(0, 1))
def test_a_face_smaller_than_the_overlap_lies_wholly_in_some_tile(
    width: int, height: int, tiles: int, x: float, y: float
) -> None:
    whole, *parts = views((width, height), tiles)
    assert whole.side == max(width, height)
    assert bool(parts) == (tiles > 1)
    side = 0.95 * OVERLAP * (parts[0].side if parts else min(width, height))
    side = min(side, width, height)
    box = Box(x * (width - side), y * (height - side), side, side)
    assert not parts or any(holds(part, box) for part in parts)
    found = view_of(box, [whole, *parts])
    assert found is not None
    assert holds(found, box)


def test_a_wide_picture_needs_no_second_row_of_two_tiles() -> None:
    assert [(round(view.x), round(view.y)) for view in views((1280, 720), 2)] == [(640, 360), (361, 360), (919, 360)]


@given(st.lists(st.floats(1, 500), min_size=1, max_size=16), st.integers(1, 16))
def test_everybody_gets_a_turn_in_time(heights: list[float], most: int) -> None:
    tried_s = [-1.0] * len(heights)
    others = max(len(heights) - most // 2, 1)
    within = -(-others // (most - most // 2))
    for frame in range(3 * within):
        turn = whose_turn(heights, tried_s, most)
        assert len(turn) == len(set(turn)) == min(most, len(heights))
        for at in turn:
            tried_s[at] = frame
        if frame >= within:
            assert min(tried_s) > frame - within
