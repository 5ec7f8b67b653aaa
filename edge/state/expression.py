"""What each face apparently expresses: probabilities smoothed, then a label with hysteresis and a least dwell."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edge.state.episodes import Running, new_id
from edge.state.filters import ExponentialFilter
from edge.state.settings import ExpressionSettings
from edge.state.types import Episode, ExpressionState, Measure, Phase, Sensing, Severity
from edge.vision.types import EXPRESSIONS, Array, Face

EndReason = Literal["changed", "lost", "source_ended"]


@dataclass(slots=True)
class Flips:
    """How often labels changed, over all faces: of the single frame's likeliest class, and of the shown label.

    A change counts from one label to a different one, however long none was shown between them. known_s: seconds of
    known expression.
    """

    raw: int = 0
    shown: int = 0
    known_s: float = 0.0

    @property
    def raw_per_minute(self) -> float | None:
        """Before smoothing, hysteresis and dwell; None before any was known."""
        return self.raw * 60 / self.known_s if self.known_s > 0 else None

    @property
    def shown_per_minute(self) -> float | None:
        """What is left after them; None before any was known."""
        return self.shown * 60 / self.known_s if self.known_s > 0 else None


class Expressions:
    """All faces' expressions, each face by its track."""

    def __init__(self, settings: ExpressionSettings, rng: random.Random) -> None:
        self._settings = settings
        self._rng = rng
        self._faces: dict[str, FaceExpression] = {}
        self.flips = Flips()

    @property
    def states(self) -> list[ExpressionState]:
        """The faces whose expression is known, longest known first."""
        return [face.state for face in self._faces.values()]

    def update(self, t_s: float, faces: tuple[Face, ...]) -> list[Episode]:
        """Takes the faces in sight at ``t_s``; returns what changed."""
        changes = []
        for track_id, known in list(self._faces.items()):
            if t_s - known.known_s > self._settings.grace_s:
                changes += known.finish(t_s, "lost")
                del self._faces[track_id]
        for face in faces:
            if face.expression is None:
                continue
            if face.track_id not in self._faces:
                self._faces[face.track_id] = FaceExpression(
                    self._settings, self._rng, self.flips, t_s, face.track_id, face.expression
                )
            else:
                changes += self._faces[face.track_id].update(t_s, face.expression)
        return changes

    def finish(self, t_s: float) -> list[Episode]:
        """The source ended at ``t_s``: ends what runs."""
        return [change for face in self._faces.values() for change in face.finish(t_s, "source_ended")]


class FaceExpression:
    """One face's expression, from when it became known until it is lost.

    The label that the smoothed probabilities ask for is the present one until another reaches ``enter`` or it falls
    below ``leave`` itself (then none). It becomes the label once it was asked for throughout ``dwell_s``, so labels
    follow each other no faster than that.
    """

    def __init__(
        self,
        settings: ExpressionSettings,
        rng: random.Random,
        flips: Flips,
        t_s: float,
        track_id: str,
        probabilities: Array,
    ) -> None:
        self._settings = settings
        self._rng = rng
        self._flips = flips
        self._track_id = track_id
        self._filter = ExponentialFilter(settings.smoothing_s)
        self._smooth = self._filter.update(t_s, probabilities)
        self._likeliest = int(np.argmax(probabilities))
        self._label: int | None = None
        self._last_label: int | None = None
        self._asked = self._ask()
        self._asked_since_s = t_s
        self._peak = 0.0
        self._episode: Running | None = None
        self.known_s = t_s

    @property
    def state(self) -> ExpressionState:
        """As of when the expression was last known."""
        return ExpressionState(
            t_s=self.known_s,
            track_id=self._track_id,
            label=None if self._label is None else EXPRESSIONS[self._label],
            probabilities={name: float(p) for name, p in zip(EXPRESSIONS, self._smooth, strict=True)},
        )

    def update(self, t_s: float, probabilities: Array) -> list[Episode]:
        """Takes the seven probabilities at ``t_s``; returns what changed."""
        self._flips.known_s += t_s - self.known_s
        self.known_s = t_s
        likeliest = int(np.argmax(probabilities))
        self._flips.raw += likeliest != self._likeliest
        self._likeliest = likeliest
        self._smooth = self._filter.update(t_s, probabilities)
        if self._label is not None:
            self._peak = max(self._peak, float(self._smooth[self._label]))
        asked = self._ask()
        if asked != self._asked:
            self._asked, self._asked_since_s = asked, t_s
        if asked == self._label or t_s - self._asked_since_s < self._settings.dwell_s:
            return []
        changes = self._end(t_s, self._asked_since_s, "changed")
        self._label = asked
        if asked is not None:
            self._flips.shown += self._last_label not in (None, asked)
            self._last_label = asked
            changes += self._start(t_s, asked)
        return changes

    def finish(self, t_s: float, reason: EndReason) -> list[Episode]:
        """Ends the episode that runs, at ``t_s``; it ceased when the expression was last known."""
        return self._end(t_s, self.known_s, reason)

    def _ask(self) -> int | None:
        top = int(np.argmax(self._smooth))
        if self._smooth[top] >= self._settings.enter:
            return top
        holds = self._label is not None and self._smooth[self._label] >= self._settings.leave
        return self._label if holds else None

    def _start(self, t_s: float, label: int) -> list[Episode]:
        if EXPRESSIONS[label] == "neutral" and not self._settings.neutral_events:
            return []
        self._peak = float(self._smooth[label])
        self._episode = Running(
            subject="expression",
            kind=EXPRESSIONS[label],
            severity=Severity.INFO,
            episode_id=new_id(self._rng),
            track_id=self._track_id,
            started_s=self._asked_since_s,
        )
        return [self._change(self._episode, Phase.START, t_s, self._peak)]

    def _end(self, t_s: float, ended_s: float, reason: EndReason) -> list[Episode]:
        episode, self._episode = self._episode, None
        if episode is None:
            return []
        return [self._change(episode, Phase.END, t_s, self._peak, max(ended_s, episode.started_s), reason)]

    def _change(
        self,
        episode: Running,
        phase: Phase,
        t_s: float,
        confidence: float,
        ended_s: float | None = None,
        reason: EndReason | None = None,
    ) -> Episode:
        """A change of the episode; its confidence is the highest smoothed probability that it has reached."""
        probability = float(self._smooth[EXPRESSIONS.index(episode.kind)])
        measures: dict[str, Measure] = {"probability": probability, "peak_probability": self._peak}
        if reason is not None:
            measures["reason"] = reason
        sensing: Sensing = "lost" if reason == "lost" else "good"
        return episode.change(phase, t_s, confidence=confidence, sensing=sensing, measures=measures, ended_s=ended_s)
