"""``mien-train``: fit and evaluate expression models."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def main(argv: list[str] | None = None) -> int:
    """Entry point of ``mien-train``; 0, or 2 for a mistake that the user can mend."""
    arguments = _parser().parse_args(argv)
    from train.data import DataError

    try:
        result: int = arguments.run(arguments)
    except (DataError, OSError) as error:
        print(f"mien-train: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nmien-train: stopped; --resume goes on from the last whole epoch", file=sys.stderr)
        return 130
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mien-train", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    fit = commands.add_parser("fit", help="train a recipe", description="Train a recipe from raw files to a Keras model.")
    fit.add_argument("recipe", help="the network and its schedule; see train/recipes")
    fit.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="holds fer2013.csv and, where there, FERPlus's fer2013new.csv")
    fit.add_argument("--out", type=Path, metavar="FOLDER", help="where model, checkpoints and history go (default: runs/RECIPE)")
    fit.add_argument("--epochs", type=int, help="instead of the recipe's own number")
    fit.add_argument("--seed", type=int, default=0, help="of order, augmentation and initial weights (default: 0)")
    fit.add_argument("--resume", action="store_true", help="go on from the last whole epoch in --out")
    fit.set_defaults(run=_fit)
    return parser


def _fit(arguments: argparse.Namespace) -> int:
    from train.data import load_fer2013
    from train.fit import fit
    from train.recipes import RECIPES

    recipe = RECIPES.get(arguments.recipe)
    if recipe is None:
        print(f"mien-train: no recipe {arguments.recipe!r}; there is: {', '.join(RECIPES)}", file=sys.stderr)
        return 2
    out = arguments.out or Path("runs") / recipe.name
    faces = load_fer2013(arguments.data)
    fit(recipe, faces, out, epochs=arguments.epochs, seed=arguments.seed, resume=arguments.resume)
    print(f"{out / 'model.keras'}: done; next: mien-quantize {out / 'model.keras'} --data {arguments.data}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
