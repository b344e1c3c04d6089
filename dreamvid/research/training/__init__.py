"""Training of nets: `train` turns a recipe file into a net file."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def train(
    file: Path,
    data: Sequence[Path],
    out: Path | None,
    changes: dict[str, Any],
    computing: dict[str, Any],
    tell: Callable[[float, float], None],
) -> Path:
    """Train by the recipe in `file` and return the net's file: `out`, or the recipe's name in the current folder.

    `data`: folder of the sources; none for that of the recipe file; several are one source each; `changes`: recipe keys
    with new values, None to keep the recipe's; `computing`: compute settings, likewise; `tell` is called with the
    minutes done and the minutes in all. Raises SettingsError for a wrong recipe, option or output, SourceError for
    pictures, NetError for an unknown net or a start that cannot be loaded.
    """
    from dreamvid.config.serialize import read_settings
    from dreamvid.core.errors import SettingsError
    from dreamvid.models.device import set_up
    from dreamvid.research.training.dataset import read_corpus
    from dreamvid.research.training.loop import run_to_end
    from dreamvid.research.training.nets import build
    from dreamvid.research.training.recipe import Recipe, read_recipe

    given = {key: value for key, value in changes.items() if value is not None}
    if len(data) > 1:
        if read_recipe(file).sources != Recipe().sources:
            raise SettingsError(
                f"--data is given more than once, but {file} has [[sources]] of its own: give one --data"
            )
        given["sources"] = [{"path": str(folder.resolve())} for folder in data]
    recipe = read_recipe(file, given)
    compute = {key: value for key, value in computing.items() if value is not None}
    net = out or Path(f"{file.stem}.safetensors")
    if net.suffix != ".safetensors" or not net.parent.is_dir():
        raise SettingsError(f"--out {net}: give a name that ends in .safetensors, in a folder that exists")
    trial = net.with_name(f"{net.name}.part")
    try:  # before training, not after it
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise SettingsError(f"--out {net} cannot be written: {error.strerror}") from None
    settings = read_settings({"compute": compute}, "settings")
    build(recipe, classes=2)  # raises for an unknown net before the pictures are read
    corpus = read_corpus(recipe, data[0] if data else file.parent)
    run_to_end(recipe, corpus, net, set_up(settings.compute), lambda minutes: tell(minutes, recipe.minutes))
    logging.getLogger(__name__).info("%s: dream with it: dreamvid image PHOTO dream.png --model %s", net, net)
    return net
