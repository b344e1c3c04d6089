"""Everything that dreams, made ready once a job: device, net, objective."""

from dataclasses import dataclass

import torch

from dreamvid.device import Compute, set_up
from dreamvid.dream import Dreamer
from dreamvid.nets import zoo
from dreamvid.nets.net import Net
from dreamvid.nets.prepare import prepare
from dreamvid.objectives import Objective, from_settings, uses_class
from dreamvid.settings import Settings

CLASS_BLUR = 4  # steps from blur to blur where a class is dreamed and nothing else is said


@dataclass(frozen=True)
class Engine:
    """A net ready to dream: `dreamer` climbs, in the precision chosen; `judge` tells scores, always in float32."""

    net: Net
    compute: Compute
    dreamer: Dreamer
    judge: Dreamer


def choose(settings: Settings, *, trust: bool = False) -> tuple[Net, Objective]:
    """The net that the settings name and what excites it; raises NetError or SettingsError where they cannot be had.

    `trust`: whether a net that is code may be executed.
    """
    net = zoo.from_settings(settings.net, trust=trust)
    return net, from_settings(settings.objective, net)


def start(settings: Settings, *, trust: bool = False) -> Engine:
    """Sets up the process and prepares net and objective; raises NetError or SettingsError where they cannot be had.

    `trust`: as for `choose`.
    """
    compute = set_up(settings.compute)
    net, objective = choose(settings, trust=trust)
    how = settings.dream
    if how.blur_every is None:
        how = how.model_copy(update={"blur_every": CLASS_BLUR if uses_class(settings.objective) else 0})
    prepared = prepare(net, objective.layers, compute.device, compute.dtype)
    exact = prepared
    if compute.dtype != torch.float32:
        exact = prepare(net, objective.layers, compute.device, torch.float32)
    dreamer, judge = (Dreamer(each, objective, how, settings.seed) for each in (prepared, exact))
    if prepared.max_size is not None:  # a net for pictures of one size sees any picture in patches of that
        tile = min(how.tile, prepared.max_size)
        dreamer, judge = dreamer.with_tile(tile), judge.with_tile(tile)
    return Engine(net, compute, dreamer, judge)
