"""The report's page: whole in itself, and what it says of a drive."""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path

import pytest

from edge.errors import MienError
from edge.view.drive import Drive
from edge.view.plot import Limits
from edge.view.report import ClipPage, Fact, Setting, write_report
from edge.view.report.chart import BINS, Charter
from tests.view.test_plot import driven

pytest.importorskip("jinja2", reason="the page is written by mien[report]'s Jinja")


def written(tmp_path: Path, *clips: ClipPage) -> str:
    path = tmp_path / "report.html"
    write_report(
        path, clips, [Setting("state.driver", "yes", False)], [Fact("mien", "1")], Limits(0.2, yawn_opening=0.5)
    )
    return path.read_text()


def test_the_page_asks_nothing_of_any_network(tmp_path: Path) -> None:
    page = written(tmp_path, ClipPage("a.mp4", duration_s=30, drive=driven(30, 10)))
    assert re.findall(r"""(?:src|href)=["'](?!data:|#)|https?://|url\(|@import""", page) == []
    assert "<img" not in page  # pictures only where they were asked for


def test_a_clips_name_is_text_whatever_it_holds(tmp_path: Path) -> None:
    name = '<script>alert("x")</script>.mp4'
    page = written(tmp_path, ClipPage(name, drive=Drive()), ClipPage("b", trouble=name))
    assert name not in page
    assert html.escape(name, quote=False).replace('"', "&#34;") in page


def test_every_episode_is_in_the_table_and_on_its_lane() -> None:
    chart = Charter(driven(100, 5), Limits()).chart()
    assert [(episode.kind, episode.severity) for episode in chart.episodes] == [
        ("yawn", "notice"), ("microsleep", "warning"), ("sleep", "critical"),
    ]  # fmt: skip
    microsleep = chart.episodes[1]
    assert (microsleep.start_s, microsleep.told_s) == pytest.approx((40, 41), abs=0.01)
    assert [lane for lane, _ in chart.lanes] == ["sleep", "microsleep", "yawn"]
    block = chart.lanes[1][1][0]
    assert (block.left, block.width, block.before) == pytest.approx((40, 4, 25), abs=0.3)


def test_two_hours_are_no_heavier_than_the_screen_is_wide(tmp_path: Path) -> None:
    assert len(written(tmp_path, ClipPage("a.mp4", drive=driven(7200, 1)))) < 700_000
    chart = Charter(driven(7200, 1), Limits()).chart()
    assert chart.time_unit == "h:min"
    times = chart.data["t"]
    assert isinstance(times, list)
    assert len(times) == BINS


def test_a_clip_that_could_not_be_read_says_why(tmp_path: Path) -> None:
    page = written(tmp_path, ClipPage("a.mp4", drive=driven(10, 5)), ClipPage("b.mp4", trouble="b.mp4 is empty"))
    assert "b.mp4 is empty" in page
    assert "2 clips" in page


def test_without_jinja_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MienError, match=r"pip install 'mien\[report\]'"):
        written(tmp_path)
