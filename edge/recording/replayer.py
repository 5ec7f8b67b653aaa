"""``mien replay``: the state rules over a recording, as often and with whatever numbers one likes."""

from __future__ import annotations

import random
from collections.abc import Iterator

from pydantic import ValidationError

from edge.analysis import Analysis, sum_up
from edge.daemon import Step, to_events
from edge.events import DeviceIdentity
from edge.recording.file import Recording, RecordingError
from edge.recording.lines import Moment
from edge.state import People, StateSettings
from edge.view.drive import Drive
from edge.view.plot import Limits


def replay(
    recording: Recording,
    settings: StateSettings | None = None,
    *,
    drive: Drive | None = None,
) -> Analysis:
    """Runs the rules over a recording, with its own settings unless others are given.

    With its own settings the events are those of the recorded run, byte for byte. drive: gathers its course, for a
    picture. Raises RecordingError for damage, and for settings of another version.
    """
    header = recording.header
    device = DeviceIdentity(header.device, header.boot_id, header.model_sha256)
    people = People(settings or recorded_settings(recording), rng=random.Random(header.seed))  # noqa: S311 - ids
    return sum_up(_steps(recording, people, device, drive), people, on_step=lambda _step: None)


def recorded_settings(recording: Recording) -> StateSettings:
    """The rules' settings that a recording was made with; raises RecordingError where this version has others."""
    try:
        return StateSettings.model_validate(recording.header.state)
    except ValidationError as error:
        key = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise RecordingError(
            f"the recording's rules, of mien {recording.header.version}, don't fit this version ({key}); "
            "name others with --config"
        ) from None


def limits_of(settings: StateSettings) -> Limits:
    """The thresholds that are drawn beside what they judge."""
    return Limits(
        closed_below=settings.eyes.closed_below,
        open_above=settings.eyes.open_above,
        aside_deg=settings.attention.aside_deg,
        down_deg=settings.attention.down_deg,
        yawn_opening=settings.drowsiness.yawn_opening,
        perclos_60s=settings.drowsiness.warning_60s,
        perclos_180s=settings.drowsiness.warning_180s,
    )


def _steps(recording: Recording, people: People, device: DeviceIdentity, drive: Drive | None) -> Iterator[Step]:
    """The daemon's inner loop with the recording in the place of camera and reader."""
    moment: Moment | None = None
    for moment in recording:
        observation = moment.to_observation()
        changes = people.update(observation, moment.vehicle)
        step = Step(observation, moment.clock, to_events(changes, device, moment.clock, moment.vehicle))
        if drive is not None:
            drive.see(observation, people.driver(), people.expressions(), moment.vehicle)
            drive.tell(step.events, moment.clock.zero_wall_s)
        yield step
    if moment is not None:
        step = Step(None, moment.clock, to_events(people.finish(moment.t_s), device, moment.clock, moment.vehicle))
        if drive is not None:
            drive.tell(step.events, moment.clock.zero_wall_s)
        yield step
