"""Small nets taught from nothing for an experiment: how long, on what, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from dreamvid.core.errors import SourceError
from dreamvid.models import zoo
from dreamvid.models.device import Compute
from dreamvid.models.net import Net
from dreamvid.research.training.augment import centred
from dreamvid.research.training.dataset import Corpus, read_corpus
from dreamvid.research.training.loop import run_to_end
from dreamvid.research.training.measure import Normalised, ranks
from dreamvid.research.training.recipe import Recipe, Source


@dataclass(frozen=True)
class School:
    """How every net of an experiment is taught: `net` by name, `minutes` of wall clock each, `side` in pixels.

    `per_class`: pictures of a class, where they are drawn.
    """

    net: str = "resnet18"
    minutes: float = 2.5
    side: int = 64
    per_class: int = 400
    seed: int = 0

    def recipe(self, folders: Sequence[Path], **more: Any) -> Recipe:
        """From nothing, on the pictures of some folders with a sub-folder for each class; `more`: keys of a recipe."""
        return Recipe(
            net=self.net,
            minutes=self.minutes,
            seed=self.seed,
            size=self.side,
            first_size=self.side,
            batch=16,
            rate=1e-3,
            sheet=False,
            sources=tuple(Source(path=str(folder.resolve())) for folder in folders),
            **more,
        )


@dataclass(frozen=True)
class Taught:
    """A net after its lesson, with the pictures it was taught and those held out of them."""

    net: Net
    corpus: Corpus
    side: int

    @property
    def views(self) -> Tensor:
        """The held-out pictures as the net takes them, (N, 3, side, side) in 0 to 1."""
        return centred(self.corpus.held_out.images, self.side)

    def right(self, views: Tensor) -> float:
        """The share of the held-out pictures that are known by these views of them."""
        model = Normalised(self.net.module, self.net.mean, self.net.std)
        return float((ranks(model, views, self.corpus.held_out.labels) < 1).float().mean())


def teach(recipe: Recipe, out: Path, compute: Compute) -> Taught:
    """Trains a net by a recipe, to `out`.

    Raises SourceError for folders that will not do, or have too few pictures to hold any out, NetError for a net that
    cannot be had.
    """
    corpus = read_corpus(recipe, Path())
    if len(corpus.held_out.labels) == 0:
        raise SourceError(
            f"{recipe.sources[0].path}: every class has only one picture, so none can be held out for testing; add some"
        )
    run_to_end(recipe, corpus, out, compute, lambda minutes: None)
    return Taught(zoo.get(recipe.net, str(out)), corpus, recipe.size)
