"""Small nets trained from scratch for an experiment: settings, training, accuracy."""

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
    """Training settings of every net of an experiment: `net` by name, `minutes` of wall clock each, `side` in pixels.

    `per_class`: number of pictures per class in generated sets.
    """

    net: str = "resnet18"
    minutes: float = 2.5
    side: int = 64
    per_class: int = 400
    seed: int = 0

    def recipe(self, folders: Sequence[Path], **more: Any) -> Recipe:
        """Return the recipe for training from scratch on class folders; `more`: further keys of a recipe.

        Each folder has a sub-folder of pictures for each class.
        """
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
    """Trained net, with its training pictures and those held out."""

    net: Net
    corpus: Corpus
    side: int

    @property
    def views(self) -> Tensor:
        """Return the held-out pictures as input of the net, (N, 3, side, side) in [0, 1]."""
        return centred(self.corpus.held_out.images, self.side)

    def right(self, views: Tensor) -> float:
        """Return the top-1 accuracy on the held-out pictures, given as `views`, (N, 3, side, side) in [0, 1]."""
        model = Normalised(self.net.module, self.net.mean, self.net.std)
        return float((ranks(model, views, self.corpus.held_out.labels) < 1).float().mean())


def teach(recipe: Recipe, out: Path, compute: Compute) -> Taught:
    """Train a net by a recipe and write it to `out`.

    Raises SourceError for folders that cannot be used, or have too few pictures to hold any out, NetError for an
    unknown net.
    """
    corpus = read_corpus(recipe, Path())
    if len(corpus.held_out.labels) == 0:
        raise SourceError(
            f"{recipe.sources[0].path}: every class has only one picture, so none can be held out for testing; add some"
        )
    run_to_end(recipe, corpus, out, compute, lambda minutes: None)
    return Taught(zoo.get(recipe.net, str(out)), corpus, recipe.size)
