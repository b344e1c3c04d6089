"""`python -m dreamvid.training RECIPE.toml --data FOLDER --out FILE`: train a net by a recipe."""

import argparse
import sys
from pathlib import Path

from dreamvid.device import set_up
from dreamvid.errors import SettingsError, SourceError
from dreamvid.training.corpus import read_corpus
from dreamvid.training.loop import train
from dreamvid.training.recipe import Recipe, read_recipe
from dreamvid.settings import ComputeSettings


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dreamvid.training", description=__doc__)
    parser.add_argument("recipe", type=Path, help="TOML file; dreamvid/training/dreamnet.toml made the shipped net")
    parser.add_argument("--data", type=Path, required=True, help="folder of NAME.npz shards")
    parser.add_argument("--out", type=Path, required=True, help="safetensors file to write; an unfinished one goes on")
    parser.add_argument("--minutes", type=float, help="wall clock in place of the recipe's")
    parser.add_argument("--threads", type=int, help="processor threads")
    parser.add_argument("--seed", type=int, help="seed in place of the recipe's")
    return parser.parse_args()


def _overridden(recipe: Recipe, minutes: float | None, seed: int | None) -> Recipe:
    given = {"minutes": minutes, "seed": seed}
    return Recipe.model_validate(
        recipe.model_dump() | {key: value for key, value in given.items() if value is not None}
    )


def main() -> int:
    arguments = _arguments()
    try:
        compute = set_up(ComputeSettings(threads=arguments.threads))
        recipe = _overridden(read_recipe(arguments.recipe), arguments.minutes, arguments.seed)
        train(recipe, read_corpus(recipe, arguments.data), arguments.out, compute)
    except (SettingsError, SourceError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
