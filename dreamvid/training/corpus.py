"""Everything a recipe trains on, in memory: sources with their weights, the drawings, and what is held out."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dreamvid.errors import SourceError
from dreamvid.training.data import Pictures, held_out, joined_classes, read_shard
from dreamvid.training.drawings import NAMES, draw_all, redraw
from dreamvid.training.recipe import Recipe
from dreamvid.training.shapes import KINDS


@dataclass(frozen=True)
class Corpus:
    """Training sources with their weights, photographs for the statistics, and the pictures held out."""

    classes: list[str]
    sources: list[Pictures]
    weights: list[float]
    photographs: Tensor
    held_out: Pictures
    drawings: Pictures | None

    def draw_afresh(self, per_kind: int, rng: np.random.Generator) -> None:
        """Draw some of the drawings anew, in place."""
        if self.drawings is not None:
            redraw(self.drawings, per_kind, rng)


def read_corpus(recipe: Recipe, folder: Path) -> Corpus:
    """Read every source of the recipe from `folder`. Raises SourceError that names the file at fault."""
    shards = [read_shard(folder, source) for source in recipe.sources]
    groups = {source.shard: shard.classes for source, shard in zip(recipe.sources, shards, strict=True)}
    drawn = recipe.drawings.weight > 0
    if drawn:
        groups["drawn"] = tuple(NAMES[kind] for kind in KINDS)
    classes = joined_classes(groups)
    if len(classes) < 2:
        raise SourceError(f"{folder}: the recipe gives {len(classes)} class; a classifier needs two or more")

    sources, kept, photographs, first = [], [], [], 0
    for source, shard in zip(recipe.sources, shards, strict=True):
        out = held_out(shard, recipe.held_out)
        pictures = Pictures(shard.pictures.images, shard.pictures.labels + first)
        sources.append(pictures.part(~out))
        kept.append(pictures.part(out))
        if source.photographs:
            photographs.append(sources[-1].images)
        first += len(shard.classes)
    weights = [source.weight for source in recipe.sources]
    drawings = _drawings(recipe, first, sources) if drawn else None
    if drawings is not None:
        sources.append(drawings)
        weights.append(recipe.drawings.weight)
    _check_sizes(folder, sources)
    return Corpus(classes, sources, weights, _some(photographs or [sources[0].images], 512), _shuffled(kept), drawings)


def _drawings(recipe: Recipe, first: int, sources: list[Pictures]) -> Pictures:
    side = sources[0].images.shape[-1] if sources else recipe.size
    drawings = draw_all(recipe.drawings.per_kind, side, np.random.default_rng(recipe.seed))
    return Pictures(drawings.images, drawings.labels + first)


def _check_sizes(folder: Path, sources: list[Pictures]) -> None:
    if len({source.images.shape[1:] for source in sources}) > 1:
        raise SourceError(f"{folder}: its shards differ in picture size; build them again with one size")


def _some(sources: list[Tensor], count: int) -> Tensor:
    """Up to `count` pictures in all, evenly over the sources and within each."""
    each = max(1, count // len(sources))
    return torch.cat([images[torch.linspace(0, len(images) - 1, min(each, len(images))).long()] for images in sources])


def _shuffled(parts: list[Pictures]) -> Pictures:
    """The held-out pictures in one fixed order that mixes the sources, so that the first N stand for all."""
    images = torch.cat([part.images for part in parts]) if parts else torch.empty(0, 3, 1, 1, dtype=torch.uint8)
    labels = torch.cat([part.labels for part in parts]) if parts else torch.empty(0, dtype=torch.int64)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    return Pictures(images[order], labels[order])
