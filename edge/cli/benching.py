"""``mien bench``: how fast this machine is."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from edge.cli.options import Commands, positive_int


def add(commands: Commands) -> None:
    """Makes it."""
    bench = commands.add(
        "bench",
        _bench,
        "how fast this machine is, stage by stage",
        "Reads a clip, or the puppet, as the daemon would and tells where each frame's time goes, and how much more it "
        "takes than the models' own work; one table for each number of faces and of threads. Several faces are the "
        "picture several times side by side. Figures, no verdict: let the machine be otherwise idle.",
    )
    bench.add_argument(
        "clip", nargs="?", type=Path, help="a video file or a GIF (default: mien demo's puppet; needs mien[demo])"
    )
    bench.add_argument(
        "--faces", type=_counts, default=[1], metavar="N,…", help="how many faces, such as 1,2,4 (default: 1)"
    )
    bench.add_argument(
        "--threads", type=_counts, default=[1, 2], metavar="N,…", help="how many processor threads (default: 1,2)"
    )
    bench.add_argument(
        "--frames",
        type=positive_int,
        default=300,
        metavar="N",
        help="at most N frames for each table (default: 300)",
    )
    bench.add_argument("--json", type=Path, metavar="FILE", help="write all figures as JSON")
    bench.add_argument(
        "--report",
        type=Path,
        metavar="FOLDER",
        help="write report.md, a picture and the figures here; needs mien[plot]",
    )


def _counts(text: str) -> list[int]:
    counts = [positive_int(part) for part in text.split(",")]
    if max(counts) > 16:
        raise argparse.ArgumentTypeError(f"{max(counts)} is above 16")
    return counts


def _bench(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from edge.bench.bench import bench
    from edge.bench.report import terminal, write_figures, write_report
    from edge.bench.scene import scene_of

    if arguments.report is not None:
        from edge.bench.picture import require_matplotlib

        require_matplotlib()  # before minutes of measuring
    scene = scene_of(arguments.clip, arguments.frames)
    # Where the clip lies on this machine is nobody's business.
    words = [Path(word).name if Path(word) == arguments.clip else word for word in sys.argv[1:]]
    command = shlex.join(["mien", *words])
    with tqdm(unit=" frames", leave=False, disable=arguments.quiet or not sys.stderr.isatty()) as bar:

        def advance() -> None:
            bar.update()

        result = bench(scene, arguments.faces, arguments.threads, command=command, on_frame=advance)
    if arguments.json is not None:
        write_figures(result, arguments.json)
    if arguments.report is not None:
        write_report(result, arguments.report)
    if not arguments.quiet:
        print(terminal(result))
    return 0
