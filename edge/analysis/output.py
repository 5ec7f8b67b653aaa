"""Events and frames of clips, into one file for all of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.analysis.clip import Analysis
from edge.analysis.clips import Clip
from edge.analysis.rows import EVENT_COLUMNS, FRAME_COLUMNS, event_row
from edge.analysis.tables import Columns, Row, open_table
from edge.aside import put_in_place

PutEvents = Callable[[Clip, Analysis], None]


@contextmanager
def open_events(path: Path, several: bool) -> Iterator[PutEvents]:
    """What writes clips' events: a flat table where the suffix says so, else as they are sent, a line of JSON each.

    several: of several clips each event says which it is from, in ``clip``: as an extension attribute of CloudEvents
    in JSON. Raises MienError where the file can't be written.
    """
    if path.suffix.lower() in (".csv", ".parquet"):
        with open_table(path, _columns(EVENT_COLUMNS, several), "--out") as put:
            yield lambda clip, analysis: put(
                event_row(event, clip.name, analysis.began_at_s) for event in analysis.events
            )
    else:
        with put_in_place(path, "--out") as aside, aside.open("wb") as file:

            def write(clip: Clip, analysis: Analysis) -> None:
                prefix = b'{"clip":' + json.dumps(clip.name, ensure_ascii=False).encode() + b"," if several else b"{"
                file.writelines(prefix + event.to_json().removeprefix(b"{") + b"\n" for event in analysis.events)

            yield write


@contextmanager
def open_frames(path: Path, several: bool) -> Iterator[Callable[[Iterable[Row]], None]]:
    """What writes clips' rows of frames and faces; raises MienError where the file can't be written."""
    with open_table(path, _columns(FRAME_COLUMNS, several), "--frames") as put:
        yield put


def _columns(columns: Columns, several: bool) -> Columns:
    return columns if several else {name: kind for name, kind in columns.items() if name != "clip"}
