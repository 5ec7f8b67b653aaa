"""Rules that turn the audience into a command for a player: ``nobody for 60 s → player/attract``.

Each rule speaks when its condition begins to hold and when it ceases to, never in between. While the camera shows
nothing, no condition holds: not to know is not to know that nobody is there.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from edge.settings import rule

#: The figures of an audience that a condition may be about: now, and over the last 1, 15 and 60 minutes.
FIGURES = ("present", "attentive", "smiling", "visitors_1m", "visitors_15m", "visitors_1h")

_WORDS = {"nobody": "present == 0", "somebody": "present >= 1", "attention": "attentive >= 1", "smile": "smiling >= 1"}
_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_CONDITION = re.compile(r"\s*([a-z_0-9]+)\s*(==|>=|<=|>|<)\s*(\d{1,4})\s*")


def _condition(text: str) -> str:
    _parsed(text)
    return text


def _topic(topic: str) -> str:
    if not topic or set(topic) & set("+#\0") or topic.startswith("$"):
        raise ValueError("must be one topic, without + and #, that does not begin with $")
    return topic


class PlaybackRule(BaseModel):
    """What to tell a player, and when."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    when: Annotated[str, AfterValidator(_condition)] = Field(
        title="When",
        description="nobody, somebody, attention or smile; or a figure and a number, as attentive >= 2. Figures: "
        f"{', '.join(FIGURES)}.",
    )
    for_s: float = rule(0.0, "For", "How long it must hold before the rule speaks.", unit="s", ge=0, le=86_400)
    topic: Annotated[str, AfterValidator(_topic)] = Field(
        title="Topic", description="The whole topic to publish on, outside the device's own."
    )
    payload: str = Field(default="ON", title="Payload", description="What to publish when it holds.")
    otherwise: str | None = Field(
        default=None, title="Otherwise", description="What to publish when it no longer holds; nothing where not set."
    )
    otherwise_for_s: float = rule(
        0.0, "Otherwise for", "How long it must not hold before that.", unit="s", ge=0, le=86_400
    )
    retain: bool = rule(False, "Retain", "Whether the broker keeps it for a player that comes later.")


def _checked(rules: Any) -> Any:  # noqa: ANN401 - pydantic hands over what the user gave
    """Says which rule is wrong and why, where pydantic would tell of a list."""
    if not isinstance(rules, list | tuple):
        raise ValueError("must be a list of tables: [[playback]]")
    made = []
    for number, given in enumerate(rules, 1):
        try:
            made.append(PlaybackRule.model_validate(given))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "it"
            raise ValueError(f"rule {number}: {where}: {first['msg'].removeprefix('Value error, ')}") from None
    return tuple(made)


PlaybackRules = Annotated[tuple[PlaybackRule, ...], BeforeValidator(_checked)]


class Playback:
    """Watches the rules. tell: publishes a payload on a topic, retained or not."""

    def __init__(self, rules: Iterable[PlaybackRule], tell: Callable[[str, str, bool], None]) -> None:
        self._rules = [_Watched(rule) for rule in rules]
        self._tell = tell

    def update(self, now_s: float, figure: Callable[[str], int] | None) -> None:
        """The audience at ``now_s`` of a clock that never goes back. figure: gives one by its name; None: not known."""
        for watched in self._rules:
            payload = watched.update(now_s, figure)
            if payload is not None:
                self._tell(watched.rule.topic, payload, watched.rule.retain)


class _Watched:
    """One rule, and where it stands. At first it stands nowhere, and so a retained word of an earlier run is mended."""

    def __init__(self, rule: PlaybackRule) -> None:
        self.rule = rule
        self._name, self._compare, self._number = _parsed(rule.when)
        self._stands: bool | None = None
        self._turned: tuple[bool, float] | None = None

    def update(self, now_s: float, figure: Callable[[str], int] | None) -> str | None:
        holds = figure is not None and self._compare(figure(self._name), self._number)
        if self._turned is None or self._turned[0] != holds:
            self._turned = holds, now_s
        needed_s = self.rule.for_s if holds else self.rule.otherwise_for_s
        if holds == self._stands or now_s - self._turned[1] < needed_s:
            return None
        first, self._stands = self._stands is None, holds
        if holds:
            return self.rule.payload
        return self.rule.otherwise if self.rule.retain or not first else None


def _parsed(text: str) -> tuple[str, Callable[[int, int], bool], int]:
    found = _CONDITION.fullmatch(_WORDS.get(text.strip(), text))
    if found is None or found[1] not in FIGURES:
        raise ValueError(
            f"{text!r} is no condition: write {', '.join(_WORDS)}, or one of {', '.join(FIGURES)} with "
            f"{' '.join(_COMPARISONS)} and a number, as attentive >= 2"
        )
    return found[1], _COMPARISONS[found[2]], int(found[3])
