"""Dreams of classes, from noise and from a photograph, with the class's score after each step."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dreamvid.analysis import plots
from dreamvid.analysis.contact_sheet import Cell, sheet
from dreamvid.analysis.plots import Curve, Panel
from dreamvid.core.types import Image, Pixels, to_float
from dreamvid.dream import objectives
from dreamvid.dream.deepdream import Dreamer, to_tensor
from dreamvid.models.net import OUTPUT, Net
from dreamvid.models.prepare import PreparedNet
from dreamvid.research.features import average
from dreamvid.research.features.feature_session import FeatureSession, beginning, picture
from dreamvid.research.features.finding import Finding

FROM_NOISE, FROM_PHOTO = "noise", "photograph"


@dataclass(frozen=True)
class Portrait:
    """A class dreamed from noise or a photograph, `origin`, and how the net scores it.

    `steps`: logit and probability before the first step and after each; `logit`, `probability`: of the finished
    `picture`, whose first answer is the class `top`.
    """

    name: str
    origin: str
    picture: Pixels
    steps: tuple[tuple[float, float], ...]
    logit: float
    probability: float
    top: str

    @property
    def label(self) -> str:
        """Say what was dreamed from what."""
        return f"{self.name} from {self.origin}"

    def in_words(self) -> str:
        """Say in a line how the scores rose."""
        logit, probability = self.steps[0]
        return (
            f"{self.label}: logit {logit:.3g} to {self.logit:.3g}, probability {probability:.3g} to "
            f"{self.probability:.3g}; the net's first answer: {self.top}"
        )

    def numbers(self) -> dict[str, Any]:
        """Return the same for a program."""
        return {
            "class": self.name,
            "from": self.origin,
            "logit_before": self.steps[0][0],
            "logit": self.logit,
            "probability": self.probability,
            "top": self.top,
        }

    def rows(self) -> list[dict[str, Any]]:
        """Return a row of a table for each step."""
        return [
            {"class": self.name, "from": self.origin, "step": step, "logit": logit, "probability": probability}
            for step, (logit, probability) in enumerate(self.steps)
        ]


def classes(
    session: FeatureSession, names: Sequence[str], photo: Pixels | None, data: Path | None, *, side: int
) -> Finding:
    """Dream each class from noise of `side` pixels, and from a photograph where one is given.

    `data`: a folder with a sub-folder of pictures for each of these classes, whose mean, and the picture nearest to
    their median, are shown beside the dream; the text gives the correlation of the dream from noise with that mean. Two
    plots show the class's logit and probability over the steps; at the end of an octave the picture grows and the score
    jumps. Raises NetError for a class that does not exist, or a net without classes, SourceError where a class has no
    pictures in `data`.
    """
    indices = {session.net.class_name(index): index for index in map(session.net.class_index, names)}
    averages = {} if data is None else {name: average.of_class(data, name, side) for name in indices}
    prepared = session.prepared(OUTPUT)
    portraits: list[Portrait] = []
    cells: list[Cell] = []
    said, likeness = [], []
    for name, index in indices.items():
        dreamer = session.dreamer(objectives.class_logit(index), prepared)
        sources: dict[str, Image] = {FROM_NOISE: beginning(dreamer, side, side)}
        if photo is not None:
            sources[FROM_PHOTO] = to_float(photo)
        made = [_portrait(session.net, prepared, dreamer, index, origin, source) for origin, source in sources.items()]
        portraits += made
        cells += [Cell(f"{name} {portrait.probability:.0%}", portrait.picture) for portrait in made]
        said += [portrait.in_words() for portrait in made]
        if name in averages:
            mean = averages[name]
            alike = average.correlation(mean.mean, made[0].picture)
            cells += [Cell(f"mean of {mean.count}", mean.mean), Cell("nearest their median", mean.typical)]
            said.append(
                f"{name}: the dream correlates with the mean of {mean.count} pictures by {alike:.2f}, "
                f"where one of these does with that of the others by {mean.usual:.2f}"
            )
            likeness.append({"class": name, "pictures": mean.count, "correlation": alike, "usual": mean.usual})
    across = len(cells) // len(indices) if data is not None else 4 if photo is None else 2
    pictures = {"": sheet(cells, across), "-scores": _diagrams(portraits)}
    numbers = {"classes": [portrait.numbers() for portrait in portraits], "averages": likeness}
    return Finding(pictures, tuple(said), numbers, [row for portrait in portraits for row in portrait.rows()])


def _portrait(net: Net, prepared: PreparedNet, dreamer: Dreamer, index: int, origin: str, source: Image) -> Portrait:
    """Dream a class on `source`, scored before the first step and after each."""
    steps: list[tuple[float, float]] = []
    watch = partial(_keep, steps, prepared, index)
    watch(to_tensor(source, dreamer))
    made = picture(dreamer, source, watch)
    logit, probability, top = _score(prepared, to_tensor(to_float(made), dreamer), index)
    return Portrait(net.class_name(index), origin, made, tuple(steps), logit, probability, net.class_name(top))


def _diagrams(portraits: Sequence[Portrait]) -> Pixels:
    """Draw the logit and the probability of every portrait over its steps."""
    panels = [
        Panel({portrait.label: _curve(portrait.steps, part) for portrait in portraits}, "step", what)
        for part, what in enumerate(("logit of the class", "probability of the class"))
    ]
    return plots.curves(panels)


def _keep(steps: list[tuple[float, float]], net: PreparedNet, index: int, image: Tensor) -> None:
    steps.append(_score(net, image, index)[:2])


def _curve(steps: Sequence[tuple[float, float]], part: int) -> Curve:
    return Curve(range(len(steps)), [step[part] for step in steps])


def _score(net: PreparedNet, image: Tensor, index: int) -> tuple[float, float, int]:
    """Return logit and probability of a class on a picture, (1, 3, H, W), and the net's top class."""
    with torch.inference_mode():
        logits = net(image)[OUTPUT].flatten(1)[0]
    return float(logits[index]), float(logits.softmax(0)[index]), int(logits.argmax())
