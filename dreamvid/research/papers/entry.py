"""Description of a figure: the claim, the number that tests it, its threshold (set before the run), the nets."""

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

# Subject of a claim: what a net has learned (a net with random weights must miss the threshold), or the architecture
# and the ascent (it must meet the threshold too).
About = Literal["learned", "architecture"]


@dataclass(frozen=True)
class Bench:
    """Inputs of a figure: a net that dreams, another net, and photographs.

    `session`: with the settings of the figure's preset; `classifier`: another net with classes, where there is one;
    `files`: photographs, the first three of which are shown; `minutes`: wall clock for training a net.
    """

    session: FeatureSession
    classifier: FeatureSession | None
    files: Sequence[Path]
    minutes: float

    def photo(self, number: int, side: int) -> Image:
        """Return a photograph, H x W x 3 in [0, 1], with a short side of `side` pixels."""
        return to_float(photos.load(self.files[number % len(self.files)], side))

    @cached_property
    def depths(self) -> dict[str, str]:
        """Return an early, a middle and a late layer of the net, by the names of DEPTHS."""
        return by_depth(self.session.net)

    def dreamt(self, objective: Objective, source: Image, **changes: Any) -> Pixels:
        """Dream on `source`, H x W x 3 in [0, 1], with `changes` to the settings of `dream`."""
        return picture(self.session.with_dream(**changes).dreamer(objective), source)

    def unbounded(self, objective: Objective, source: Image, **changes: Any) -> Image:
        """Dream as `dreamt`, but return floats, before they are stored: without clamping they leave [0, 1]."""
        dreamer = self.session.with_dream(**changes).dreamer(objective)
        return dream(dreamer, source, None, StepBudget(dreamer.settings.steps), (0,))


@dataclass(frozen=True)
class FigureResult:
    """Result of a figure: the number, further words, and the picture.

    `untrained`: number of the control, where the figure computes it itself.
    """

    number: float
    words: str
    picture: Pixels
    untrained: float | None = None


@dataclass(frozen=True)
class Entry:
    """Figure. `id`: paper and section; `claim`: that of the text, in our words; `measure`: definition of the number.

    `threshold`: what the number must reach, or with `at_most` not exceed; `preset`: settings of its dreams; `net` and
    `weights`: the only net that it is about, if there is one; `controlled`: whether it also runs with an untrained net;
    `needs_classifier`: whether it needs another net to classify.
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
        """Return whether a number meets the threshold; False for NaN."""
        return number <= self.threshold if self.at_most else number >= self.threshold

    @property
    def wanted(self) -> str:
        """Return the threshold in words."""
        return f"{'at most' if self.at_most else 'at least'} {self.threshold:g}"
