"""Figures on Sketch-a-Net (Yu et al. 2015), from a course report (Hasson 2017), with sketches drawn by rules."""

import numpy as np
import torch
from torch import Tensor

from dreamvid.analysis import plots
from dreamvid.analysis.contact_sheet import Cell, sheet, stacked
from dreamvid.core.types import Pixels, to_float
from dreamvid.dream import objectives
from dreamvid.dream.objectives import layer_energy
from dreamvid.models.net import OUTPUT
from dreamvid.models.sketch_a_net import SketchANet
from dreamvid.research.features.embed import chart, penultimate, sat
from dreamvid.research.features.feature_session import beginning, picture
from dreamvid.research.papers.entry import Bench, Entry, FigureResult
from dreamvid.research.sketches.hand import CLASSES
from dreamvid.research.training.sketchnet import TEST, Lessons, accuracy, by_reading, cropped, learn, sketches

SEED, TOLD, READ = 1, 400, 200
EXAMPLES = ("house", "fish", "bicycle", "star", "flower", "ladder")
LAYERS = ("conv2", "conv3")


def recognised(bench: Bench) -> FigureResult:
    """Measure top-1 and top-5 accuracy of Sketch-a-Net on distorted sketches."""
    net, (pictures, labels) = _module(bench), sketches(SEED, TEST, TOLD)
    with torch.inference_mode():
        answers = torch.cat([net(cropped(some)) for some in pictures.split(50)])
    best = answers.topk(5, dim=1).indices
    right = best == labels[:, None]
    first, five = float(right[:, 0].float().mean()), float(right.any(dim=1).float().mean())
    cells = [Cell(f"{CLASSES[labels[n]]}: {CLASSES[best[n, 0]]}", _grey(pictures[n, 0])[::2, ::2]) for n in range(12)]
    return FigureResult(
        first, f"top-1 {first:.3f}, top-5 {five:.3f} of {TOLD} sketches of {len(CLASSES)} kinds", sheet(cells, 6)
    )


def fusion(bench: Bench) -> FigureResult:
    """Measure what fusing three scales, joined features and nearest neighbours add to the accuracy of one scale."""
    found = by_reading(_module(bench), SEED, 2 * READ, READ)
    once = found.pop("at 256 pixels")
    best = max(found, key=lambda name: found[name])
    words = "; ".join(f"{name} {share:.3f}" for name, share in found.items())
    chart = plots.bars({"at 256 pixels": once, **found}, "share of sketches named right")
    return FigureResult(found[best] - once, f"at 256 pixels {once:.3f}; {words}; the best is: {best}", chart)


def order(bench: Bench) -> FigureResult:
    """Train two small nets alike and briefly, one with the stroke order in six channels, and compare their accuracy."""
    steps = max(4, round(150 * bench.minutes))
    found = {}
    for channels in (1, 6):
        lessons = Lessons(steps=steps, width=0.125, radius=0.0, channels=channels, seed=SEED)
        found[channels] = accuracy(learn(lessons), *sketches(SEED, TEST, TOLD, channels))
    pictures, _ = sketches(SEED, 0, 1, 6)
    cells = [Cell(f"channel {number}", _grey(part)[::2, ::2]) for number, part in enumerate(pictures[0])]
    words = f"after {steps} steps each: {found[1]:.3f} without the order, {found[6]:.3f} with it"
    return FigureResult(found[6] - found[1], words, sheet(cells, 6))


def dreams(bench: Bench) -> FigureResult:
    """Dream by two layers of a net of sketches, from noise and on photographs; number: share of structure in lines."""
    session, cells, lines = bench.session, [], []
    for layer in LAYERS:
        for number in (0, 2):
            cells.append(Cell(layer, bench.dreamt(layer_energy(layer), bench.photo(number, 224))))
        dreamer = session.dreamer(layer_energy(layer))
        made = picture(dreamer, beginning(dreamer, 224, 224))
        lines.append(_lines(made))
        cells.append(Cell(f"{layer} out of noise: {lines[-1]:.2f} in lines", made))
    return FigureResult(float(np.mean(lines)), ", ".join(f"{share:.2f}" for share in lines), sheet(cells, 3))


def _lines(made: Pixels) -> float:
    """Return the mean coherence of the structure tensor, weighted by gradient energy: 0 no direction, 1 lines only.

    Bigun and Granlund 1987; the tensor is averaged over 9 x 9 pixels.
    """
    import torch.nn.functional as F

    rows, columns = np.gradient(to_float(made).mean(axis=2))
    parts = torch.from_numpy(np.stack([rows * rows, columns * columns, rows * columns]))[None].float()
    down, across, both = F.avg_pool2d(parts, 9, stride=1)[0]
    strength = down + across
    return float((((down - across).square() + 4 * both.square()).sqrt()).sum() / strength.sum())


def embedding(bench: Bench) -> FigureResult:
    """Map sketches and dreams of their classes by penultimate features; number: share nearest to its own class."""
    net, prepared, names = bench.session.exact(OUTPUT), bench.session.prepared(OUTPUT), EXAMPLES
    pictures, labels = sketches(SEED, 0, 40 * len(CLASSES) // 2)
    data, made = {}, {}
    for name in names:
        mine = [_grey(one[0]) for one in pictures[labels == CLASSES.index(name)]]
        data[name] = np.stack([penultimate(net, one) for one in mine])
        dreamer = bench.session.dreamer(objectives.class_logit(CLASSES.index(name)), prepared)
        made[name] = picture(dreamer, beginning(dreamer, 224, 224))
    seen = {name: penultimate(net, one) for name, one in made.items()}
    found = sat(data, seen)
    on_map = chart(data, seen, "pca", SEED, "features before the last layer, PCA")
    own = float(np.mean([at.nearest == name for name, at in found.items()]))
    words = "; ".join(f"{name} {at.ratio:.2f} times as far as a sketch" for name, at in found.items())
    return FigureResult(own, words, stacked([on_map, sheet([Cell(name, one) for name, one in made.items()], 6)]))


def _module(bench: Bench) -> SketchANet:
    module = bench.session.net.module
    assert isinstance(module, SketchANet)
    return module.eval()


def _grey(picture: Tensor) -> Pixels:
    return np.ascontiguousarray(np.repeat(picture.numpy()[..., None], 3, axis=2))


ENTRIES = (
    Entry(
        "a-embedding",
        "Do dreams sit among the data?",
        "Dreams of classes and the pictures of these classes, embedded together: does each dream sit by its own class?",
        "share of six classes whose dream is nearest to the centre of its own",
        0.8,
        "learned",
        embedding,
        "papers/class",
        net="sketchnet",
    ),
    Entry(
        "b-1.1-sketches",
        "Sketches recognised",
        "A Sketch-a-Net names most sketches that it has not seen.",
        "share of distorted sketches named right at once",
        0.8,
        "learned",
        recognised,
        net="sketchnet",
    ),
    Entry(
        "b-1.3-order",
        "Does the order of strokes help?",
        "Six channels that tell early strokes from late ones make a better net than the whole sketch alone.",
        "share named right with the order, less that without",
        0.02,
        "learned",
        order,
        net="sketchnet",
        controlled=False,
    ),
    Entry(
        "b-1.4-fusion",
        "Scales fused, features joined, neighbours asked",
        "Fused scales and a metric on joined features name more sketches than one look does.",
        "share named right by the best reading, less that of one look",
        0.01,
        "learned",
        fusion,
        net="sketchnet",
        controlled=False,
    ),
    Entry(
        "b-2.6-sketch-dreams",
        "What a net of sketches dreams",
        "Trained on sketches alone, a net dreams strokes.",
        "share of the structure of two layers' dreams that lies in lines (coherence of the structure tensor)",
        0.6,
        "learned",
        dreams,
        "papers/from-nothing",
        net="sketchnet",
    ),
)
