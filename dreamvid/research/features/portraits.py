"""Dreams of classes, from noise and from a photograph, with the class's score after each step."""

from collections.abc import Sequence
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
from dreamvid.dream.deepdream import to_tensor
from dreamvid.models.net import OUTPUT
from dreamvid.models.prepare import PreparedNet
from dreamvid.research.features import average
from dreamvid.research.features.feature_session import FeatureSession, beginning, picture
from dreamvid.research.features.finding import Finding

FROM_NOISE, FROM_PHOTO = "noise", "photograph"


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
    cells: list[Cell] = []
    rows: list[dict[str, Any]] = []
    said, results, likeness = [], [], []
    scores: dict[str, list[tuple[float, float]]] = {}
    for name, index in indices.items():
        dreamer = session.dreamer(objectives.class_logit(index), prepared)
        sources: dict[str, Image] = {FROM_NOISE: beginning(dreamer, side, side)}
        if photo is not None:
            sources[FROM_PHOTO] = to_float(photo)
        dreamed: dict[str, Pixels] = {}
        for kind, source in sources.items():
            steps: list[tuple[float, float]] = []
            watch = partial(_keep, steps, prepared, index)
            watch(to_tensor(source, dreamer))
            made = dreamed[kind] = picture(dreamer, source, watch)
            logit, probability, top = _score(prepared, to_tensor(to_float(made), dreamer), index)
            label = f"{name} from {kind}"
            scores[label] = steps
            cells.append(Cell(f"{name} {probability:.0%}", made))
            said.append(
                f"{label}: logit {steps[0][0]:.3g} to {logit:.3g}, probability {steps[0][1]:.3g} to {probability:.3g}; "
                f"the net's first answer: {session.net.class_name(top)}"
            )
            results.append(
                {
                    "class": name,
                    "from": kind,
                    "logit_before": steps[0][0],
                    "logit": logit,
                    "probability": probability,
                    "top": session.net.class_name(top),
                }
            )
            rows += [
                {"class": name, "from": kind, "step": step, "logit": value, "probability": chance}
                for step, (value, chance) in enumerate(steps)
            ]
        if name in averages:
            mean = averages[name]
            alike = average.correlation(mean.mean, dreamed[FROM_NOISE])
            cells += [Cell(f"mean of {mean.count}", mean.mean), Cell("nearest their median", mean.typical)]
            said.append(
                f"{name}: the dream correlates with the mean of {mean.count} pictures by {alike:.2f}, "
                f"where one of these does with that of the others by {mean.usual:.2f}"
            )
            likeness.append({"class": name, "pictures": mean.count, "correlation": alike, "usual": mean.usual})
    panels = [
        Panel({label: _curve(steps, part) for label, steps in scores.items()}, "step", what)
        for part, what in enumerate(("logit of the class", "probability of the class"))
    ]
    across = len(cells) // len(indices) if data is not None else 4 if photo is None else 2
    pictures = {"": sheet(cells, across), "-scores": plots.curves(panels)}
    return Finding(pictures, tuple(said), {"classes": results, "averages": likeness}, rows)


def _keep(steps: list[tuple[float, float]], net: PreparedNet, index: int, image: Tensor) -> None:
    steps.append(_score(net, image, index)[:2])


def _curve(steps: list[tuple[float, float]], part: int) -> Curve:
    return Curve(range(len(steps)), [step[part] for step in steps])


def _score(net: PreparedNet, image: Tensor, index: int) -> tuple[float, float, int]:
    """Return logit and probability of a class on a picture, (1, 3, H, W), and the net's top class."""
    with torch.inference_mode():
        logits = net(image)[OUTPUT].flatten(1)[0]
    return float(logits[index]), float(logits.softmax(0)[index]), int(logits.argmax())
