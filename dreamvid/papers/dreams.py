"""What a course report (Hasson 2017) and a lab's posts on a net of field pictures show of dreams and how they climb."""

from itertools import pairwise

import numpy as np
import torch

from dreamvid import objectives, tiles
from dreamvid.dream import Dreamer, Effort, dream
from dreamvid.engine import with_defaults
from dreamvid.features import plots, steps
from dreamvid.features.average import correlation
from dreamvid.features.plots import Curve, Panel
from dreamvid.features.sheet import Cell, sheet, stacked
from dreamvid.features.spectra import fine_share, radial_spectrum
from dreamvid.features.studio import beginning, picture
from dreamvid.media import Image, to_float, to_pixels
from dreamvid.nets.dense import dense
from dreamvid.nets.net import OUTPUT, activations, layer_shapes
from dreamvid.objectives import layer_energy
from dreamvid.papers.entry import Bench, Entry, Shown
from dreamvid.papers.measures import activation, energy, local_means, pattern_size

SIDE = 224


def blocks(bench: Bench) -> Shown:
    """Dreams of three depths and of the classes' layer, each measured in all four layers."""
    layers = [*bench.depths.values(), OUTPUT]
    source, net = bench.photo(0, SIDE), bench.studio.exact(*layers)
    dreams = {layer: bench.dreamt(layer_energy(layer), source) for layer in layers}
    before = {layer: energy(net, layer, source) for layer in layers}
    rise = np.array([[energy(net, of, to_float(made)) / before[of] for of in layers] for made in dreams.values()])
    own = float((rise.argmax(axis=0) == np.arange(len(layers))).mean())
    cells = [Cell("source", to_pixels(source)), *(Cell(layer, made) for layer, made in dreams.items())]
    words = "; ".join(f"{layer} rises {rise[row, row]:.3g} times in its own" for row, layer in enumerate(layers))
    return Shown(own, words, sheet(cells, 3))


def gradient(bench: Bench) -> Shown:
    """The gradient of the sum of squares on its own layer, against the activations; and the step that it makes."""
    layer, source = bench.depths["middle"], bench.photo(0, SIDE)
    values = activation(bench.studio.exact(layer), layer, source).requires_grad_(True)
    (slope,) = torch.autograd.grad(objectives.layer_sum(layer)({layer: values}), values)
    here = values.detach() > 1e-3
    ratio = (slope[here] / values.detach()[here]).numpy()
    counts, edges = np.histogram(ratio, bins=40, range=(1.9, 2.1))
    curve = Curve(((edges[1:] + edges[:-1]) / 2).tolist(), counts.tolist())
    chart = plots.curves([Panel({layer: curve}, "gradient / activation", "units")])
    return Shown(float(np.abs(ratio - 2).max()), f"{ratio.size} units, ratio {ratio.mean():.7g} in the mean", chart)


def step_sizes(bench: Bench) -> Shown:
    """A layer's L2 over the iterations for step sizes two decades apart, with the pictures."""
    source = to_pixels(bench.photo(0, 128))
    found = steps.steps(bench.studio, source, bench.depths["middle"], (), (0.002, 0.008, 0.032, 0.128, 0.512), 60)
    reached = [float(row["l2"]) for row in found.numbers["steps"]]
    pictures = stacked(list(found.pictures.values()))
    return Shown(max(reached) / reached[-1], "; ".join(found.words), pictures)


def adagrad(bench: Bench) -> Shown:
    """How far Adagrad raises a layer without the root, as printed, against with it, from the same first step."""
    layer, source = bench.depths["middle"], bench.photo(0, 128)
    net, before = bench.studio.exact(layer), 0.0
    before = energy(net, layer, source)
    rises, cells = {}, [Cell("source", to_pixels(source))]
    for name in ("adagrad", "adagrad_printed"):
        size = _first_step(bench, layer, source, name)
        made = bench.dreamt(layer_energy(layer), source, step_rule=name, step_size=size)
        rises[name] = energy(net, layer, to_float(made)) / before
        cells.append(Cell(name, made))
    share = (rises["adagrad_printed"] - 1) / (rises["adagrad"] - 1)
    words = f"with the root the layer rises {rises['adagrad']:.3g} times, without {rises['adagrad_printed']:.3g} times"
    return Shown(share, words, sheet(cells, 3))


def _first_step(bench: Bench, layer: str, source: Image, rule: str) -> float:
    """The step size by which a rule's first step moves the picture by two hundredths in the mean."""
    sample = bench.studio.with_dream(step_rule=rule, steps=1, step_size=1e-6, clamp=False, jitter=0)
    moved = dream(sample.dreamer(layer_energy(layer)), source, None, Effort(1), (0,))[0] - source
    return 0.02 * 1e-6 / max(float(np.abs(moved).mean()), 1e-12)


def dense_head(bench: Bench) -> Shown:
    """AlexNet's fully connected head as convolutions: the same at 224, a map of classes on a larger picture."""
    net, photo = bench.studio.net, bench.photo(0, 352)
    maps = dense(net)
    small = torch.from_numpy(bench.photo(0, SIDE)[:SIDE, :SIDE].transpose(2, 0, 1)[None].copy())
    large = torch.from_numpy(photo.transpose(2, 0, 1)[None].copy())
    with torch.inference_mode():
        wanted, found = net.module(small), maps.module(small)
        spread = activations(maps.module, large, frozenset({OUTPUT}))[OUTPUT][0]
    gap = float((found.flatten() - wanted.flatten()).abs().max() / wanted.abs().max())
    shown = spread[:3].permute(1, 2, 0).numpy()
    shown = (shown - shown.min()) / max(float(np.ptp(shown)), 1e-9)
    grown = to_pixels(shown).repeat(32, axis=0).repeat(32, axis=1)
    rows, columns = spread.shape[1:]
    cells = [Cell("picture", to_pixels(photo)), Cell(f"three of its classes on {rows} x {columns} places", grown)]
    return Shown(gap, f"a picture of {photo.shape[1]}x{photo.shape[0]} gives {columns}x{rows} places", sheet(cells, 2))


def depth(bench: Bench) -> Shown:
    """The size of the patterns that layers make of noise."""
    dreams = {}
    for layer in bench.depths.values():
        dreamer = bench.studio.dreamer(layer_energy(layer))
        dreams[layer] = picture(dreamer, beginning(dreamer, SIDE, SIDE))
    sizes = [pattern_size(to_float(made)) for made in dreams.values()]
    cells = [
        Cell(f"{layer}: {size:.2f} pixels", made) for (layer, made), size in zip(dreams.items(), sizes, strict=True)
    ]
    least = min(later / earlier for earlier, later in pairwise(sizes))
    return Shown(least, ", ".join(f"{size:.2f}" for size in sizes) + " pixels, early to late", sheet(cells, 3))


def field(bench: Bench) -> Shown:
    """How far from its place the picture of a single neuron spreads, by depth."""
    extents, cells = [], []
    for name, layer in bench.depths.items():
        middle = [side // 2 for side in layer_shapes(bench.studio.net, SIDE, SIDE)[layer][1:]]
        dreamer = bench.studio.with_dream(jitter=0).dreamer(objectives.neuron(layer, 0, *middle))
        source = beginning(dreamer, SIDE, SIDE)
        made = picture(dreamer, source)
        change = np.square(to_float(made) - to_float(to_pixels(source))).sum(axis=2)
        centre = [float((change.sum(axis=1 - axis) * np.arange(SIDE)).sum() / change.sum()) for axis in (0, 1)]
        far = sum((np.arange(SIDE) - centre[axis]).reshape((-1, 1) if axis == 0 else (1, -1)) ** 2 for axis in (0, 1))
        extents.append(float(np.sqrt((change * far).sum() / change.sum())))
        cells.append(Cell(f"{name}: {layer}, {extents[-1]:.1f} pixels", made))
    least = min(later / earlier for earlier, later in pairwise(extents))
    return Shown(least, ", ".join(f"{extent:.1f}" for extent in extents) + " pixels, early to late", sheet(cells, 3))


def cycle(bench: Bench) -> Shown:
    """Three layers climbed in turn, against each of them alone."""
    layers = list(bench.depths.values())
    source, net = bench.photo(0, SIDE), bench.studio.exact(*layers)
    how = with_defaults(bench.studio.settings.dream, blur_every=0)
    parts = [layer_energy(layer) for layer in layers]
    turns = tuple(zip(parts, (0.01, 0.02, 0.03), strict=True))
    whole = sum(parts[1:], start=parts[0])
    dreamer = Dreamer(bench.studio.prepared(*layers), whole, how, bench.studio.settings.seed, turns)
    together = picture(dreamer, source)
    rises = {layer: energy(net, layer, to_float(together)) / energy(net, layer, source) for layer in layers}
    alone = [Cell(f"{layer} alone", bench.dreamt(layer_energy(layer), source, cycle=False)) for layer in layers]
    words = ", ".join(f"{layer} {rise:.3g} times" for layer, rise in rises.items())
    return Shown(min(rises.values()), words, sheet([Cell("in turn", together), *alone], 2))


def patches(bench: Bench) -> Shown:
    """How strong the dream is at the borders of patches, by what it is elsewhere: side by side, and with windows."""
    source, layer = _wide(bench.photo(0, 480), 480, 512), bench.depths["late"]
    shares, cells, left_over = {}, [], 0.0
    for name, changes in {"contiguous": {}, "windowed": {"tiling": "windowed", "tile": 256, "overlap": 64}}.items():
        made = bench.dreamt(layer_energy(layer), source, **{"steps": 10, **changes})
        strength = np.abs(to_float(made) - to_float(to_pixels(source))).mean(axis=2)
        dreamed = strength[: 2 * SIDE, : 2 * SIDE]
        border = np.concatenate([dreamed[SIDE - 2 : SIDE + 2].ravel(), dreamed[:, SIDE - 2 : SIDE + 2].ravel()])
        shares[name] = float(border.mean() / dreamed.mean())
        left_over = left_over or float(strength[2 * SIDE :].max())
        cells.append(Cell(f"{name}: {shares[name]:.2f} at the borders", made))
    words = (
        f"at the borders the dream of contiguous patches is {shares['contiguous']:.2f} times as strong as elsewhere, "
        f"windowed {shares['windowed']:.2f}; in the strip left over it changes nothing by more than {left_over:.3g}"
    )
    return Shown(abs(shares["contiguous"] / shares["windowed"] - 1), words, sheet(cells, 2))


def overlap(bench: Bench) -> Shown:
    """How much a dream of summed patches changes pixels that one, two and three of them cover along a row."""
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
    return Shown(min(means[2] / means[1], means[3] / means[2]), words, sheet(cells, 2))


def decay(bench: Bench) -> Shown:
    """The range of a dream that is not clamped, with decay and without."""
    source, objective = bench.photo(0, 160), layer_energy(bench.depths["middle"])
    spreads, cells = {}, []
    for kept in (1.0, bench.studio.settings.dream.decay):
        made = bench.unbounded(objective, source, decay=kept)
        spreads[kept] = float(np.quantile(made, 0.999) - np.quantile(made, 0.001))
        inside = (made - made.min()) / np.ptp(made)
        cells.append(Cell(f"decay {kept:g}: range {spreads[kept]:.2f}", to_pixels(inside)))
    free, held = spreads.values()
    return Shown(held / free, f"99.8 % of values span {free:.2f} without decay, {held:.2f} with", sheet(cells, 2))


def blur(bench: Bench) -> Shown:
    """Fine energy of a dream with a blur every tenth step, against one without."""
    source, objective = bench.photo(0, 160), layer_energy(bench.depths["middle"])
    made = {every: bench.dreamt(objective, source, blur_every=every) for every in (0, 10)}
    shares = {every: fine_share(to_float(one)) for every, one in made.items()}
    cells = [Cell(f"blur every {every or 'never'}: {shares[every]:.3f} fine", one) for every, one in made.items()]
    return Shown(shares[10] / shares[0], f"fine share {shares[0]:.3f} without, {shares[10]:.3f} with", sheet(cells, 2))


def guided(bench: Bench) -> Shown:
    """How far the result takes on the layout of a guide, guided by a layer with places and by the classes' layer."""
    middle = bench.depths["middle"]
    source, guide = (_wide(bench.photo(number, 240), 240, 320) for number in (0, 1))
    net = bench.studio.exact(middle, OUTPUT)
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
    return Shown(layouts[middle] - layouts[OUTPUT], "; ".join(words), sheet(cells, 2))


def spectrum(bench: Bench) -> Shown:
    """Fine energy of a layer's dream out of noise, with nothing that holds it down and with all that is usual."""
    layer = bench.depths["middle"]
    usual = bench.studio.with_dream(octaves=3, octave_scale=1.6, steps=24, jitter=8, blur_every=4, blur_sigma=0.6)
    curves, shares, cells = {}, [], []
    for name, studio in (("bare", bench.studio), ("octaves, shifts, blur", usual)):
        for of in (layer,) if name != "bare" else bench.depths.values():
            dreamer = studio.dreamer(layer_energy(of))
            made = picture(dreamer, beginning(dreamer, 160, 160))
            frequency, density = radial_spectrum(to_float(made))
            curves[f"{of}, {name}"] = Curve(frequency.tolist(), density.tolist())
            cells.append(Cell(f"{of}, {name}: {fine_share(to_float(made)):.3f}", made))
            if of == layer:
                shares.append(fine_share(to_float(made)))
    chart = plots.curves([Panel(curves, "cycles per pixel", "energy", "radial spectrum", log=True)])
    bare, held = shares
    words = f"of {layer}'s dream {bare:.1%} of the energy is above a quarter of a cycle a pixel, held down {held:.1%}"
    return Shown(bare / held, words, stacked([chart, sheet(cells, 4)]))


def _wide(image: Image, height: int, width: int) -> Image:
    """The upper left of a picture, mirrored on where it is too small."""
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
        "b-1.3-adagrad",
        "Adagrad with the root and as printed",
        "The step rule is printed without the square root over the sum of squares.",
        "rise of a layer without the root, as a share of that with it, both begun by a step of the same size",
        0.5,
        "architecture",
        adagrad,
        at_most=True,
    ),
    Entry(
        "b-2.1-gradient",
        "The gradient that the L2 objective puts on its layer",
        "It is twice the activation.",
        "largest distance from 2 of gradient over activation, over all units that answer",
        1e-4,
        "architecture",
        gradient,
        at_most=True,
    ),
    Entry(
        "b-2.2-steps",
        "Step sizes over the iterations",
        "Larger steps raise the layer faster, until it saturates; steps too large overshoot and lose it again.",
        "highest L2 of any step size over that of the largest steps",
        1.1,
        "architecture",
        step_sizes,
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
        "b-3-decay",
        "Decay alone",
        "Where values are not clamped, decay keeps them from running away.",
        "range of values with decay over that without",
        0.7,
        "architecture",
        decay,
        "papers/unclamped",
        at_most=True,
    ),
    Entry(
        "b-3-blur",
        "A blur every ten steps",
        "A blur now and then takes away the high frequencies that the gradient piles up.",
        "share of the energy above a quarter of a cycle a pixel, with the blur over without",
        0.7,
        "architecture",
        blur,
        "papers/blurred",
        at_most=True,
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
        "d-noise",
        "Why are the pictures noisy?",
        "A plain gradient piles up high frequencies that no photograph has; shifts, scales and blurs hold them down.",
        "share of fine energy of a bare dream of the middle layer over that of one held down",
        1.5,
        "architecture",
        spectrum,
        "papers/bare",
    ),
)
