"""One network and its training schedule a file; ``RECIPES`` names them for the command line.

A recipe's file is read when it is asked for: naming and describing them needs no Keras.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from train.recipes.base import Recipe, RecipeError, Stage

#: Name, which is the module's too, and what it is in a few words.
SUMMARIES = {
    "mien": "ours: a small plain residual network that loses next to nothing in int8",
    "gao_se": "separable convolutions with squeeze-and-excitation and shortcuts (Gao and Ma)",
    "cao_fusion": "ResNet-50, ResNet-101 and Inception-V3, fused by weights (Cao et al.)",
    "li_system": "a residual network of bottlenecks (Li et al.)",
    "ohlsen_vgg": "ten plain convolutions on FERPlus's distributions (Ohlsen)",
    "huo_stn": "a spatial transformer before four convolutions (Huo and Jiang)",
}


class _Recipes(Mapping[str, Recipe]):
    """The recipes as published, by name; each is imported when it is first taken."""

    def __getitem__(self, name: str) -> Recipe:
        if name not in SUMMARIES:
            raise KeyError(name)
        recipe: Recipe = importlib.import_module(f"train.recipes.{name}").RECIPE
        return recipe

    def __iter__(self) -> Iterator[str]:
        return iter(SUMMARIES)

    def __len__(self) -> int:
        return len(SUMMARIES)

    def __contains__(self, name: object) -> bool:
        return name in SUMMARIES


RECIPES: Mapping[str, Recipe] = _Recipes()


def load(name: str, options: Mapping[str, str] | None = None) -> Recipe:
    """A recipe by name, changed by its own options as ``--set KEY=VALUE`` gives them.

    Raises RecipeError for an unknown name, an option that the recipe does not have, or a value it cannot take.
    """
    if name not in RECIPES:
        raise RecipeError(f"no recipe {name!r}; there is: {', '.join(RECIPES)}")
    if not options:
        return RECIPES[name]
    module = importlib.import_module(f"train.recipes.{name}")
    known: Mapping[str, type] = getattr(module, "OPTIONS", {})
    values: dict[str, object] = {}
    for key, text in options.items():
        if key not in known:
            raise RecipeError(f"{name} has no option {key!r}; it has: {', '.join(known) or 'none'}")
        try:
            values[key] = known[key](text)
        except ValueError:
            raise RecipeError(f"{name}: {key}={text} is not of type {known[key].__name__}") from None
    recipe: Recipe = module.recipe(**values)
    return recipe


def describe(name: str) -> str:
    """A recipe's docstring: command, layers, what the paper leaves open, published accuracy, time. Imports nothing."""
    source = Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(source)) or ""


__all__ = ["RECIPES", "SUMMARIES", "Recipe", "RecipeError", "Stage", "describe", "load"]
