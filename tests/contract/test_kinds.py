"""The kinds of events in the contract are those that the rules can tell of, no more and no fewer."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from edge.events.catalogue import KINDS, Kind
from edge.state.settings import AttentionSettings, ExpressionSettings, StateSettings, VisitorSettings
from edge.state.types import Episode
from edge.vision.types import EXPRESSIONS, Observation
from tests.state.scenes import blinking, drive, expressing, face, heading, people, play, seen, times

STATE = Path(__file__).resolve().parents[2] / "edge" / "state"
FPS = 15
AHEAD = (0.0, -4.0)
ASIDE = (45.0, -6.0)


def asleep() -> list[Observation]:
    """Shut for 9 s, well after the rules know the open eyes: microsleep, sleep and no return."""
    return drive(times(36, FPS), [(22, 31)])


def drooping() -> list[Observation]:
    """1.4 s in every 7 s, a fifth of the time: drowsy, in the end surely."""
    return blinking(times(200, 10), [(60 + 7 * k, 61.4 + 7 * k) for k in range(20)])


def looking_aside() -> list[Observation]:
    return heading(times(16, FPS), lambda t_s: ASIDE if 6 <= t_s < 10.5 else AHEAD)


def glancing() -> list[Observation]:
    """Two seconds at a screen, one on the road, and again."""
    return heading(times(26, FPS), lambda t_s: ASIDE if t_s >= 6 and (t_s - 6) % 3 < 2 else AHEAD)


def nodding() -> list[Observation]:
    """The head sinks by 16 degrees in 0.7 s and jerks back in 0.3 s."""

    def pitch(t_s: float) -> float:
        since = t_s - 5
        if not 0 <= since < 1:
            return 0.0
        return -16 * since / 0.7 if since < 0.7 else -16 * (1 - since) / 0.3

    return heading(times(9, FPS), lambda t_s: (0.0, -5 + pitch(t_s)))


def yawning() -> list[Observation]:
    def mouth(t_s: float) -> float:
        return min(max(0.5 + min(t_s - 4, 8 - t_s) / 0.8 * 0.45, 0.05), 0.9)

    return [seen(t_s, face(mouth=mouth(t_s), pitch_deg=0)) for t_s in times(12, FPS)]


def empty_seat() -> list[Observation]:
    return [seen(t_s, *([face()] if t_s < 5 else [])) for t_s in times(20, FPS)]


def all_moods() -> list[Observation]:
    return expressing(times(3 * len(EXPRESSIONS), FPS), lambda t_s: EXPRESSIONS[min(int(t_s // 3), 6)])


def visiting() -> list[Observation]:
    """Comes, looks at the screen, smiles, leaves."""
    smiling = face(pitch_deg=0, expression="happiness")
    return [seen(t_s, *([smiling] if t_s < 8 else [])) for t_s in times(14, FPS)]


SCENES = (asleep, drooping, looking_aside, glancing, nodding, yawning, empty_seat, all_moods, visiting)


@cache
def told() -> tuple[Episode, ...]:
    """All changes that the rules make of all scenes."""
    settings = StateSettings(
        attention=AttentionSettings(usual_frozen_s=5.0),
        expression=ExpressionSettings(neutral_events=True),
        visitors=VisitorSettings(events=("arrived", "left", "attention", "smile")),
    )
    return tuple(change for scene in SCENES for change in play(people(settings), scene(), finish=True))


def test_the_rules_tell_of_each_kind_in_the_contract_and_of_no_other() -> None:
    assert {(change.subject, change.kind) for change in told()} == {(kind.subject, kind.name) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_episodes_of_a_kind_have_the_severities_in_the_contract(kind: Kind) -> None:
    assert {change.severity.value for change in told() if change.kind == kind.name} == set(kind.severities)


def test_no_rule_makes_an_alarm_of_a_kind_that_the_contract_lacks() -> None:
    """Whatever the scenes miss: each kind that the rules' source names."""
    named = {name for path in STATE.rglob("*.py") for name in kinds_named(path)}
    assert named == {kind.name for kind in KINDS if kind.subject == "driver"}


def kinds_named(path: Path) -> Iterator[str]:
    """The text given as the kind to whatever makes episodes; kinds handed on by variable are named elsewhere."""
    tree = ast.parse(path.read_text())
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in MAKERS:
            position = MAKERS[call.func.id]
            given = [word.value for word in call.keywords if word.arg == "kind"] + call.args[position : position + 1]
            value = given[0] if given else None
            name = constants.get(value.id) if isinstance(value, ast.Name) else getattr(value, "value", None)
            if isinstance(name, str):
                yield name


#: What makes episodes, and where among its arguments the kind is.
MAKERS = {"Alarm": 0, "Alert": 0, "Running": 1, "Episode": 1}
