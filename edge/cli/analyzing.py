"""``mien analyze``: what clips show, as events, rows, videos, pictures and pages."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from edge.cli.options import Commands, add_config, configured, positive_int

if TYPE_CHECKING:
    from edge.analysis import Analysis
    from edge.analysis.clips import Clip
    from edge.analysis.jobs import Job
    from edge.config import Config
    from edge.view.sketch import FaceSketch

_EPILOG = """\
examples:
  mien analyze clip.mp4 --report clip.html
  mien analyze clip.mp4 --annotate seen.mp4 --frames frames.csv
  mien analyze photo.jpg --annotate seen.png
  mien analyze drives/ --report drives.html --annotate seen/ --out events.parquet
"""


def add(commands: Commands) -> None:
    """Makes it."""
    analyze = commands.add(
        "analyze",
        _analyze,
        "what a recording shows, as events, a video, a page",
        "Reads every frame of clips as fast as the machine can and prints the events of each; the options write more. "
        "The same clip gives the same events; their times count from the clip's start. A clip that can't be read is "
        "named, the others are done, and the exit code is 2. Of a photo the faces in it are listed.",
        epilog=_EPILOG,
    )
    analyze.add_argument(
        "clip",
        type=Path,
        nargs="+",
        help="a video file, a GIF or a photo, or a folder of videos, those below it included",
    )
    analyze.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="write the events as JSON lines, or as a table: .csv, .parquet (needs mien[tables])",
    )
    analyze.add_argument(
        "--frames",
        type=Path,
        metavar="FILE",
        help="write a row for each frame and face: .jsonl, .csv or .parquet (needs mien[tables])",
    )
    analyze.add_argument(
        "--annotate",
        type=Path,
        metavar="FILE",
        help="write the video with faces, labels, alarms and a timeline drawn on: .mp4 (of a photo .png or .jpg), or a "
        "folder for several clips; needs mien[video]",
    )
    analyze.add_argument(
        "--plot",
        type=Path,
        metavar="FILE",
        help="draw the whole clip on one page: .png, .svg or .pdf, or a folder for several clips; needs mien[plot]",
    )
    analyze.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="write one page on all clips for the browser: .html, without pictures of people; needs mien[report]",
    )
    analyze.add_argument(
        "--pixels", action="store_true", help="add pictures of each clip's key moments to the report; needs mien[video]"
    )
    analyze.add_argument(
        "--jobs", type=positive_int, default=1, metavar="N", help="work on N clips at once (default: 1)"
    )
    add_config(analyze)


def print_analysis(name: str, result: Analysis) -> None:
    """What a clip or a recording came to, for people."""
    print(f"{name}: {result.frames} frames, {result.duration_s:.1f} s, a face in {result.face_share:.0%} of them")
    for event in result.events:
        data = event.data
        noticed = f"at {event.time.timestamp() - result.began_at_s:6.2f} s"
        began_s = data.started_at.timestamp() - result.began_at_s
        since = f"since {began_s:.2f} s" if data.ended_at is None else f"for {data.duration_s:.2f} s"
        print(f"  {noticed}  {data.kind} {data.phase} ({data.severity}), {since}")
    if not result.events:
        print("  no events")
    if result.flips_per_minute is not None:
        before, after = result.flips_per_minute
        print(f"  expression label changes a minute: {before:.0f} frame by frame, {after:.0f} as published")


def print_faces(name: str, faces: Sequence[FaceSketch]) -> None:
    """The faces in a photo, for people: boxes in pixels, from its upper left corner."""
    from edge.vision.types import EXPRESSIONS

    print(f"{name}: {len(faces)} {'face' if len(faces) == 1 else 'faces'}")
    for face in faces:
        box, shown = face.box, ""
        if face.probabilities is not None:
            shown = f"  {face.label or 'unsure'}"
            if face.label is not None:
                shown += f" {face.probabilities[EXPRESSIONS.index(face.label)]:.0%}"
        print(f"  {face.track_id}  {box.width:4.0f} x {box.height:<4.0f} at {box.x:5.0f}, {box.y:5.0f}{shown}")


def _analyze(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from edge.analysis.clips import find_clips
    from edge.analysis.jobs import Outcome, work_all
    from edge.analysis.output import open_events, open_frames
    from edge.errors import MienError

    signal.signal(signal.SIGTERM, _interrupt)
    if not arguments.verbose:
        logging.getLogger("edge.camera.health").setLevel(logging.WARNING)  # that each clip ends is no news
    config = configured(arguments)
    clips = find_clips(arguments.clip)
    several = len(clips) > 1 or any(path.is_dir() for path in arguments.clip)
    jobs = _jobs(arguments, clips, config)
    done: list[tuple[Clip, Outcome | MienError]] = []
    failed: list[str] = []
    with ExitStack() as stack:
        put_events = None if arguments.out is None else stack.enter_context(open_events(arguments.out, several))
        put_rows = None if arguments.frames is None else stack.enter_context(open_frames(arguments.frames, several))
        bar = stack.enter_context(
            tqdm(
                total=len(clips),
                leave=False,
                disable=arguments.quiet or not sys.stderr.isatty(),
                bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}",
            )
        )
        shares = [0.0] * len(clips)

        def advance(place: int, share: float) -> None:
            bar.update(max(0.0, share - shares[place]))
            shares[place] = max(shares[place], share)
            bar.set_description_str(clips[place].name, refresh=False)

        for clip, outcome in zip(clips, work_all(jobs, arguments.jobs, advance), strict=True):
            if isinstance(outcome, MienError):
                if not several:
                    raise outcome
                failed.append(clip.name)
                with tqdm.external_write_mode():
                    logging.getLogger("mien").error("%s", outcome)
            else:
                if put_events is not None:
                    put_events(clip, outcome.analysis)
                if put_rows is not None:
                    put_rows(outcome.rows)
                    outcome.rows.clear()
                if not arguments.quiet:
                    with tqdm.external_write_mode():
                        if clip.is_photo:
                            print_faces(clip.name, outcome.faces)
                        else:
                            print_analysis(clip.name, outcome.analysis)
            if arguments.report is not None:
                done.append((clip, outcome))
    if arguments.report is not None:
        from edge.analysis.reporting import report

        report(arguments.report, done, config)
    if failed:
        raise MienError(f"{len(failed)} of {len(clips)} clips could not be read: {', '.join(failed)}")
    return 0


def _jobs(arguments: argparse.Namespace, clips: list[Clip], config: Config) -> list[Job]:
    """What is wanted of each clip; raises MienError at once for what would fail after all the work."""
    from edge.analysis.clips import places
    from edge.analysis.jobs import Job
    from edge.aside import check_place
    from edge.errors import MienError
    from edge.view.plot import require_matplotlib
    from edge.view.report import require_jinja
    from edge.view.video import require_pillow, require_video

    annotate: list[Path | None] = [None] * len(clips)
    plot: list[Path | None] = [None] * len(clips)
    if arguments.report is not None:
        require_jinja()
        check_place(arguments.report, "--report")
    if arguments.pixels:
        if arguments.report is None:
            raise MienError("--pixels adds pictures to a report; name one with --report")
        require_pillow("--pixels")
    if arguments.annotate is not None:
        place_of: dict[Clip, Path] = {}
        photos = [clip for clip in clips if clip.is_photo]
        if photos:
            require_pillow("--annotate")
            place_of |= zip(photos, places(photos, arguments.annotate, (".png", ".jpg"), "--annotate"), strict=True)
        videos = [clip for clip in clips if not clip.is_photo]
        if videos:
            require_video()
            place_of |= zip(videos, places(videos, arguments.annotate, (".mp4",), "--annotate"), strict=True)
        annotate = [place_of[clip] for clip in clips]
    if arguments.plot is not None:
        require_matplotlib()
        plot = [*places(clips, arguments.plot, (".png", ".svg", ".pdf"), "--plot")]
    return [
        Job(clip, config, video, picture, rows=arguments.frames is not None, pictures=arguments.pixels)
        for clip, video, picture in zip(clips, annotate, plot, strict=True)
    ]


def _interrupt(*_: object) -> None:
    """SIGTERM ends it as Ctrl-C does: nothing half written is left."""
    raise KeyboardInterrupt
