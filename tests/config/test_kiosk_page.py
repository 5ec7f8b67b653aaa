"""The kiosk's page says what is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from edge.config import Config, load
from edge.delivery.playback import FIGURES, PlaybackRule
from edge.events.topics import Topics
from edge.state.settings import VisitorSettings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "kiosk.md").read_text(encoding="utf-8")


def test_its_example_is_a_configuration(tmp_path: Path) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text(PAGE.partition("```toml\n")[2].partition("```")[0])
    config = load(file, environment={})
    assert (config.preset, config.schedule.time_zone, len(config.playback)) == ("kiosk", "Europe/Berlin", 1)
    assert tomllib.loads(file.read_text())["playback"][0]["topic"] == "player/attract"


def test_it_names_every_key_of_visitors_and_of_a_rule_and_every_figure() -> None:
    named = set(re.findall(r"[a-z][a-z0-9_.]+", PAGE))
    keys = {name for model in (VisitorSettings, PlaybackRule) for name in model.model_fields}
    missing = {key for key in keys - {"events"} if not any(word.split(".")[-1] == key for word in named)}
    assert missing == set()
    assert set(FIGURES) <= named


def test_the_numbers_it_tells_are_the_defaults() -> None:
    config = Config.model_validate({"preset": "kiosk"})
    visitors = config.state.visitors
    assert (visitors.arrive_s, visitors.gone_s, visitors.attend_s) == (1.0, 3.0, 0.5)
    assert (config.audience.floor, config.audience.history_days) == (3, 90)
    assert Topics("foyer").feature_set("privacy") in PAGE
