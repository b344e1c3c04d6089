"""Trains the nets that dreams are made with: `train` goes from a recipe's file to a net's file."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any


def train(
    file: Path,
    data: Path | None,
    out: Path | None,
    changes: dict[str, Any],
    computing: dict[str, Any],
    tell: Callable[[float, float], None],
) -> Path:
    """Train by the recipe in `file` and return the net's file, `out` or the recipe's name here.

    `data`: folder of the sources, else the recipe's own; `changes`: recipe keys with new values, None for the
    recipe's; `computing`: compute settings, likewise; `tell` hears the minutes done and all of them. Raises
    SettingsError for a recipe, option or output that will not do, SourceError for pictures, NetError for a start.
    """
    from dreamvid.device import set_up
    from dreamvid.errors import SettingsError
    from dreamvid.settings import read_settings
    from dreamvid.training.corpus import read_corpus
    from dreamvid.training.loop import run_to_end
    from dreamvid.training.recipe import read_recipe

    recipe = read_recipe(file, {key: value for key, value in changes.items() if value is not None})
    compute = {key: value for key, value in computing.items() if value is not None}
    net = out or Path(f"{file.stem}.safetensors")
    if net.suffix != ".safetensors" or not net.parent.is_dir():
        raise SettingsError(f"--out {net}: give a name ending in .safetensors, in a folder that is there")
    trial = net.with_name(f"{net.name}.part")
    try:  # before the first minute is spent
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise SettingsError(f"--out {net} cannot be written: {error.strerror}") from None
    settings = read_settings({"compute": compute}, "settings")
    corpus = read_corpus(recipe, data or file.parent)
    run_to_end(recipe, corpus, net, set_up(settings.compute), lambda minutes: tell(minutes, recipe.minutes))
    logging.getLogger(__name__).info(
        "%s: %d classes; dream with it: dreamvid image PHOTO dream.png --model %s", net, len(corpus.classes), net
    )
    return net
