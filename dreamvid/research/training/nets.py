"""Net of a recipe before its first step: architecture for the number of classes, and initial weights."""

import torch
from torch import nn

from dreamvid.core.errors import NetError, SettingsError
from dreamvid.models import zoo
from dreamvid.models.dreamnet import DreamNet
from dreamvid.models.net import Net, first_line
from dreamvid.research.training.recipe import Recipe


def build(recipe: Recipe, classes: int) -> nn.Module:
    """Return the recipe's net with the weights of its start, except those of the last layer, which fits other classes.

    Where the start is also the teacher, the net has its classes and all its weights. Raises NetError for an unknown net
    or a start that cannot be loaded, SettingsError for a start of another width and for a picture size that the net
    does not take.
    """
    if recipe.teacher is not None:
        classes = len(start_of(recipe).classes)
    net = _new(recipe, classes)
    if recipe.start is not None:
        _take_over(net, recipe, classes)
    for key in ("first_size", "size"):
        side = getattr(recipe, key)
        try:
            with torch.no_grad():
                net.eval()(torch.zeros(1, 3, side, side))
        except Exception as error:
            raise SettingsError(
                f"{key}: {recipe.net} cannot process pictures of {side}x{side}: {first_line(error)}; give another {key}"
            ) from None
    return net.train(recipe.teacher is None).to(memory_format=torch.channels_last)


def start_of(recipe: Recipe) -> Net:
    """Return the net whose weights the recipe starts from; raise NetError where it cannot be loaded."""
    try:
        return zoo.get(recipe.net, None if recipe.start == recipe.net else recipe.start)
    except NetError as error:
        raise NetError(f"start: {error}") from None


def _new(recipe: Recipe, classes: int) -> nn.Module:
    if recipe.net == "dreamnet":
        return DreamNet(classes, recipe.width, recipe.dropout)
    return zoo.untrained(recipe.net, classes)


def _take_over(net: nn.Module, recipe: Recipe, classes: int) -> None:
    """Copy the weights of the recipe's start, except those whose shape depends on the number of classes."""
    with torch.device("meta"):
        wider = _new(recipe, classes + 1).state_dict()
    own = net.state_dict()
    kept = [name for name, value in own.items() if recipe.teacher or wider[name].shape == value.shape]
    theirs = start_of(recipe).module.state_dict()
    if any(theirs[name].shape != own[name].shape for name in kept):
        raise SettingsError(f"start: {recipe.start} does not have width {recipe.width}; correct one of them")
    net.load_state_dict({name: theirs[name] for name in kept}, strict=False)
