"""Figures on single neurons: dreams made for them, and the photographs that excite them."""

import numpy as np
import torch
from numpy.typing import NDArray

from dreamvid.analysis.contact_sheet import Cell, enlarged, outlined, sheet, slotted, stacked
from dreamvid.core.types import to_float
from dreamvid.dream.deepdream import score, to_tensor
from dreamvid.research.features import infinite as growing
from dreamvid.research.features.average import correlation
from dreamvid.research.features.crops import strongest_crops
from dreamvid.research.features.deconv import as_picture, projection
from dreamvid.research.features.feature_session import FeatureSession, beginning, of_unit, picture
from dreamvid.research.features.units import Unit, ends, evenly
from dreamvid.research.papers.entry import Bench, Entry, FigureResult
from dreamvid.research.papers.measures import activation, apart, colours, pattern_size

SIDE = 160
UNITS, CROPS = 10, 6


def sources(bench: Bench) -> FigureResult:
    """Compare dreams of units with the photo crops that excite them most, by hue and by pattern size."""
    session, layer = bench.session, bench.depths["middle"]
    units, net, prepared = evenly(layer, UNITS, session.net), session.exact(layer), session.prepared(layer)
    own, theirs, sizes, cells = [], [], [], []
    for unit in units:
        found = [crop.pixels for crop in strongest_crops(net, unit, bench.files, count=CROPS, side=SIDE)]
        dreamer = session.dreamer(of_unit(unit), prepared)
        made = picture(dreamer, beginning(dreamer, 96, 96))
        own.append(colours([made]))
        theirs.append(colours(found))
        sizes.append((pattern_size(to_float(made)), float(np.mean([pattern_size(to_float(one)) for one in found]))))
        strip = np.hstack([slotted(enlarged(one, 96), 96)[:96, :96] for one in found[:3] if min(one.shape[:2]) > 0])
        cells.append(Cell(f"{unit}", stacked([made, strip])))
    pairs = [(one, other) for one in range(UNITS) for other in range(UNITS) if one != other]
    nearer = [apart(own[one], theirs[one]) < apart(own[one], theirs[other]) for one, other in pairs]
    made_sizes, crop_sizes = np.array(sizes).T
    words = (
        f"over {len(units)} units of {layer}; pattern sizes of pictures and crops correlate by "
        f"{correlation(made_sizes, crop_sizes):.2f}"
    )
    return FigureResult(float(np.mean(nearer)), words, sheet(cells, 5))


def infinite(bench: Bench) -> FigureResult:
    """Dream one unit at 224, 448 and 896 pixels and without borders; number: |log| of corner / centre activation."""
    unit = _lively(bench.session, bench.depths["middle"])
    found = growing.infinite(bench.session, unit, (224, 448, 896), 448)
    round_ = found.numbers["pictures"][-1]
    return FigureResult(float(abs(np.log(max(round_["activation"], 1e-9)))), "; ".join(found.words), found.pictures[""])


def _lively(session: FeatureSession, layer: str) -> Unit:
    """Return a unit that is active on grey noise, or the first of those tried where none is."""
    for unit in evenly(layer, 16, session.net):
        dreamer = session.dreamer(of_unit(unit))
        if score(dreamer, to_tensor(beginning(dreamer, 96, 96), dreamer)) > 0:
            return unit
    return evenly(layer, 1, session.net)[0]


def deconv(bench: Bench) -> FigureResult:
    """Project a unit's strongest crops back; number: correlation of the projection with image edges, in the field."""
    session, layer = bench.session, bench.depths["late"]
    net, unit = session.exact(layer), evenly(layer, 3, session.net)[1]
    found = strongest_crops(net, unit, bench.files[:3], count=3, side=SIDE)
    likeness, cells = [], []
    for crop in found:
        back = projection(net, unit, crop, "guided")
        grey = to_float(crop.photo).mean(axis=2)
        edges = np.hypot(*np.gradient(grey))
        likeness.append(_smooth_correlation(np.abs(back).sum(axis=2), edges, crop.field.rows, crop.field.columns))
        cells += [
            Cell(f"{unit} {crop.value:.3g}", outlined(crop.photo, crop.field)),
            Cell("guided backpropagation", as_picture(back)),
            Cell("deconvnet", as_picture(projection(net, unit, crop, "deconvnet"))),
        ]
    return FigureResult(float(np.mean(likeness)), f"{len(found)} crops of {unit}", sheet(cells, 3))


def _smooth_correlation(first: NDArray[np.float32], second: NDArray[np.float32], rows: slice, columns: slice) -> float:
    import torch.nn.functional as F

    one, two = (
        F.avg_pool2d(torch.from_numpy(np.ascontiguousarray(part[rows, columns], np.float32))[None, None], 4)
        for part in (first, second)
    )
    return correlation(one, two)


def single(bench: Bench) -> FigureResult:
    """Compare a unit's activation on its dream with that on its strongest photo crop; number: median ratio."""
    session, layer = bench.session, bench.depths["middle"]
    net, prepared = session.exact(layer), session.prepared(layer)
    ratios, cells = [], []
    for unit in evenly(layer, 4, session.net):
        (best,) = strongest_crops(net, unit, bench.files, count=1, side=SIDE)
        dreamer = session.dreamer(of_unit(unit), prepared)
        made = picture(dreamer, beginning(dreamer, 128, 128))
        ratios.append(float(activation(net, layer, to_float(made))[0, unit.number].max()) / max(best.value, 1e-9))
        cells.append(Cell(f"{unit}: {ratios[-1]:.2f} times", stacked([made, slotted(enlarged(best.pixels, 128), 128)])))
    return FigureResult(float(np.median(ratios)), f"median over {len(ratios)} units of {layer}", sheet(cells, 4))


def nine(bench: Bench) -> FigureResult:
    """Dream nine units of the last layer with a map; number: share of units that their own dream excites most."""
    session, layer = bench.session, ends(bench.session.net)[-1]
    units, prepared, net = evenly(layer, 9, session.net), session.prepared(layer), session.exact(layer)
    made = []
    for unit in units:
        dreamer = session.dreamer(of_unit(unit), prepared)
        made.append(picture(dreamer, beginning(dreamer, 144, 144)))
    numbers = [unit.number for unit in units]
    answers = np.array([activation(net, layer, to_float(one))[0, numbers].mean(dim=(1, 2)).numpy() for one in made])
    own = float((answers.argmax(axis=0) == np.arange(len(units))).mean())
    cells = [Cell(str(unit), one) for unit, one in zip(units, made, strict=True)]
    return FigureResult(own, f"channels {', '.join(map(str, numbers))} of {layer}", sheet(cells, 3))


ENTRIES = (
    Entry(
        "d-sources",
        "Do the colours mean anything?",
        "Colours and sizes of a unit's made-up picture reflect those of the pictures that excite it.",
        "share of pairs of units in which a picture is nearer in hue to its own unit's best crops than to the other's",
        0.6,
        "learned",
        sources,
        "papers/from-nothing",
    ),
    Entry(
        "d-infinite",
        "Does a pattern go on for ever?",
        "On ever larger pictures a unit's pattern repeats; what is special at the border comes from the padding, and "
        "without borders every place is like every other.",
        "distance from 1, as a logarithm, of the unit's answer in the corners over that in the centre, without borders",
        0.25,
        "architecture",
        infinite,
        "papers/large",
        at_most=True,
    ),
    Entry(
        "d-deconv",
        "What of a photograph excites a unit?",
        "Guided backpropagation shows the outlines of what excites a unit; but it does so much like a detector of "
        "edges, whatever the weights (Adebayo et al. 2018).",
        "correlation of the projection's strength with the edges of the photograph, within the field",
        0.3,
        "architecture",
        deconv,
    ),
    Entry(
        "d-single",
        "A picture for one neuron",
        "A picture can be made that excites a single unit far more than any photograph does.",
        "median over four units of the answer to the made-up picture over that to the strongest crop",
        1.5,
        "architecture",
        single,
        "papers/from-nothing",
    ),
    Entry(
        "e-neurons",
        "Nine neurons of the last convolutional layer",
        "Each unit of a late layer has a pattern of its own.",
        "share of the nine that are excited most by their own picture",
        0.8,
        "architecture",
        nine,
        "papers/from-nothing",
    ),
)
