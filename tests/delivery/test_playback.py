"""A player that needs no code: rules speak once when they begin to hold and once when they cease to."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from edge.config import Config
from edge.delivery.playback import Playback, PlaybackRule


class Player:
    """What a player hears, second by second."""

    def __init__(self, **rule: object) -> None:
        self.heard: list[tuple[float, str]] = []
        self.retained: set[bool] = set()
        self._now_s = 0.0
        given = {"topic": "player/do"} | rule
        self._playback = Playback([PlaybackRule.model_validate(given)], self._tell)

    def sees(self, seconds: float, **figures: int) -> None:
        """The figures for some seconds, by tenths."""
        for _ in range(round(seconds * 10)):
            self._playback.update(self._now_s, figures.__getitem__)
            self._now_s = round(self._now_s + 0.1, 1)

    def sees_nothing(self, seconds: float) -> None:
        """The camera is closed."""
        for _ in range(round(seconds * 10)):
            self._playback.update(self._now_s, None)
            self._now_s = round(self._now_s + 0.1, 1)

    def _tell(self, topic: str, payload: str, retain: bool) -> None:
        assert topic == "player/do"
        self.heard.append((self._now_s, payload))
        self.retained.add(retain)


def test_nobody_for_a_minute_attracts_once() -> None:
    player = Player(when="nobody", for_s=60, payload="attract", otherwise="stop")
    player.sees(59, present=0)
    assert player.heard == []
    player.sees(100, present=0)
    assert player.heard == [(60.0, "attract")]
    player.sees(5, present=2)
    assert player.heard[1:] == [(159.0, "stop")]
    player.sees(70, present=0)
    assert player.heard[2:] == [(224.0, "attract")]


def test_a_moment_with_somebody_begins_the_minute_anew() -> None:
    player = Player(when="nobody", for_s=60)
    player.sees(50, present=0)
    player.sees(0.1, present=1)
    player.sees(59, present=0)
    assert player.heard == []
    player.sees(2, present=0)
    assert [payload for _, payload in player.heard] == ["ON"]


def test_without_an_otherwise_only_the_beginning_is_told() -> None:
    player = Player(when="attentive >= 2", payload="two")
    for attentive in (1, 2, 3, 1, 2):
        player.sees(1, attentive=attentive)
    assert player.heard == [(1.0, "two"), (4.0, "two")]


def test_otherwise_waits_for_its_own_time() -> None:
    player = Player(when="smile", otherwise="OFF", otherwise_for_s=3)
    player.sees(1, smiling=1)
    player.sees(2, smiling=0)
    player.sees(1, smiling=1)
    player.sees(4, smiling=0)
    assert player.heard == [(0.0, "ON"), (7.0, "OFF")]


def test_a_closed_camera_is_not_nobody() -> None:
    player = Player(when="nobody", for_s=1, otherwise="stop")
    player.sees_nothing(100)
    assert player.heard == []
    player.sees(2, present=0)
    player.sees_nothing(1)
    assert [payload for _, payload in player.heard] == ["ON", "stop"]


def test_a_retained_word_of_an_earlier_run_is_mended() -> None:
    player = Player(when="somebody", otherwise="OFF", retain=True)
    player.sees(1, present=0)
    assert player.heard == [(0.0, "OFF")]
    assert player.retained == {True}
    player = Player(when="somebody", otherwise="OFF")
    player.sees(1, present=0)
    assert player.heard == [], "nobody keeps it, so there is nothing to mend"


@pytest.mark.parametrize(
    ("when", "number", "holds"),
    [
        *(("present >= 2", 2, True), ("present>2", 2, False), ("present <= 1", 2, False), (" present < 3 ", 2, True)),
        *(("present == 2", 2, True), ("nobody", 0, True), ("somebody", 0, False)),
    ],
)
def test_conditions_compare_figures(when: str, number: int, holds: bool) -> None:
    player = Player(when=when)
    player.sees(0.1, present=number)
    assert bool(player.heard) == holds


def refusal(**config: object) -> str:
    with pytest.raises(ValidationError) as error:
        Config.model_validate(config)
    return str(error.value.errors()[0]["msg"])


def test_a_wrong_rule_is_told_by_its_number_and_key() -> None:
    good = {"when": "nobody", "topic": "player/attract"}
    assert "rule 2: when: 'noone' is no condition: write nobody, somebody" in refusal(
        playback=[good, good | {"when": "noone"}]
    )
    assert "rule 1: when: 'faces >= 2' is no condition" in refusal(playback=[good | {"when": "faces >= 2"}])
    assert "rule 1: topic: must be one topic, without + and #" in refusal(playback=[good | {"topic": "player/#"}])
    assert "rule 1: topic: must be one topic" in refusal(playback=[good | {"topic": "$SYS/x"}])
    assert "rule 1: topic: Field required" in refusal(playback=[{"when": "nobody"}])
    assert "rule 1: fors: Extra inputs" in refusal(playback=[good | {"fors": 3}])
    assert "must be a list of tables: [[playback]]" in refusal(playback=good)


def test_no_rule_may_speak_in_a_devices_name() -> None:
    rule = {"when": "nobody", "topic": "mien/1/kiosk/status"}
    assert "rule 1: topic mien/1/kiosk/status lies below mien/1" in refusal(playback=[rule])
    assert Config.model_validate({"playback": [rule], "broker": {"root": "other/1"}}).playback[0].topic
    assert Config.model_validate({"playback": [rule | {"topic": "mien/10/x"}]}).playback[0].topic
