"""``mien record`` and ``replay``: drives as numbers."""

from __future__ import annotations

import argparse
import logging
import sys
import threading
import time
from pathlib import Path

from edge.cli.analyzing import print_analysis
from edge.cli.options import Commands, add_config, add_source, configured, on_stop_signal, positive


def add(commands: Commands) -> None:
    """Makes them."""
    record = commands.add(
        "record",
        _record,
        "keep what is read as numbers, to tune the rules on",
        "Reads a camera, a stream or a file and writes what it reads of each frame as a line of JSON: eyes, mouth, "
        "head, expression, where each face is. Numbers only, never a picture. A file is read frame by frame as fast as "
        "the machine can; a live source until Ctrl-C, --seconds, or its end. No broker is needed. A kill costs the "
        "last second at most.",
    )
    add_source(record)
    record.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="drive.jsonl, or drive.jsonl.gz: a quarter of the size"
    )
    record.add_argument("--seconds", type=positive, metavar="N", help="stop after this much of it")
    record.add_argument("--device", metavar="ID", help="this device's name in the events (default: the host's name)")
    add_config(record)

    replay = commands.add(
        "replay",
        _replay,
        "run the rules over a recording",
        "Runs the state rules over a recording, many times faster than it was driven. With the settings of then (no "
        "--config) the events are those of then, byte for byte; with --config they are what other thresholds would "
        "have given.",
    )
    replay.add_argument("recording", type=Path, help="what mien record wrote")
    replay.add_argument(
        "--config", type=Path, metavar="FILE", help="a TOML file whose [state] tables replace the recorded settings"
    )
    replay.add_argument("--out", type=Path, metavar="FILE", help="write the events as JSON lines")
    replay.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw the drive on one page (.png, .svg, .pdf); needs mien[plot]"
    )


def _record(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from edge.daemon import Step
    from edge.delivery import format_event
    from edge.recording import record

    stop = threading.Event()
    on_stop_signal(stop.set)
    log = logging.getLogger("mien")
    with tqdm(unit=" frames", leave=False, disable=arguments.quiet or not sys.stderr.isatty()) as bar:

        def advance(step: Step, total: int | None) -> None:
            bar.total = total
            bar.update(step.observation is not None)
            if total is None:  # live: somebody may be watching
                for event in step.events:
                    log.info("%s", format_event(event))

        done = record(configured(arguments), arguments.out, seconds=arguments.seconds, stop=stop, on_step=advance)
    log.info(
        "%s: %d frames, %.1f s, %.1f MB (%d dropped)",
        *(arguments.out, done.frames, done.seconds, arguments.out.stat().st_size / 1e6, done.dropped),
    )
    return 0


def _replay(arguments: argparse.Namespace) -> int:
    from edge.analysis import write_events
    from edge.config import load
    from edge.recording import Recording, limits_of, recorded_settings, replay
    from edge.view.drive import Drive
    from edge.view.plot import draw_drive, duration, require_matplotlib

    if arguments.plot is not None:
        require_matplotlib()
    drive = None if arguments.plot is None else Drive()
    with Recording(arguments.recording) as recording:
        settings = recorded_settings(recording) if arguments.config is None else load(arguments.config).state
        started_s = time.monotonic()
        result = replay(recording, settings, drive=drive)
        took_s = time.monotonic() - started_s
    if arguments.out is not None:
        write_events(result.events, arguments.out)
    if drive is not None:
        source = recording.header.source
        title = f"{arguments.recording.name}: {duration(result.duration_s)} of "
        title += f"camera {source}" if source.isdecimal() else source
        if arguments.config is not None:
            title += f", judged by {arguments.config.name}"
        draw_drive(drive, arguments.plot, title=title, limits=limits_of(settings))
    if not arguments.quiet:
        print_analysis(arguments.recording.name, result)
        print(f"  replayed in {took_s:.2f} s, {result.duration_s / took_s:.0f} times as fast as it was recorded")
    return 0
