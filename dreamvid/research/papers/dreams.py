"""Figures on dreams: layers by depth, single neurons, layers in turn, guides, and patches."""

from itertools import pairwise

import numpy as np
import torch

from dreamvid.analysis.contact_sheet import Cell, sheet
from dreamvid.core.types import Image, to_float, to_pixels
from dreamvid.dream import objectives, tiles
from dreamvid.dream.deepdream import Dreamer
from dreamvid.dream.objectives import layer_energy
from dreamvid.dream.session import with_defaults
from dreamvid.models.dense_head import dense
from dreamvid.models.net import OUTPUT, activations, layer_shapes
from dreamvid.research.features.average import correlation
from dreamvid.research.features.feature_session import beginning, picture
from dreamvid.research.features.spectra import mean_frequency
from dreamvid.research.papers.entry import Bench, Entry, FigureResult
from dreamvid.research.papers.measures import activation, energy, local_means, pattern_size

SIDE = 224


def blocks(bench: Bench) -> FigureResult:
    """Dream by layers of three depths and by the output, and measure the rise of all four layers in each dream."""
    layers = [*bench.depths.values(), OUTPUT]
    source, net = bench.photo(0, SIDE), bench.session.exact(*layers)
    dreams = {layer: bench.dreamt(layer_energy(layer), source) for layer in layers}
    before = {layer: energy(net, layer, source) for layer in layers}
    rise = np.array([[energy(net, of, to_float(made)) / before[of] for of in layers] for made in dreams.values()])
    own = float((rise.argmax(axis=0) == np.arange(len(layers))).mean())
    cells = [Cell("source", to_pixels(source)), *(Cell(layer, made) for layer, made in dreams.items())]
    words = "; ".join(f"{layer} rises {rise[row, row]:.3g} times in its own" for row, layer in enumerate(layers))
    return FigureResult(own, words, sheet(cells, 3))


def dense_head(bench: Bench) -> FigureResult:
    """Compare AlexNet's head as convolutions with the original at 224 pixels; show its map of a larger picture."""
    net, photo = bench.session.net, bench.photo(0, 352)
    maps = dense(net)
    small = torch.from_numpy(bench.photo(0, SIDE)[:SIDE, :SIDE].transpose(2, 0, 1)[None].copy())
    large = torch.from_numpy(photo.transpose(2, 0, 1)[None].copy())
    with torch.inference_mode():
        wanted, found = net.module(small), maps.module(small)
        spread = activations(maps.module, large, frozenset({OUTPUT}))[OUTPUT][0]
    gap = float((found.flatten() - wanted.flatten()).abs().max() / wanted.abs().max())
    scaled = spread[:3].permute(1, 2, 0).numpy()  # each from its least to its most: classes differ more than places
    scaled = (scaled - scaled.min(axis=(0, 1))) / np.maximum(np.ptp(scaled, axis=(0, 1)), 1e-9)
    grown = to_pixels(scaled).repeat(32, axis=0).repeat(32, axis=1)
    rows, columns = spread.shape[1:]
    cells = [Cell("picture", to_pixels(photo)), Cell(f"three of its classes on {rows} x {columns} places", grown)]
    return FigureResult(
        gap, f"a picture of {photo.shape[1]}x{photo.shape[0]} gives {columns}x{rows} places", sheet(cells, 2)
    )


def depth(bench: Bench) -> FigureResult:
    """Measure the pattern size of dreams from noise by layer depth; number: least ratio from one depth to the next."""
    dreams = {}
    for layer in bench.depths.values():
        dreamer = bench.session.dreamer(layer_energy(layer))
        dreams[layer] = picture(dreamer, beginning(dreamer, SIDE, SIDE))
    sizes = [pattern_size(to_float(made)) for made in dreams.values()]
    cells = [
        Cell(f"{layer}: {size:.2f} pixels", made) for (layer, made), size in zip(dreams.items(), sizes, strict=True)
    ]
    least = min(later / earlier for earlier, later in pairwise(sizes))
    return FigureResult(least, ", ".join(f"{size:.2f}" for size in sizes) + " pixels, early to late", sheet(cells, 3))


def field(bench: Bench) -> FigureResult:
    """Measure by depth how far, rms in pixels, the dream of a single neuron extends; number: least ratio of depths."""
    extents, cells = [], []
    for name, layer in bench.depths.items():
        middle = [side // 2 for side in layer_shapes(bench.session.net, SIDE, SIDE)[layer][1:]]
        dreamer = bench.session.with_dream(jitter=0).dreamer(objectives.neuron(layer, 0, *middle))
        source = beginning(dreamer, SIDE, SIDE)
        made = picture(dreamer, source)
        change = np.square(to_float(made) - to_float(to_pixels(source))).sum(axis=2)
        centre = [float((change.sum(axis=1 - axis) * np.arange(SIDE)).sum() / change.sum()) for axis in (0, 1)]
        far = sum((np.arange(SIDE) - centre[axis]).reshape((-1, 1) if axis == 0 else (1, -1)) ** 2 for axis in (0, 1))
        extents.append(float(np.sqrt((change * far).sum() / change.sum())))
        cells.append(Cell(f"{name}: {layer}, {extents[-1]:.1f} pixels", made))
    least = min(later / earlier for earlier, later in pairwise(extents))
    return FigureResult(
        least, ", ".join(f"{extent:.1f}" for extent in extents) + " pixels, early to late", sheet(cells, 3)
    )


def cycle(bench: Bench) -> FigureResult:
    """Dream by three layers in turn, and by each alone; number: least rise of the three layers in the first."""
    layers = list(bench.depths.values())
    source, net = bench.photo(0, SIDE), bench.session.exact(*layers)
    how = with_defaults(bench.session.settings.dream, blur_every=0)
    parts = [layer_energy(layer) for layer in layers]
    cycle_terms = tuple(zip(parts, (0.01, 0.02, 0.03), strict=True))
    whole = sum(parts[1:], start=parts[0])
    dreamer = Dreamer(bench.session.prepared(*layers), whole, how, bench.session.settings.seed, cycle_terms)
    together = picture(dreamer, source)
    rises = {layer: energy(net, layer, to_float(together)) / energy(net, layer, source) for layer in layers}
    alone = [Cell(f"{layer} alone", bench.dreamt(layer_energy(layer), source, cycle=False)) for layer in layers]
    words = ", ".join(f"{layer} {rise:.3g} times" for layer, rise in rises.items())
    return FigureResult(min(rises.values()), words, sheet([Cell("in turn", together), *alone], 2))


def patches(bench: Bench) -> FigureResult:
    """Compare the strength of dreams at patch borders with that elsewhere, for contiguous and for windowed patches."""
    source, layer = _wide(bench.photo(0, 480), 480, 512), bench.depths["late"]
    shares, cells, left_over = {}, [], {}
    for name, changes in {"contiguous": {}, "windowed": {"tiling": "windowed", "tile": 256, "overlap": 64}}.items():
        made = bench.dreamt(layer_energy(layer), source, **{"steps": 10, **changes})
        strength = np.abs(to_float(made) - to_float(to_pixels(source))).mean(axis=2)
        dreamed = strength[: 2 * SIDE, : 2 * SIDE]
        border = np.concatenate([dreamed[SIDE - 2 : SIDE + 2].ravel(), dreamed[:, SIDE - 2 : SIDE + 2].ravel()])
        shares[name] = float(border.mean() / dreamed.mean())
        left_over[name] = float(max(strength[2 * SIDE :].max(), strength[:, 2 * SIDE :].max()))
        cells.append(Cell(f"{name}: {shares[name]:.2f} at the borders", made))
    words = (
        f"at the borders the dream of contiguous patches is {shares['contiguous']:.2f} times as strong as elsewhere, "
        f"windowed {shares['windowed']:.2f}; in the strips left over it changes nothing by more than "
        f"{left_over['contiguous']:.3g}"
    )
    return FigureResult(abs(shares["contiguous"] / shares["windowed"] - 1), words, sheet(cells, 2))


def overlap(bench: Bench) -> FigureResult:
    """Measure the change of pixels covered by one, two and three summed patches; number: least successive ratio."""
    source, layer = _wide(bench.photo(0, 424), 424, 424), bench.depths["middle"]
    made = bench.dreamt(layer_energy(layer), source, steps=8)
    covered = np.zeros((424, 424), int)
    for rows, columns, _ in tiles.plain_patches(424, 424, SIDE, 124, "summed"):
        covered[rows, columns] += 1
    change = np.abs(to_float(made) - source).mean(axis=2)
    means = {count: float(change[covered == count].mean()) for count in (1, 2, 3)}
    words = ", ".join(f"covered {count} times: {mean:.4f}" for count, mean in means.items())
    seen = to_pixels(np.repeat((covered / covered.max())[..., None], 3, axis=2))
    cells = [Cell("how many patches cover a pixel", seen), Cell("summed", made)]
    return FigureResult(min(means[2] / means[1], means[3] / means[2]), words, sheet(cells, 2))


def guided(bench: Bench) -> FigureResult:
    """Measure how well a dream takes on the layout of a guide, guided by a convolutional layer and by the output."""
    middle = bench.depths["middle"]
    source, guide = (_wide(bench.photo(number, 240), 240, 320) for number in (0, 1))
    net = bench.session.exact(middle, OUTPUT)
    wanted = local_means(activation(net, middle, guide))
    layouts, cells, words = {}, [Cell("source", to_pixels(source)), Cell("guide", to_pixels(guide))], []
    before = correlation(wanted, local_means(activation(net, middle, source)))
    for layer in (middle, OUTPUT):
        its = activation(net, layer, guide)
        made = bench.dreamt(objectives.guided(layer, its), source, octaves=3, steps=8)
        layouts[layer] = correlation(wanted, local_means(activation(net, middle, to_float(made))))
        rise = [correlation(its, activation(net, layer, one)) for one in (source, to_float(made))]
        words.append(
            f"by {layer}: correlation with the guide {rise[0]:.2f} to {rise[1]:.2f}, its layout {before:.2f} "
            f"to {layouts[layer]:.2f}"
        )
        cells.append(Cell(f"guided by {layer}", made))
    return FigureResult(layouts[middle] - layouts[OUTPUT], "; ".join(words), sheet(cells, 2))


def added(bench: Bench) -> FigureResult:
    """Dream a photograph by an early, a middle and a late layer; number: mean frequency of early / late additions."""
    source = bench.photo(0, 224)
    made = {name: bench.dreamt(layer_energy(layer), source, octaves=3) for name, layer in bench.depths.items()}
    added = {name: to_float(one) - source for name, one in made.items()}
    frequency = {name: mean_frequency(one) for name, one in added.items()}
    cells = [Cell("source", to_pixels(source))]
    cells += [Cell(f"{name}: {frequency[name]:.3f} cycles a pixel", one) for name, one in made.items()]
    words = ", ".join(f"{name} {value:.3f}" for name, value in frequency.items())
    return FigureResult(
        frequency["early"] / frequency["late"], f"mean frequency of what is added: {words}", sheet(cells, 2)
    )


def _wide(image: Image, height: int, width: int) -> Image:
    """Return the upper left part of a picture, extended by reflection where it is too small."""
    missing = [(0, max(0, want - have)) for want, have in zip((height, width), image.shape, strict=False)]
    return np.ascontiguousarray(np.pad(image, (*missing, (0, 0)), mode="reflect")[:height, :width])


ENTRIES = (
    Entry(
        "a-blocks",
        "Dreams of three blocks and of the last layer, at one scale",
        "Each block of a net, made stronger, brings out what that block answers to: fine textures early, larger and "
        "stranger shapes late.",
        "share of the four layers that rise most in their own dream",
        0.75,
        "architecture",
        blocks,
    ),
    Entry(
        "b-2.4-dense",
        "Fully connected layers as convolutions",
        "The head of a net can be slid over a larger picture: as a convolution it gives a map of answers, and on a "
        "picture of the usual size the same answer.",
        "largest difference from the original head at 224 pixels, as a share of its largest answer",
        1e-5,
        "architecture",
        dense_head,
        at_most=True,
        net="alexnet",
        weights="random:0",
    ),
    Entry(
        "b-2.5-depth",
        "Three layers by depth, out of noise",
        "The deeper the layer, the larger its patterns.",
        "least ratio of pattern sizes (where the autocorrelation has fallen to 1 / e) from one depth to the next",
        1.05,
        "learned",
        depth,
        "papers/large",
    ),
    Entry(
        "b-2.5-field",
        "One neuron by depth",
        "A deeper neuron sees more of the picture, so what it dreams is larger.",
        "least ratio, from one depth to the next, of how far (rms) a neuron's picture spreads from its place",
        1.2,
        "architecture",
        field,
    ),
    Entry(
        "b-2.5-cycle",
        "Three layers in turn",
        "Steps that walk through three layers, each with a step size of its own, mix patterns of all sizes.",
        "rise of the layer that rises least",
        1.2,
        "architecture",
        cycle,
        "papers/cycle",
    ),
    Entry(
        "b-2.5-patches",
        "Patches side by side",
        "A large picture dreamed in patches of 224 pixels shows their borders, and left-over strips stay as they were.",
        "distance from 1 of the dream's strength at the borders (four pixels), over the same of windowed patches",
        0.15,
        "architecture",
        patches,
        "papers/contiguous",
    ),
    Entry(
        "b-2.5-overlap",
        "Patches that overlap by 124, summed",
        "Patterns become stronger where patches intersect.",
        "mean change of pixels covered twice over once, or three times over twice, whichever is less",
        1.1,
        "architecture",
        overlap,
        "papers/overlap",
    ),
    Entry(
        "b-4.2-guided",
        "Guided by another picture",
        "A guide's dot product in a convolutional layer brings its features in at their places; in the fully connected "
        "layers the places are lost.",
        "correlation with the guide's layout in the middle layer: guided by that layer, less guided by the last",
        0.2,
        "architecture",
        guided,
    ),
    Entry(
        "e-depth",
        "Early, middle, late",
        "Early layers draw edges and fine textures over a photograph, late ones parts and whole objects.",
        "mean frequency of what the early layer adds over that of the late one",
        1.2,
        "architecture",
        added,
    ),
)
