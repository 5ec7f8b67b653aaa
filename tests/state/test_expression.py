"""Stories of faces' expressions."""

from __future__ import annotations

import random

import numpy as np
import pytest

from edge.state import People, StateSettings
from edge.state.settings import ExpressionSettings
from edge.state.types import Phase, Severity
from edge.vision.types import EXPRESSIONS, Observation
from tests.state.scenes import ends, expressing, face, people, play, seen, starts, times

RATES = pytest.mark.parametrize("fps", [10, 15, 24, 30])


def sad_then_happy(t_s: float) -> str | None:
    """The hand is before the face from 4 to 8.5 s."""
    if 4 <= t_s < 8.5:
        return None
    return "sadness" if t_s < 4 else "happiness"


@RATES
def test_from_sadness_through_a_hidden_face_to_happiness(fps: int) -> None:
    changes = play(people(), expressing(times(14, fps), sad_then_happy), finish=True)
    sad, sad_end, happy, happy_end = changes
    assert [change.kind for change in changes] == ["sadness", "sadness", "happiness", "happiness"]
    assert [change.phase for change in changes] == [Phase.START, Phase.END, Phase.START, Phase.END]
    assert {change.severity for change in changes} == {Severity.INFO}
    assert sad.started_s == 0
    assert sad.t_s == pytest.approx(0.4, abs=1 / fps + 1e-6)
    assert sad_end.measures["reason"] == "lost"
    assert sad_end.ended_s == pytest.approx(4, abs=1 / fps + 1e-6)
    assert sad_end.t_s == pytest.approx(5, abs=2 / fps)
    assert happy.started_s == pytest.approx(8.5, abs=1 / fps + 1e-6)
    assert happy_end.measures["reason"] == "source_ended"
    assert happy_end.ended_s == pytest.approx(14, abs=1 / fps + 1e-6)
    assert sad.episode_id == sad_end.episode_id != happy.episode_id
    assert happy.confidence == pytest.approx(0.9, abs=0.01)


def test_the_same_faces_give_the_same_episodes_at_every_frame_rate() -> None:
    def act(t_s: float) -> str:
        return ("anger", "surprise", "fear", "neutral")[int(t_s / 3) % 4]

    told = [play(people(), expressing(times(24, fps), act), finish=True) for fps in (10, 15, 30)]
    for changes in told[1:]:
        assert [(c.kind, c.phase) for c in changes] == [(c.kind, c.phase) for c in told[0]]
        assert [c.t_s for c in changes] == pytest.approx([c.t_s for c in told[0]], abs=0.21)
        assert [c.started_s for c in changes] == pytest.approx([c.started_s for c in told[0]], abs=0.11)


def test_neutral_is_a_state_and_an_episode_only_on_demand() -> None:
    calm = expressing(times(3, 20), lambda t_s: "neutral")
    watch = people()
    assert play(watch, calm) == []
    assert [state.label for state in watch.expressions()] == ["neutral"]
    asked = people(StateSettings(expression=ExpressionSettings(neutral_events=True)))
    assert [change.kind for change in play(asked, calm)] == ["neutral"]


def test_turning_neutral_ends_happiness() -> None:
    changes = play(people(), expressing(times(6, 20), lambda t_s: "happiness" if t_s < 3 else "neutral"))
    (end,) = ends(changes, "happiness")
    assert end.measures["reason"] == "changed"
    assert end.ended_s == pytest.approx(3.3, abs=0.15)  # the smoothing's lag


def test_an_undecided_face_has_no_label() -> None:
    watch = people()
    assert play(watch, expressing(times(3, 20), lambda t_s: "sadness", probability=0.4)) == []
    (state,) = watch.expressions()
    assert state.label is None
    assert sum(state.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert state.probabilities["sadness"] == pytest.approx(0.4)


def test_between_leaving_and_entering_a_label_stays() -> None:
    def fade(t_s: float) -> Observation:
        return seen(t_s, face(expression="happiness", probability=0.9 if t_s < 2 else 0.42 if t_s < 6 else 0.2))

    changes = play(people(), [fade(t_s) for t_s in times(9, 20)])
    (end,) = ends(changes, "happiness")
    assert end.ended_s is not None
    assert end.ended_s > 6


def test_one_wrong_frame_changes_nothing() -> None:
    changes = play(
        people(), expressing(times(6, 20), lambda t_s: "anger" if abs(t_s - 3) < 0.01 else "happiness"), finish=True
    )
    assert [change.kind for change in changes] == ["happiness", "happiness"]


def test_a_flickering_classifier_leaves_few_flips_and_both_are_counted() -> None:
    rng = random.Random(5)
    clip = expressing(times(60, 20), lambda t_s: rng.choice(["happiness", "happiness", "happiness", "surprise"]))
    watch = people()
    play(watch, clip)
    assert watch.flips.known_s == pytest.approx(60)
    before, after = watch.flips.raw_per_minute, watch.flips.shown_per_minute
    assert before is not None
    assert after is not None
    assert before > 300
    assert after < 10


def test_no_flip_rate_before_anything_is_known() -> None:
    watch = people()
    assert watch.flips.raw_per_minute is None
    assert watch.flips.shown_per_minute is None


def test_two_faces_have_expressions_of_their_own() -> None:
    watch = people()
    changes = play(
        watch,
        [
            seen(t_s, face(track_id="a", expression="anger"), face(track_id="b", expression="happiness"))
            for t_s in times(2, 20)
        ],
    )
    assert {(change.kind, change.track_id) for change in changes} == {("anger", "a"), ("happiness", "b")}
    assert {state.track_id: state.label for state in watch.expressions()} == {"a": "anger", "b": "happiness"}


def test_a_face_that_leaves_takes_its_expression_along() -> None:
    watch = people()
    changes = play(watch, [seen(t_s, *([face(expression="fear")] if t_s < 2 else [])) for t_s in times(5, 20)])
    (end,) = ends(changes, "fear")
    assert end.sensing == "lost"
    assert end.ended_s == pytest.approx(1.95)
    assert watch.expressions() == []


def test_a_short_loss_is_bridged() -> None:
    changes = play(people(), expressing(times(6, 20), lambda t_s: None if 2 <= t_s < 2.8 else "sadness"))
    assert len(starts(changes, "sadness")) == 1
    assert ends(changes, "sadness") == []


def test_switched_off_no_expression_is_followed() -> None:
    watch = People(StateSettings(expressions=False))
    assert play(watch, expressing(times(3, 20), lambda t_s: "anger")) == []
    assert watch.expressions() == []


def test_classes_keep_the_order_of_vision() -> None:
    for name in EXPRESSIONS:
        probabilities = face(expression=name).expression
        assert probabilities is not None
        assert EXPRESSIONS[int(np.argmax(probabilities))] == name
