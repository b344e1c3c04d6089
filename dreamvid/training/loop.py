"""The training loop: "free" adversarial training (Shafahi et al. 2019) in L2.

Each batch is replayed a few times. One backward pass gives both gradients: the net steps down its own, the
perturbation of the pictures steps up its own and is kept for the next replay. Ordinary training with plain colours, at
the same accuracy, leaves a net whose dreams are coloured noise; this and `augment` make them recognisable.
"""

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dreamvid.device import Compute
from dreamvid.errors import SettingsError
from dreamvid.training.augment import augment
from dreamvid.training.checkpoint import Run, checkpoint_path, load
from dreamvid.training.corpus import Corpus
from dreamvid.training.data import sample
from dreamvid.training.heads import Heads
from dreamvid.training.interval import Interval, close
from dreamvid.training.measure import Normalised, normalised_step, within
from dreamvid.training.nets import build
from dreamvid.training.recipe import Recipe
from dreamvid.training.schedule import learning_rate, radius, side


def begin(recipe: Recipe, classes: int) -> Run:
    """A new run: net, heads, averaged net, optimizer and the generator of all random draws.

    Raises NetError or SettingsError as `build` does.
    """
    torch.manual_seed(recipe.seed)
    net = build(recipe, classes)
    average = copy.deepcopy(net).eval().requires_grad_(False)
    heads = Heads(net, classes)
    parameters = [*net.parameters(), *heads.parameters()]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.decay},
        {"params": [p for p in parameters if p.ndim == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=recipe.rate)
    return Run(net, heads, average, optimizer, torch.Generator().manual_seed(recipe.seed))


def run_to_end(recipe: Recipe, corpus: Corpus, out: Path, compute: Compute, tell: Callable[[float], None]) -> None:
    """Train within the recipe's minutes and leave the averaged net in `out`; called again, it goes on where it was.

    Beside `out` lie `<out>.checkpoint`, the log `<out>.csv` and a sheet of dreams `<out>.png`; all are written at every
    interval. `tell` hears the minutes spent after every batch. Raises SettingsError where the checkpoint belongs to
    another recipe or something else is in the place of `out`, SourceError where the checkpoint cannot be read.
    """
    if out.exists() and not checkpoint_path(out).exists():
        raise SettingsError(f"{out} is there already, and no checkpoint of it: choose another --out")
    run = begin(recipe, len(corpus.classes))
    load(run, out, recipe)
    run.to(compute.device)
    model = Normalised(run.net, recipe.mean, recipe.std).to(compute.device)
    drawn_afresh = corpus.drawn_afresh(recipe.batch, np.random.default_rng([recipe.seed, run.steps]))
    while run.share(recipe) < 1:
        interval = Interval(run)
        while interval.minutes < min(recipe.interval, recipe.minutes / 5) and run.share(recipe) < 1:
            next(drawn_afresh)
            chosen = sample(corpus.sources, corpus.weights, recipe.batch, run.generator)
            size = side(recipe, run.share(recipe))
            views = augment(chosen.images, size, run.generator, recipe.augment)
            views = views.to(compute.device, memory_format=torch.channels_last)
            labels = chosen.labels.to(compute.device)
            limit = radius(recipe.attack, run.share(recipe)) * size / recipe.size
            perturbation = torch.zeros_like(views)
            for _ in range(recipe.attack.replays if limit > 0 else 1):
                perturbation.requires_grad_(limit > 0)
                with torch.autocast(compute.device.type, compute.dtype, enabled=compute.dtype != torch.float32):
                    loss = _loss(recipe, run.heads, model(views + perturbation), labels)
                run.optimizer.zero_grad(set_to_none=True)
                loss.backward()
                _set_rate(run.optimizer, learning_rate(recipe, run.share(recipe)))
                run.optimizer.step()
                _average(run, recipe.average)
                if perturbation.grad is not None:
                    moved = perturbation.detach() + normalised_step(perturbation.grad, limit)
                    perturbation = within(moved, limit)
                interval.count(recipe.batch, loss.item())
            tell(min(run.minutes, recipe.minutes))
        close(recipe, corpus, run, interval, out, compute)


def _loss(recipe: Recipe, heads: Heads, logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy with smoothed labels, of the net and, lighter, of each auxiliary head."""

    def smoothed(logits: Tensor) -> Tensor:
        return functional.cross_entropy(logits, labels, label_smoothing=recipe.smoothing)

    return smoothed(logits) + recipe.auxiliary * sum((smoothed(head) for head in heads()), logits.new_zeros(()))


def _set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


@torch.no_grad()
def _average(run: Run, decay: float) -> None:
    """Exponential average of weights and batch-norm statistics; a young run forgets faster."""
    weight = 1 - min(decay, (1 + run.steps) / (10 + run.steps))
    for mine, theirs in zip(run.average.state_dict().values(), run.net.state_dict().values(), strict=True):
        if mine.is_floating_point():
            mine.lerp_(theirs, weight)
