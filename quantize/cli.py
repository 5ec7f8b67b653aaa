"""``mien-quantize``: a trained Keras model to the int8 bundle that the device runs.

Calibrates on Training, chooses tool and temperature on PublicTest, measures on PrivateTest through the very code that
the device uses, holds the result against the gate (at most 0.5 percentage points lost, at least twice as fast as
float in LiteRT at one thread), and writes model.tflite with its manifest.json. With --report it compares every
variant, operator and layer, with pictures.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from edge.errors import MienError


def main(argv: list[str] | None = None) -> int:
    """Entry point of ``mien-quantize``; 0, 1 where the gate stops the model, 2 for what the user can mend."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    try:
        return _run(arguments, shlex.join(["mien-quantize", *(sys.argv[1:] if argv is None else argv)]))
    except (MienError, OSError) as error:
        print(f"mien-quantize: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mien-quantize", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("model", type=Path, help="a .keras file, as mien-train fit leaves it")
    add("--data", type=Path, required=True, metavar="FOLDER", help="holds fer2013.csv and fer2013new.csv")
    add("--out", type=Path, metavar="FOLDER", help="the bundle to write (default: bundle, beside the model)")
    add("--report", type=Path, metavar="FOLDER", help="write report.md, metrics.json and pictures, of every variant")
    add(
        "--kind",
        choices=("int8", "int16x8", "float16", "dynamic", "float32"),
        default="int8",
        help="what the bundle holds (default: int8, which alone has to pass the gate)",
    )
    add(
        "--tool",
        choices=("auto", "tensorflow", "ai-edge-quantizer"),
        default="auto",
        help="what makes the integers (default: auto, whichever keeps more on PublicTest)",
    )
    add(
        "--keep-float",
        action="append",
        default=[],
        metavar="PATTERN",
        help="leave layers whose name this regular expression finds, or operators of this type, in float; repeatable. "
        "A spatial transformer stays float by itself",
    )
    add("--calibration", type=_count, default=700, metavar="N", help="faces of Training to calibrate on (default: 700)")
    add("--seed", type=int, default=0, help="which faces those are (default: 0)")
    add(
        "--corrupted",
        type=_share,
        default=0.25,
        metavar="SHARE",
        help="share of these that is darkened or blurred, 0..1 (default: 0.25)",
    )
    add(
        "--made-with",
        metavar="TEXT",
        help="how the model was trained, for the manifest (default: the recipe's plain mien-train fit)",
    )
    add("--force", action="store_true", help="replace a bundle that is there already")
    add("--no-gate", action="store_true", help="write the bundle even if it does not pass the gate")
    return parser


def _count(text: str) -> int:
    if (count := int(text)) < 7:
        raise argparse.ArgumentTypeError(f"{text}: at least 7, one of each class")
    return count


def _share(text: str) -> float:
    if not 0 <= (share := float(text)) <= 1:
        raise argparse.ArgumentTypeError(f"{text}: a share is from 0 to 1")
    return share


def _run(arguments: argparse.Namespace, command: str) -> int:
    # Not at the top: a user's typing mistake is told before TensorFlow is loaded, which takes seconds.
    from quantize import report
    from quantize.pipeline import Options, quantize

    options = Options(
        model=arguments.model,
        data=arguments.data,
        out=arguments.out or arguments.model.parent / "bundle",
        kind=arguments.kind,
        tool=None if arguments.tool == "auto" else arguments.tool,
        keep_float=tuple(arguments.keep_float),
        calibration=arguments.calibration,
        seed=arguments.seed,
        corrupted_share=arguments.corrupted,
        made_with=arguments.made_with,
        replace=arguments.force,
        every_variant=arguments.report is not None,
        gate=not arguments.no_gate,
    )
    outcome = quantize(options)
    print(report.parity(outcome))
    if arguments.report:
        report.write(outcome, arguments.report, command)
        print(f"{arguments.report / 'report.md'}: written")
    print(report.verdict(outcome))
    if not outcome.written:
        print(f"{options.out}: not written; --no-gate writes it all the same", file=sys.stderr)
        return 1
    print(f"{options.out}: {outcome.manifest.model.bytes / 1024:.0f} KiB, temperature {outcome.temperature:g}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
