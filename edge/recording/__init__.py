"""Drives as numbers in a file: recorded from any source, replayed through the state rules as often as wanted."""

from edge.recording.file import Recording, RecordingError, RecordingWriter
from edge.recording.lines import End, Header, Moment
from edge.recording.recorder import Recorded, record
from edge.recording.replayer import limits_of, recorded_settings, replay

__all__ = [
    "End",
    "Header",
    "Moment",
    "Recorded",
    "Recording",
    "RecordingError",
    "RecordingWriter",
    "limits_of",
    "record",
    "recorded_settings",
    "replay",
]
