"""``mien-train``: from labelled faces to trained expression models and reports about them."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from edge.errors import MienError
from train.data.faces import Faces
from train.recipes import SUMMARIES

if TYPE_CHECKING:
    from train.distill import Distillation

_EPILOG = """\
first steps:
  mien-train data inspect FOLDER           what the data holds, and a sheet of samples
  mien-train recipe mien                   a network, its schedule, what to expect
  mien-train fit mien --data FOLDER        train it; --resume goes on after a stop
  mien-train evaluate runs/mien/model.keras --data FOLDER
"""


def main(argv: list[str] | None = None) -> int:
    """Entry point of ``mien-train``; 0, or 2 for a mistake that the user can mend, said in one line."""
    arguments = _parser().parse_args(argv)
    try:
        result: int = arguments.run(arguments)
    except (MienError, OSError) as error:
        print(f"mien-train: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nmien-train: stopped; fit --resume goes on from the last whole epoch", file=sys.stderr)
        return 130
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mien-train", description=__doc__, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    data = commands.add_parser("data", help="look at a data set").add_subparsers(required=True, metavar="COMMAND")
    inspect = data.add_parser(
        "inspect",
        help="classes, splits, duplicates, samples",
        description="Prints a data set's classes and splits, its identical faces within and across splits, and what "
        "was left out and why; draws a sheet of samples where asked to.",
    )
    inspect.add_argument("path", type=Path, help=_DATA_HELP)
    inspect.add_argument("--sheet", type=Path, metavar="PNG", help="draw samples of each class here")
    inspect.add_argument("--all-names", action="store_true", help="name all that was left out, not just the first few")
    _add_reading(inspect)
    inspect.set_defaults(run=_inspect)

    recipe = commands.add_parser(
        "recipe",
        help="what a recipe holds",
        description="Prints a recipe: its network, what its paper leaves open, the accuracy to expect. Without a "
        "name, lists the recipes.",
    )
    recipe.add_argument("recipe", nargs="?", help=", ".join(SUMMARIES))
    recipe.set_defaults(run=_recipe)

    fit = commands.add_parser(
        "fit", help="train a recipe", description="Trains a recipe from raw files to a Keras model."
    )
    fit.add_argument("recipe", help=", ".join(SUMMARIES))
    _add_data(fit)
    fit.add_argument("--out", type=Path, metavar="FOLDER", help="model, checkpoints, history (default: runs/RECIPE)")
    fit.add_argument("--epochs", type=int, help="instead of the recipe's own number")
    fit.add_argument(
        "--schedule",
        choices=("paper", "short"),
        default="paper",
        help="short: fewer epochs, a learning rate that rises and falls, averaged weights, and smaller pictures at "
        "first; for machines without a GPU (default: the recipe's own)",
    )
    fit.add_argument("--seed", type=int, default=0, help="of order, augmentation and initial weights (default: 0)")
    fit.add_argument("--resume", action="store_true", help="go on from the last whole epoch in --out")
    fit.add_argument("--init", type=Path, metavar="MODEL", help="start from this .keras model of the same recipe")
    fit.add_argument(
        "--teacher",
        nargs="+",
        action="extend",
        default=[],
        metavar="MODEL",
        type=Path,
        help="distil: learn the mean answer of these trained models (any that evaluate takes) with the labels",
    )
    fit.add_argument(
        "--teacher-weights", nargs="+", type=float, default=[], metavar="W", help="the teachers', one a model"
    )
    fit.add_argument(
        "--distill", type=float, metavar="SHARE", help="of each target that is the teachers' answer (default: 0.5)"
    )
    fit.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a recipe's own option")
    fit.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16", "float16"),
        default="auto",
        help="of the arithmetic; auto: half where the hardware is faster with it (default)",
    )
    fit.add_argument(
        "--distribute",
        choices=("mirrored", "multiworker"),
        help="several GPUs of this machine, or the machines that TF_CONFIG names (TensorFlow only)",
    )
    fit.set_defaults(run=_fit)

    evaluate = commands.add_parser(
        "evaluate",
        help="score a model and write a report",
        description="Scores one model, or several as an ensemble, and writes metrics.json, report.md and pictures. "
        "The pictures show faces of the data: mind its terms before passing them on.",
    )
    evaluate.add_argument(
        "models", nargs="+", type=Path, metavar="MODEL", help="a .keras, .h5 or .tflite file, a bundle"
    )
    _add_data(evaluate)
    evaluate.add_argument("--out", type=Path, metavar="FOLDER", help="the report (default: report, beside the model)")
    evaluate.add_argument(
        "--scale",
        action="append",
        default=[],
        metavar="RANGE",
        help="what the pixels become: 0..1, 0..255, imagenet, or with an equals sign --scale=-1..1; once for all "
        "models or once each (default: what the file says, else what works)",
    )
    evaluate.add_argument(
        "--weights", nargs="+", type=float, default=[], metavar="W", help="the ensemble's, one a model"
    )
    evaluate.add_argument(
        "--corruption-faces", type=int, metavar="N", help="score corruptions on so many faces only; 0: not at all"
    )
    evaluate.add_argument("--seed", type=int, default=0, help="of the corruptions (default: 0)")
    evaluate.set_defaults(run=_evaluate)
    return parser


_DATA_HELP = (
    "fer2013.csv or icml_face_data.csv as Kaggle gives them, its image folders, CK+, or any folder of images by class"
)


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, metavar="PATH", help=_DATA_HELP)
    _add_reading(parser)


def _add_reading(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ferplus", type=Path, metavar="CSV", help="FERPlus's fer2013new.csv, where it does not lie beside fer2013.csv"
    )
    parser.add_argument(
        "--max-unreadable",
        type=float,
        default=0.01,
        metavar="SHARE",
        help="refuse image folders with a larger share of broken images (default: 0.01)",
    )


def _inspect(arguments: argparse.Namespace) -> int:
    from train.data import inspect

    print(
        inspect(
            arguments.path,
            arguments.sheet,
            ferplus=arguments.ferplus,
            max_unreadable=arguments.max_unreadable,
            all_names=arguments.all_names,
        )
    )
    return 0


def _recipe(arguments: argparse.Namespace) -> int:
    from train.recipes import RecipeError, describe

    if arguments.recipe is None:
        for name, summary in SUMMARIES.items():
            print(f"{name:12} {summary}")
        return 0
    if arguments.recipe not in SUMMARIES:
        raise RecipeError(f"no recipe {arguments.recipe!r}; there is: {', '.join(SUMMARIES)}")
    print(describe(arguments.recipe))
    return 0


def _load(arguments: argparse.Namespace) -> Faces:
    """The data as asked for; what was noted or left out goes to stderr."""
    from train.data import load

    faces = load(arguments.data, arguments.ferplus, arguments.max_unreadable)
    for note in faces.report.notes:
        print(f"mien-train: {note}", file=sys.stderr)
    for left_out in faces.report.left_out:
        print(f"mien-train: {left_out.describe()}", file=sys.stderr)
    return faces


def _distillation(arguments: argparse.Namespace) -> Distillation | None:
    from train.distill import Distillation
    from train.recipes import RecipeError

    if arguments.teacher:
        share = {} if arguments.distill is None else {"share": arguments.distill}
        return Distillation(tuple(arguments.teacher), tuple(arguments.teacher_weights), **share)
    if arguments.teacher_weights or arguments.distill is not None:
        raise RecipeError("--distill and --teacher-weights say how to learn from a --teacher MODEL; name one")
    return None


def _fit(arguments: argparse.Namespace) -> int:
    from train.recipes import RecipeError, load

    options = {}
    for setting in arguments.set:
        key, equals, value = setting.partition("=")
        if not equals:
            raise RecipeError(f"--set {setting}: write KEY=VALUE")
        options[key] = value
    recipe = load(arguments.recipe, options)
    if arguments.schedule == "short":
        recipe = recipe.shortened()
    distillation = _distillation(arguments)
    faces = _load(arguments)
    # Last, because it brings TensorFlow: a mistake in the arguments should not take seconds to be told.
    from train.fit import fit

    out = arguments.out or Path("runs") / recipe.name
    fit(
        recipe,
        faces,
        out,
        epochs=arguments.epochs,
        seed=arguments.seed,
        resume=arguments.resume,
        precision=arguments.precision,
        distribute=arguments.distribute,
        init=arguments.init,
        distillation=distillation,
    )
    print(f"{out / 'model.keras'}: done; next: mien-train evaluate {out / 'model.keras'} --data {arguments.data}")
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    from train.evaluate import evaluate

    out = arguments.out or arguments.models[0].parent / "report"
    evaluate(
        arguments.models,
        _load(arguments),
        out,
        scales=arguments.scale,
        weights=arguments.weights,
        corruption_faces=arguments.corruption_faces,
        seed=arguments.seed,
    )
    print(f"{out / 'report.md'}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
