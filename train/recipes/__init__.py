"""One network and its training schedule a file; ``RECIPES`` names them for the command line."""

from train.recipes import mien
from train.recipes.base import Recipe

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (mien.RECIPE,)}

__all__ = ["RECIPES", "Recipe"]
