"""Figures on dreams of classes: by the logit or its square, and recognised by another net."""

import numpy as np

from dreamvid.analysis.contact_sheet import Cell, sheet, stacked
from dreamvid.core.types import to_float, to_pixels
from dreamvid.dream import objectives
from dreamvid.models.net import OUTPUT
from dreamvid.research.features.feature_session import FeatureSession, beginning, picture
from dreamvid.research.features.portraits import classes
from dreamvid.research.papers.entry import Bench, Entry, FigureResult
from dreamvid.research.papers.measures import activation

SIDE = 160
WANTED = ("sunflower", "soccer ball", "leopard", "starfish", "zebra", "black swan", "sea snake", "strawberry")


def dreamt_classes(bench: Bench) -> FigureResult:
    """Dream classes from noise and on a photograph; number: share with the class as the net's first answer."""
    names = _chosen(bench.session, 4)
    found = classes(bench.session, names, to_pixels(bench.photo(0, SIDE)), None, side=SIDE)
    rows = found.numbers["classes"]
    right = float(np.mean([row["top"] == row["class"] for row in rows]))
    return FigureResult(right, "; ".join(found.words), stacked(list(found.pictures.values())))


def square(bench: Bench) -> FigureResult:
    """Compare the logit reached by ascent on its square with that by ascent on the logit; number: their ratio."""
    index = bench.session.net.class_index(_chosen(bench.session, 1)[0])
    net, reached, cells = bench.session.exact(OUTPUT), {}, []
    for name, objective in (("logit", objectives.class_logit), ("square", objectives.class_square)):
        dreamer = bench.session.dreamer(objective(index))
        made = picture(dreamer, beginning(dreamer, SIDE, SIDE))
        reached[name] = abs(float(activation(net, OUTPUT, to_float(made)).flatten()[index]))
        cells.append(Cell(f"{name}: {reached[name]:.3g}", made))
    return FigureResult(reached["square"] / reached["logit"], "the logit's size reached by each", sheet(cells, 2))


def transferred(bench: Bench) -> FigureResult:
    """Dream classes that two nets share with one net; number: share in the other net's top 5."""
    assert bench.classifier is not None
    mine, other = bench.session.net, bench.classifier.net
    theirs = {name.lower(): index for index, name in enumerate(other.classes)}
    shared = sorted(name for name in mine.classes if name.lower() in theirs)[:40:3]
    classifier, prepared = bench.classifier.exact(OUTPUT), bench.session.prepared(OUTPUT)
    hits, cells = [], []
    for name in shared:
        dreamer = bench.session.dreamer(objectives.class_logit(mine.class_index(name)), prepared)
        made = picture(dreamer, beginning(dreamer, SIDE, SIDE))
        best = activation(classifier, OUTPUT, to_float(made)).flatten().topk(5).indices.tolist()
        hits.append(theirs[name.lower()] in best)
        cells.append(Cell(f"{name}: {other.classes[best[0]]}", made))
    words = f"{sum(hits)} of {len(hits)} among the first five of {other.name}, of {len(other.classes)} classes"
    return FigureResult(float(np.mean(hits)), words, sheet(cells, 6))


def _chosen(session: FeatureSession, count: int) -> list[str]:
    """Return `count` well-known classes of a net, or class numbers spread evenly where it has too few of them."""
    known = [name for name in WANTED if name in session.net.classes]
    total = len(session.net.classes)
    return known[:count] if len(known) >= count else [str(at * total // count) for at in range(count)]


ENTRIES = (
    Entry(
        "b-4.1-class",
        "Classes, from noise and on a photograph",
        "Climbing a class's score makes a picture that the net is certain of, from noise and on any photograph; the "
        "score alone proves little, for such pictures are adversarial.",
        "share of the pictures whose class the net itself puts first",
        0.75,
        "learned",
        dreamt_classes,
        "papers/class",
    ),
    Entry(
        "b-4.1-transfer",
        "Would another net say the same?",
        "Pictures climbed for one net are called adversarial: is there anything of the class in them?",
        "share of the pictures whose class another net, trained on other pictures, has among its first five",
        0.25,
        "learned",
        transferred,
        "papers/class",
        needs_classifier=True,
    ),
    Entry(
        "b-4.1-square",
        "The square of a class's score",
        "The square of the score can be climbed in place of the score.",
        "size of the score reached by the square over that reached plainly",
        0.5,
        "architecture",
        square,
        "papers/class",
    ),
)
