"""Training loop: "free" adversarial training (Shafahi et al. 2019) in L2.

Each batch is replayed a few times. One backward pass gives both gradients: the net takes a descent step, and the
perturbation of the pictures an ascent step, after which it is kept for the next replay. Without attacks and with
unchanged colours, training to the same accuracy gives a net whose dreams are coloured noise; attacks and `augment` make
them recognisable.
"""

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from dreamvid.core.errors import SettingsError
from dreamvid.models.device import Compute
from dreamvid.research.training.augment import augment
from dreamvid.research.training.checkpoint import Run, checkpoint_path, load
from dreamvid.research.training.dataset import Corpus
from dreamvid.research.training.heads import Heads
from dreamvid.research.training.interval import Interval, close
from dreamvid.research.training.lessons import Answers, Labels, Lesson, norms_joined, relabelled
from dreamvid.research.training.measure import Normalised, normalised_step, within
from dreamvid.research.training.nets import build, start_of
from dreamvid.research.training.recipe import Recipe
from dreamvid.research.training.sampling import sample
from dreamvid.research.training.schedule import learning_rate, radius, side


def begin(recipe: Recipe, classes: int) -> Run:
    """Create a new run: net, heads, averaged net, optimizer and the generator of all random draws.

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
    """Train for the recipe's minutes and leave the averaged net in `out`; a further call resumes from the checkpoint.

    Every interval writes `out`, and beside it `<out>.checkpoint`, the log `<out>.csv` and a sheet of dreams
    `<out>.png`. `tell` is called with the minutes spent after every batch. Raises SettingsError where the checkpoint
    belongs to another recipe or another file is at `out`, SourceError where the checkpoint cannot be read.
    """
    if out.exists() and not checkpoint_path(out).exists():
        raise SettingsError(f"{out} exists, without a checkpoint to resume: delete it, or choose another --out")
    if recipe.teacher is not None:
        corpus = relabelled(corpus, recipe, start_of(recipe))
    run = begin(recipe, len(corpus.classes))
    load(run, out, recipe)
    run.to(compute.device)
    lesson = _lesson(recipe, run, compute.device)
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
            attacked, limits = limit > 0, limit * _shares(recipe.attack.least, len(views), run.generator).to(views)
            perturbation = _noise(views, recipe.attack.noise * limits, run.generator)
            with torch.autocast(compute.device.type, compute.dtype, enabled=compute.dtype != torch.float32):
                goal = lesson.goal(views, labels)
            for _ in range(recipe.attack.replays if attacked else 1):
                perturbation.requires_grad_(attacked)
                with torch.autocast(compute.device.type, compute.dtype, enabled=compute.dtype != torch.float32):
                    loss = lesson.loss(model(views + perturbation), goal)
                run.optimizer.zero_grad(set_to_none=True)
                loss.backward()
                if recipe.clip is not None:
                    nn.utils.clip_grad_norm_(run.net.parameters(), recipe.clip)
                _set_rate(run.optimizer, learning_rate(recipe, run.share(recipe)))
                run.optimizer.step()
                _average(run, recipe.average)
                if perturbation.grad is not None:
                    moved = perturbation.detach() + normalised_step(perturbation.grad, limits)
                    perturbation = within(moved, limits)
                interval.count(recipe.batch, loss.item())
            tell(min(run.minutes, recipe.minutes))
        close(recipe, corpus, run, interval, out, compute)


def _lesson(recipe: Recipe, run: Run, device: torch.device) -> Lesson:
    if recipe.teacher is None:
        return Labels(recipe, run.heads)
    teacher = start_of(recipe).module.requires_grad_(False).to(memory_format=torch.channels_last)
    return Answers(recipe, norms_joined(run.net), norms_joined(teacher)).to(device)


def _shares(least: float, count: int, generator: torch.Generator) -> Tensor:
    """Return random factors on the radius, (count,), uniform from `least` to 1."""
    return torch.ones(count) if least == 1 else torch.empty(count).uniform_(least, 1, generator=generator)


def _noise(views: Tensor, lengths: Tensor, generator: torch.Generator) -> Tensor:
    """Return a random perturbation of each view, of the given L2 norms, (B,)."""
    if not lengths.any():
        return torch.zeros_like(views)
    return normalised_step(torch.randn(views.shape, generator=generator).to(views), lengths)


def _set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


@torch.no_grad()
def _average(run: Run, decay: float) -> None:
    """Update the exponential moving average of weights and batch-norm statistics; early in a run it decays faster."""
    weight = 1 - min(decay, (1 + run.steps) / (10 + run.steps))
    for mine, theirs in zip(run.average.state_dict().values(), run.net.state_dict().values(), strict=True):
        if mine.is_floating_point():
            mine.lerp_(theirs, weight)
