"""One picture dreamed: octaves, random shifts, the tiled gradient, a normalised step, bounds."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from dreamvid.config.dream_settings import DreamSettings
from dreamvid.core.errors import NetError
from dreamvid.core.types import Image, Mask
from dreamvid.dream import local_stats, step_rules, tiles
from dreamvid.dream.local_stats import Grid
from dreamvid.dream.objectives import Activations, Objective, before
from dreamvid.dream.octaves import grown, octave_sizes, shrunk
from dreamvid.dream.tiles import TileBudget
from dreamvid.dream.transforms import shaken
from dreamvid.models.device import release_heap
from dreamvid.models.ensemble import PreparedNets
from dreamvid.models.prepare import INPUT, PreparedNet

LIGHT = 0.299, 0.587, 0.114  # of red, green and blue in how bright a colour is (ITU-R BT.601)
Key = tuple[int, ...]


@dataclass(frozen=True)
class Dreamer:
    """A prepared net or several, with an objective and step settings: everything that a gradient step needs.

    `cycle`: objectives that the steps maximise in turn, each with its step size; empty where every step maximises
    `objective`. `budget`: the largest patch that memory allows; copies of a dreamer share it.
    """

    net: PreparedNet | PreparedNets
    objective: Objective
    settings: DreamSettings
    seed: int
    cycle: tuple[tuple[Objective, float], ...] = ()
    budget: TileBudget = field(default_factory=TileBudget)

    @property
    def patch(self) -> tuple[int, int]:
        """The side of a patch and the overlap of two, in pixels, as the settings and the memory allow."""
        return self.budget.patch(self.settings.tile, self.settings.overlap)

    def fields(self, image: Tensor, source: Tensor | None = None) -> tuple[Tensor, ...]:
        """Return the objective of a picture, (1, 3, H, W) in [0, 1], at each place: fields (1, 1, h, w).

        `source`: the picture before it was dreamed, of the same shape; without it, the picture itself.
        """
        seen = self.net(image)
        held = seen if source is None else self._held(source)
        return self.objective.fields(seen | {before(layer): held[layer].detach() for layer in self.objective.of_source})

    def _held(self, source: Tensor) -> Activations:
        """Return the activations of a source that the objective compares with; its pixels alone need no net."""
        if self.objective.of_source <= {INPUT}:
            return {INPUT: source}
        with torch.no_grad():
            return self.net(source)

    @property
    def needs_source(self) -> bool:
        """Return whether any objective compares the picture with its source."""
        return any(objective.of_source for objective in (self.objective, *(part for part, _ in self.cycle)))

    def at_step(self, step: int) -> "Dreamer":
        """Return the dreamer of one step: the same, or one with the objective of `cycle` whose step it is."""
        if not self.cycle:
            return self
        objective, size = self.cycle[step % len(self.cycle)]
        return replace(self, objective=objective, settings=self.settings.model_copy(update={"step_size": size}))


@dataclass(frozen=True)
class StepBudget:
    """The number of gradient steps per octave, and how they are spread over octaves and places.

    `ease`: the share of the step size that each cell takes, given the octave and their scores before the step, both (1,
    1, rows, columns); without it all take whole steps. `balance`: 0 leaves the slope as it is, 1 makes it as steep in
    every cell. `rotation`: octave rotation; with it, only the `always` finest octaves are dreamed and, in turn, one of
    the others. `anew`: places, H x W in [0, 1], whose steps are `stride` times as long, and at least `thorough` in
    every octave, in which all else rests. `watch`: told the picture, (1, 3, h, w), after every step. `visible`: places,
    H x W in [0, 1], whose scores alone count for `ease`; cells without any rest.
    """

    steps: int
    ease: Callable[[int, Tensor], Tensor] | None = None
    balance: float = 0.0
    rotation: int | None = None
    always: int = 1
    anew: Mask | None = None
    stride: float = 1.0
    thorough: int = 0
    watch: Callable[[Tensor], None] | None = None
    visible: Mask | None = None


def dream(dreamer: Dreamer, source: Image, layer: Image | None, budget: StepBudget, key: Key) -> Image:
    """Return a picture dreamed further, H x W x 3 in [0, 1].

    `source`: H x W x 3 in [0, 1]; `layer`: what earlier dreaming has added to it (the same shape), or None;
    `key`: what the random numbers come from, beside the seed. No steps and no layer give back the source itself.
    Raises NetError, SettingsError as `gradient_step` does, and NetError for a picture too small for a dense head.
    """
    dreamer.net.check_size(*(min(side, dreamer.patch[0]) for side in source.shape[:2]))
    start = source if layer is None else np.clip(source + layer, 0.0, 1.0)
    full, settings = to_tensor(start, dreamer), dreamer.settings
    original = to_tensor(source, dreamer) if dreamer.needs_source else None
    detail: Tensor | None = None
    # Detail is carried from octave to octave, never the picture: what was not dreamed is not resampled either.
    sizes = octave_sizes(start.shape[0], start.shape[1], settings)
    places, counted = (
        None if where is None else to_tensor(where[..., None], dreamer) for where in (budget.anew, budget.visible)
    )
    coarse = len(sizes) - budget.always
    for octave, size in enumerate(sizes):
        rotation = budget.rotation % coarse if budget.rotation is not None and octave < coarse else None
        whole = budget.steps if rotation in (None, octave) else 0
        count = max(whole, budget.thorough)
        if not count:
            continue
        base, before = shrunk(full, size), None if original is None else shrunk(original, size)
        image = base if detail is None else bounded(grown(detail, size).add_(base), settings)
        rule = step_rules.rule(settings)
        ease = partial(budget.ease, octave) if budget.ease else None
        anew, visible = (None if where is None else shrunk(where, size) for where in (places, counted))
        few = settings.blur_every is not None and budget.steps < settings.blur_every
        for step in range(count):
            rests = step < count - whole  # all but the places anew
            eased = torch.zeros_like if rests else ease
            options = StepOptions(eased, budget.balance, anew, budget.stride, rule, before, visible, few, rests)
            image = gradient_step(dreamer, image, (*key, octave, step), options)
            if budget.watch is not None:
                budget.watch(image)
        detail = image - base
        del image  # large pictures are many of these
    if detail is None:
        return start
    if settings.keep_colours:
        detail = (detail * detail.new_tensor(LIGHT).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
    result = bounded(full + detail, settings)
    if settings.clamp and settings.gradient == "fourier" and settings.cutoff:
        before = full if layer is None else to_tensor(source, dreamer)
        result = step_rules.in_its_light(result, before)
    return np.ascontiguousarray(result[0].permute(1, 2, 0).cpu().numpy())


@dataclass(frozen=True)
class StepOptions:
    """The options of one gradient step; `ease`, `balance`, `stride`, `visible`: as in a `StepBudget`, for one octave.

    `anew`: (1, 1, H, W) in [0, 1], the places whose steps are not eased but `stride` times as long, by the mean
    gradient that is theirs: what is covered with dreams already would own that of the picture. `rule`: what makes a
    step of a gradient; it may remember those before. `source`: (1, 3, H, W), the picture before anything was dreamed.
    `few`: whether the steps of an octave are fewer than those from one blur to the next. `rests`: whether all but the
    places `anew` stay as they are.
    """

    ease: Callable[[Tensor], Tensor] | None = None
    balance: float = 0.0
    anew: Tensor | None = None
    stride: float = 1.0
    rule: step_rules.Rule | None = None
    source: Tensor | None = None
    visible: Tensor | None = None
    few: bool = False
    rests: bool = False


DEFAULT_STEP = StepOptions()


def gradient_step(dreamer: Dreamer, image: Tensor, key: Key, options: StepOptions = DEFAULT_STEP) -> Tensor:
    """Take one gradient step: shift, gradient over patches, shift back, the step that the rule makes of it, bounds.

    `image`: (1, 3, H, W) in [0, 1]; `key`: begins with the frame and ends with the step. Returns the new picture.
    Raises NetError where the gradient is not finite, SettingsError where not even the smallest tile fits in memory.
    """
    random = np.random.default_rng((dreamer.seed, *key))
    there, back = shaken((image.shape[-2], image.shape[-1]), dreamer.settings, random)
    source = None if options.source is None else there(options.source)
    active = dreamer.at_step(key[-1])
    settings = active.settings
    slope, score = map(back, _tiled_gradient(active, there(image), source))
    if not bool(torch.isfinite(slope.sum())):
        raise NetError(
            f"the gradient of {dreamer.net.name} is not finite: try smaller steps, --precision fp32, or other weights"
        )
    move = (options.rule or step_rules.rule(settings))(slope)
    result = image + settings.strength * settings.step_size * _shares(options, move, score) * move
    if settings.decay < 1:
        result = dreamer.net.mean + settings.decay * (result - dreamer.net.mean)
    result = bounded(result, settings)
    relaxed = _relaxed(result, settings, key[-1], few=options.few)
    if not options.rests or relaxed is result:
        return relaxed
    return result if options.anew is None else result + options.anew * (relaxed - result)


def _tiled_gradient(dreamer: Dreamer, image: Tensor, source: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the gradient and the score at each pixel, in patches that are halved until they fit in memory."""
    while True:
        tiled = partial(tiles.gradient, dreamer.fields, image, *dreamer.patch, dreamer.settings.tiling, source)
        try:
            return tiled()
        except (MemoryError, RuntimeError) as error:
            dreamer.budget.halve(error, min(dreamer.patch[0], max(image.shape[-2:])), dreamer.net.name)
        # Tried again out here: inside the handler the error would still hold the memory of what failed.
        release_heap()


def _relaxed(image: Tensor, settings: DreamSettings, step: int, *, few: bool) -> Tensor:
    """Return the picture, blurred where a blur is due after this step.

    `few`: an octave has fewer steps than `blur_every`; then each step blurs by its share. A blur in some frames of a
    film and not in others would be visible as a pulse.
    """
    if not settings.blur_every:
        return image
    if few:
        return torch.lerp(image, step_rules.blurred(image, settings.blur_sigma), 1 / settings.blur_every)
    return step_rules.blurred(image, settings.blur_sigma) if (step + 1) % settings.blur_every == 0 else image


def _shares(options: StepOptions, move: Tensor, score: Tensor) -> Tensor | float:
    """Return the share of a whole step that each pixel takes, (1, 1, H, W), or one for all."""
    if options.ease is None and not options.balance and options.anew is None:
        return 1.0
    steep = move.abs().mean(dim=1, keepdim=True)
    local = local_stats.means(steep) / steep.mean().clamp(min=torch.finfo(steep.dtype).tiny)
    share = local.clamp(min=0.01) ** -options.balance
    if options.ease is not None:
        share = share * options.ease(local_stats.visible_means(score, options.visible, local_stats.means(score)))
        if options.visible is not None:
            share = share * (local_stats.means(options.visible) > local_stats.SMALLEST_SHARE)
    share = local_stats.spread(share, move)
    if options.anew is not None:
        share = share + options.anew * (options.stride / local_stats.spread(local, move).clamp(min=0.01) - share)
    return share


def bounded(image: Tensor, settings: DreamSettings) -> Tensor:
    """Return a picture clamped to [0, 1], where `dream.clamp` is set."""
    return image.clamp(0, 1) if settings.clamp else image


def octave_scores(
    dreamer: Dreamer, image: Image, source: Image | None = None, cut: Image | None = None, visible: Mask | None = None
) -> tuple[Grid, ...]:
    """Return the objective of a picture, H x W x 3 in [0, 1], per grid cell at the size of each octave, coarse to fine.

    `source`: the picture before it was dreamed, for objectives that compare with it; without it, the picture itself.
    `cut`: the picture under a mask; cells that have any `visible` place, H x W, get the score of these in `cut`: near
    the edge of a mask the objective reaches less.
    """
    full, settings = to_tensor(image, dreamer), dreamer.settings
    original = to_tensor(source, dreamer) if source is not None and dreamer.needs_source else None

    def local(picture: Tensor, size: tuple[int, int]) -> Tensor:
        before = None if original is None else shrunk(original, size)
        return tiles.local_score(dreamer.fields, shrunk(picture, size), *dreamer.patch, before)

    found = []
    for size in octave_sizes(image.shape[0], image.shape[1], settings):
        grid = local_stats.means(local(full, size))
        if cut is not None and visible is not None:
            where = shrunk(to_tensor(visible[..., None], dreamer), size)
            grid = local_stats.visible_means(local(to_tensor(cut, dreamer), size), where, grid)
        found.append(tuple(map(tuple, grid[0, 0].tolist())))
    return tuple(found)


def score(dreamer: Dreamer, image: Tensor) -> float:
    """Return the objective of a picture, (1, 3, H, W) in [0, 1], without shifts, patch by patch."""
    return tiles.mean_score(dreamer.fields, image, *dreamer.patch)


def to_tensor(image: Image, dreamer: Dreamer) -> Tensor:
    """Return a picture, H x W x 3, as a tensor (1, 3, H, W) on the dreamer's device."""
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))[None]).to(dreamer.net.mean.device)
