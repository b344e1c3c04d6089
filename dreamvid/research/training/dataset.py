"""Training data of a recipe, in memory: sources with their weights, drawings, and held-out pictures."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, repeat
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dreamvid.core.errors import SourceError
from dreamvid.research.training.drawings import NAMES, draw_all, redraw
from dreamvid.research.training.recipe import Recipe, Source
from dreamvid.research.training.sampling import Pictures, held_out, joined_classes, subset
from dreamvid.research.training.shapes import KINDS
from dreamvid.research.training.sources import named, read_source


@dataclass(frozen=True)
class Corpus:
    """Training sources with their weights, photographs for the channel statistics, and the held-out pictures."""

    classes: list[str]
    sources: list[Pictures]
    weights: list[float]
    photographs: Tensor
    held_out: Pictures
    drawings: Pictures | None

    def drawn_afresh(self, batch: int, rng: np.random.Generator) -> Iterator[None]:
        """Redraw in place, at each step of the iterator, the share of drawings due for one batch: all once an epoch."""
        if self.drawings is None:
            yield from repeat(None)
            return
        count = len(self.drawings.labels)
        due = math.ceil(count * batch / sum(len(source.labels) for source in self.sources))
        for first in cycle(range(0, count, due)):
            redraw(self.drawings, range(first, min(first + due, count)), rng)
            yield


def read_corpus(recipe: Recipe, folder: Path) -> Corpus:
    """Read every source of the recipe from `folder`.

    Raises SourceError that names the file at fault, SettingsError for a chosen class that does not exist.
    """
    shards = [read_source(folder, source, recipe.stored_side) for source in recipe.sources]
    if recipe.only:
        chosen = named(recipe.only, [name for shard in shards for name in shard.classes], "only")
        shards = [subset(shard, chosen) for shard in shards]
    kept = [(source, shard) for source, shard in zip(recipe.sources, shards, strict=True) if shard.classes]
    groups = {_group(source): shard.classes for source, shard in kept}
    drawn = recipe.drawings.weight > 0
    if drawn:
        groups["drawn"] = tuple(NAMES[kind] for kind in KINDS)
    classes = joined_classes(groups)
    if len(classes) < 2:
        raise SourceError(f"{folder}: only one class, {classes[0]}; a classifier needs two or more")

    sources, apart, photographs, first = [], [], [], 0
    for source, shard in kept:
        out = held_out(shard, recipe.held_out)
        pictures = Pictures(shard.pictures.images, shard.pictures.labels + first)
        sources.append(pictures.part(~out))
        apart.append(pictures.part(out))
        if source.photographs:
            photographs.append(sources[-1].images)
        first += len(shard.classes)
    weights = [source.weight for source, _ in kept]
    drawings = _drawings(recipe, first) if drawn else None
    if drawings is not None:
        sources.append(drawings)
        weights.append(recipe.drawings.weight)
    return Corpus(classes, sources, weights, _some(photographs or [sources[0].images], 512), _shuffled(apart), drawings)


def _group(source: Source) -> str:
    """Return the prefix of a source's classes where two sources share a class name; for a path elsewhere, its stem."""
    path = Path(source.path)
    return path.stem if path.is_absolute() else source.path.removesuffix(".npz")


def _drawings(recipe: Recipe, first: int) -> Pictures:
    drawings = draw_all(recipe.drawings.per_kind, recipe.stored_side, np.random.default_rng(recipe.seed))
    return Pictures(drawings.images, drawings.labels + first)


def _some(sources: list[Tensor], count: int) -> Tensor:
    """Return up to `count` pictures in all, evenly over the sources and within each."""
    each = max(1, count // len(sources))
    return torch.cat([images[torch.linspace(0, len(images) - 1, min(each, len(images))).long()] for images in sources])


def _shuffled(parts: list[Pictures]) -> Pictures:
    """Return the held-out pictures in a fixed random order, so that the first N are a sample of all sources."""
    images = torch.cat([part.images for part in parts]) if parts else torch.empty(0, 3, 1, 1, dtype=torch.uint8)
    labels = torch.cat([part.labels for part in parts]) if parts else torch.empty(0, dtype=torch.int64)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    return Pictures(images[order], labels[order])
