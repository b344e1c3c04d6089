"""Figures on nets trained for the purpose: recognisable dreams, augmentation, and dreams as averages of pictures."""

from dreamvid.research.experiments.invariance import invariance
from dreamvid.research.experiments.small_nets import School
from dreamvid.research.experiments.texture_classes import Dreams, terra
from dreamvid.research.features.finding import Finding
from dreamvid.research.papers.entry import Bench, Entry, FigureResult

LONGER = 1.5  # factor on the training minutes: near-identical textures are hard to tell apart
PICTURES = 120  # per class, in the shorter training
_FOUND: dict[float, Finding] = {}


def _terra(bench: Bench) -> Finding:
    """Run the texture experiment, once for all figures that use it."""
    if bench.minutes not in _FOUND:
        _FOUND[bench.minutes] = terra(bench.session, {}, School(minutes=LONGER * bench.minutes), Dreams())
    return _FOUND[bench.minutes]


def told_apart(bench: Bench) -> FigureResult:
    """Compare recognition of dreams of objects and of near-identical textures, by a net trained on neither."""
    found = _terra(bench)
    sets = found.numbers["sets"]
    trained, blank = (sets["mixed"][key] - sets["similar"][key] for key in ("told", "told_untrained"))
    return FigureResult(trained, "; ".join(found.words), found.pictures[""], blank)


def average(bench: Bench) -> FigureResult:
    """Correlate dreams of classes with the mean of the pictures that the net was trained on."""
    found = _terra(bench)
    sets = found.numbers["sets"]
    words = ", ".join(f"{name} {of['mean_picture']:.2f}" for name, of in sets.items())
    return FigureResult(max(abs(of["mean_picture"]) for of in sets.values()), words, found.pictures[""])


def augmentation(bench: Bench) -> FigureResult:
    """Return accuracy on shifted pictures after training with shifts, minus that after training without."""
    found = invariance(None, School(minutes=bench.minutes, per_class=PICTURES), bench.session.compute)
    gained = ", ".join(f"{what} {by:+.2f}" for what, by in found.numbers["gained"].items())
    words = f"accuracy gained on pictures changed so: {gained}; {'; '.join(found.words)}"
    return FigureResult(found.numbers["gained"]["shift"], words, found.pictures[""])


ENTRIES = (
    Entry(
        "a-terra",
        "Fields and things",
        "Dreams of classes that look different are told apart, as birds, fish and dogs are; those of near-identical "
        "textures, as of sorghum cultivars in the field, are not.",
        "share of dreams whose class another net tells, of things, less that of near-identical textures",
        0.3,
        "learned",
        told_apart,
        "papers/from-nothing",
        net="dreamnet",
        controlled=False,
    ),
    Entry(
        "b-1.2-augmentation",
        "What augmentation does",
        "A net trained on shifted, flipped and noisy pictures bears such changes better.",
        "accuracy on shifted pictures with augmentation, less that without",
        0.1,
        "learned",
        augmentation,
        net="dreamnet",
        controlled=False,
    ),
    Entry(
        "e-average",
        "Is a class picture the average of the training pictures?",
        "It is something else than their mean.",
        "largest correlation, over the sets, of dreams with the mean picture of their class",
        0.2,
        "learned",
        average,
        "papers/from-nothing",
        at_most=True,
        net="dreamnet",
        controlled=False,
    ),
)
