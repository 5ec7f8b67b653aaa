"""A puppet's drive, watched by the real vision and the real rules."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from edge.camera import Frame
from edge.demo.puppet import CLOSED_BELOW, Image, Script, Truth, frame_times, frames_at
from edge.state.blinks import Blink
from edge.state.people import People
from edge.state.settings import StateSettings
from edge.state.types import DriverState, Episode, Phase
from edge.vision import FaceReader
from edge.vision.types import Face, Observation

Interval = tuple[float, float]

#: How far what was read may lie from the truth.
TOLERANCE_S = 0.15

#: Vision follows a face by its last landmarks, so a still picture is read a little differently again and again, by
#: less each time; after this many times the reading is taken for the rest of the stillness.
SETTLED_AFTER = 6
#: Vision still looks now and then, or it would forget whose face it follows.
LOOK_EVERY_S = 0.7


@dataclass(frozen=True, slots=True, repr=False)
class Drive:
    """What was read of a clip, frame by frame, and what the rules made of it."""

    truth: Truth
    observations: tuple[Observation, ...]
    states: tuple[DriverState, ...]
    changes: tuple[Episode, ...]
    blinks: tuple[Blink, ...]

    def starts(self, kind: str) -> list[Episode]:
        return [change for change in self.changes if (change.kind, change.phase) == (kind, Phase.START)]

    def ends(self, kind: str) -> list[Episode]:
        return [change for change in self.changes if (change.kind, change.phase) == (kind, Phase.END)]

    def kinds(self) -> set[str]:
        return {change.kind for change in self.changes}

    def closures(self) -> list[Interval]:
        """When the eyes were read as less than a fifth open, between two frames by a straight line."""
        found: list[Interval] = []
        start_s: float | None = None
        known = [(state.t_s, state.openness) for state in self.states if state.openness is not None]
        for (t0_s, openness0), (t1_s, openness1) in pairwise(known):
            if (openness0 < CLOSED_BELOW) == (openness1 < CLOSED_BELOW):
                continue
            crossed_s = t0_s + (t1_s - t0_s) * (CLOSED_BELOW - openness0) / (openness1 - openness0)
            if start_s is None:
                start_s = crossed_s
            else:
                found.append((start_s, crossed_s))
                start_s = None
        return found

    def face_at(self, t_s: float) -> Face:
        """The driver's face in the frame nearest to ``t_s``."""
        (face,) = min(self.observations, key=lambda observation: abs(observation.t_s - t_s)).faces
        return face


def watch(reader: FaceReader, script: Script, fps: int = 15, *, dropped: float = 0.0) -> Drive:
    """Vision and rules over a script's clip, its frames a fifth of their distance early or late at most."""
    times = frame_times(script.duration_s, fps, jitter_s=0.2 / fps, dropped=dropped, seed=fps)
    reader.close()
    people = People(StateSettings(expressions=False), rng=random.Random(7))
    observations: list[Observation] = []
    states, changes = [], []
    blinks: dict[float, Blink] = {}
    before: Image | None = None
    same, looked_s = 0, 0.0
    for seq, (t_s, image) in enumerate(frames_at(script, times)):
        same = same + 1 if before is not None and np.array_equal(image, before) else 0
        before = image
        if same < SETTLED_AFTER or t_s - looked_s > LOOK_EVERY_S:
            looked_s = t_s
            observation = reader.read(Frame(image, t_s, wall_time=t_s, seq=seq, camera="puppet"))
        else:
            observation = replace(observations[-1], t_s=t_s, wall_time=t_s, seq=seq)
        observations.append(observation)
        changes += people.update(observation)
        state = people.driver()
        assert state is not None
        states.append(state)
        blinks |= {blink.started_s: blink for blink in people.blinks()}
    changes += people.finish(observations[-1].t_s)
    return Drive(script.truth(), tuple(observations), tuple(states), tuple(changes), tuple(blinks.values()))
