from __future__ import annotations

import random

import numpy as np
import pytest

from edge.state.filters import ExponentialFilter, FrameRate, RecentTimes, SlidingSum, TimeHistogram, crossing


@pytest.mark.parametrize("fps", [10, 15, 30])
def test_a_step_has_risen_to_63_percent_after_one_time_constant_at_any_frame_rate(fps: int) -> None:
    smooth = ExponentialFilter(0.4)
    smooth.update(0.0, np.zeros(2))
    value = np.zeros(2)
    for k in range(1, round(0.4 * fps) + 1):
        value = smooth.update(k / fps, np.array([1.0, 0.0]))
    assert value == pytest.approx([1 - np.exp(-1), 0], abs=1e-6)


def test_after_a_long_gap_only_the_newest_value_counts() -> None:
    smooth = ExponentialFilter(0.4)
    smooth.update(0.0, np.array([1.0]))
    assert smooth.update(20.0, np.array([0.2])) == pytest.approx([0.2])


def test_a_quantile_weighs_values_by_how_long_they_held() -> None:
    histogram = TimeHistogram(0.0, 1.0, 0.005)
    assert histogram.quantile(0.5) is None
    for _ in range(100):
        histogram.add(0.1, 0.01)
    histogram.add(0.4, 3.0)
    assert histogram.quantile(0.2) == pytest.approx(0.1, abs=0.006)
    assert histogram.quantile(0.5) == pytest.approx(0.4, abs=0.006)
    assert histogram.total_s == pytest.approx(4.0)


def test_values_past_the_range_count_at_its_ends() -> None:
    histogram = TimeHistogram(0.0, 1.0, 0.005)
    histogram.add(-3.0, 1.0)
    histogram.add(7.0, 1.0)
    assert histogram.quantile(0.25) == pytest.approx(0.0, abs=0.005)
    assert histogram.quantile(1.0) == pytest.approx(1.0)


def test_a_sliding_sum_forgets_what_is_older_than_its_window() -> None:
    total = SlidingSum(60.0)
    for t_s in range(100):
        total.add(t_s, 1.0)
    assert total.total == 60


def test_the_frame_rate_is_unknown_at_first_and_follows_a_change() -> None:
    rate = FrameRate()
    rate.update(0.0)
    assert rate.fps is None
    for k in range(1, 90):
        rate.update(k / 30)
    assert rate.fps == pytest.approx(30)
    for k in range(1, 40):
        rate.update(89 / 30 + k / 10)
    assert rate.fps == pytest.approx(10)


@pytest.mark.parametrize("fps", [10, 15, 24, 30])
def test_a_camera_that_drops_frames_is_no_slower_for_it(fps: int) -> None:
    rng = random.Random(fps)
    rate = FrameRate()
    for k in range(60 * fps):
        if rng.random() > 0.05:
            rate.update((k + rng.uniform(-0.2, 0.2)) / fps)
        if k > 2 * fps:
            assert rate.fps == pytest.approx(fps, rel=0.03)


def test_after_a_pause_the_frame_rate_is_unknown_again() -> None:
    rate = FrameRate()
    for k in range(90):
        rate.update(k / 30)
    rate.update(10.0)
    assert rate.fps is None


def test_what_happened_longer_ago_than_the_window_no_longer_counts() -> None:
    recent = RecentTimes(300.0)
    for t_s in (0.0, 100.0, 250.0):
        recent.add(t_s)
    recent.forget(300.0)
    assert recent.count == 3
    recent.forget(350.1)
    assert recent.count == 2


def test_a_limit_is_crossed_between_two_samples_where_a_line_between_them_meets_it() -> None:
    assert crossing(1.0, 0.0, 2.0, 1.0, 0.25) == pytest.approx(1.25)
    assert crossing(1.0, 1.0, 2.0, 0.0, 0.25) == pytest.approx(1.75)
    assert crossing(1.0, 0.5, 2.0, 1.0, 0.25) == 2.0
    assert crossing(1.0, 0.5, 2.0, 0.5, 0.25) == 2.0
