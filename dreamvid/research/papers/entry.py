"""What a figure is: a claim, the number that tests it, the threshold stated before the run, and who must meet it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from dreamvid.core.types import Image, Pixels, to_float
from dreamvid.dream.deepdream import StepBudget, dream
from dreamvid.dream.objectives import Objective
from dreamvid.research.features import photos
from dreamvid.research.features.feature_session import FeatureSession, picture
from dreamvid.research.features.units import by_depth

# What a claim is about: what a net has learned (a net with random weights must not meet the threshold), or how nets
# are built and climbed (it must, and is shown doing so).
About = Literal["learned", "architecture"]


@dataclass(frozen=True)
class Bench:
    """What a figure is made with: a net that dreams, the other nets there are, and photographs.

    `session`: with the settings of the figure's preset; `classifier`: another net that knows classes, where there is
    one; `files`: photographs, of which the first three are the usual ones; `minutes`: wall clock for a net to be
    trained.
    """

    session: FeatureSession
    classifier: FeatureSession | None
    files: Sequence[Path]
    minutes: float

    def photo(self, number: int, side: int) -> Image:
        """A photograph, H x W x 3 in [0, 1], with a short side of `side` pixels."""
        return to_float(photos.load(self.files[number % len(self.files)], side))

    @cached_property
    def depths(self) -> dict[str, str]:
        """An early, a middle and a late layer of the net."""
        return by_depth(self.session.net)

    def dreamt(self, objective: Objective, source: Image, **changes: Any) -> Pixels:
        """A picture dreamed on `source`, H x W x 3 in [0, 1], with `changes` to the settings of `dream`."""
        return picture(self.session.with_dream(**changes).dreamer(objective), source)

    def unbounded(self, objective: Objective, source: Image, **changes: Any) -> Image:
        """The same before it is stored: values that are not clamped leave the range."""
        dreamer = self.session.with_dream(**changes).dreamer(objective)
        return dream(dreamer, source, None, StepBudget(dreamer.settings.steps), (0,))


@dataclass(frozen=True)
class FigureResult:
    """What came of a figure: the number, what else is to be said, and the picture.

    `untrained`: the number of the control, where the figure makes it itself.
    """

    number: float
    words: str
    picture: Pixels
    untrained: float | None = None


@dataclass(frozen=True)
class Entry:
    """A figure. `id`: paper and section; `claim`: the text's, in our words; `measure`: what the number is.

    `threshold`: what the number must reach, or with `at_most` not exceed; `preset`: how it is dreamed; `net` and
    `weights`: the only net that it is about, where it is about one; `controlled`: whether it is made with an untrained
    net too; `needs_classifier`: whether another net is needed to judge.
    """

    id: str
    title: str
    claim: str
    measure: str
    threshold: float
    about: About
    show: Callable[[Bench], FigureResult]
    preset: str = "papers/one-scale"
    at_most: bool = False
    net: str | None = None
    weights: str | None = None
    controlled: bool = True
    needs_classifier: bool = False

    def met(self, number: float) -> bool:
        """Whether a number meets the threshold; what is not a number does not."""
        return number <= self.threshold if self.at_most else number >= self.threshold

    @property
    def wanted(self) -> str:
        """The threshold in words."""
        return f"{'at most' if self.at_most else 'at least'} {self.threshold:g}"
