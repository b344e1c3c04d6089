"""Figures on gradient ascent: objective and gradient, step sizes and rules, decay and blur."""

import numpy as np
import torch

from dreamvid.analysis import plots
from dreamvid.analysis.contact_sheet import Cell, sheet, stacked
from dreamvid.analysis.plots import Curve, Panel
from dreamvid.core.types import Image, to_float, to_pixels
from dreamvid.dream import objectives
from dreamvid.dream.deepdream import StepBudget, dream
from dreamvid.dream.objectives import layer_energy
from dreamvid.research.features import steps
from dreamvid.research.features.average import correlation
from dreamvid.research.features.deconv import as_picture
from dreamvid.research.features.feature_session import beginning, picture
from dreamvid.research.features.spectra import fine_share, radial_spectrum
from dreamvid.research.papers.entry import Bench, Entry, FigureResult
from dreamvid.research.papers.measures import activation, energy

SIDE = 160
FEW = 4  # steps: later, channels with more room to grow have caught up


def gradient(bench: Bench) -> FigureResult:
    """Divide the gradient of the sum of squares by the activations; number: largest distance of the ratio from 2."""
    layer, source = bench.depths["middle"], bench.photo(0, 224)
    values = activation(bench.session.exact(layer), layer, source).requires_grad_(True)
    (slope,) = torch.autograd.grad(objectives.layer_sum(layer)({layer: values}), values)
    here = values.detach() > 1e-3
    ratio = (slope[here] / values.detach()[here]).numpy()
    counts, edges = np.histogram(ratio, bins=40, range=(1.9, 2.1))
    curve = Curve(((edges[1:] + edges[:-1]) / 2).tolist(), counts.tolist())
    chart = plots.curves([Panel({layer: curve}, "gradient / activation", "units")])
    return FigureResult(
        float(np.abs(ratio - 2).max()), f"{ratio.size} units, ratio {ratio.mean():.7g} in the mean", chart
    )


def step_sizes(bench: Bench) -> FigureResult:
    """Plot a layer's L2 norm over iterations for step sizes 0.002 to 0.512; number: highest / that of 0.512."""
    source = to_pixels(bench.photo(0, 128))
    found = steps.steps(bench.session, source, bench.depths["middle"], (), (0.002, 0.008, 0.032, 0.128, 0.512), 60)
    reached = [float(row["l2"]) for row in found.numbers["steps"]]
    pictures = stacked(list(found.pictures.values()))
    return FigureResult(max(reached) / reached[-1], "; ".join(found.words), pictures)


def adagrad(bench: Bench) -> FigureResult:
    """Compare Adagrad with the square root and without, as printed, from equal first steps; number: ratio of rises."""
    layer, source = bench.depths["middle"], bench.photo(0, 128)
    net = bench.session.exact(layer)
    before = energy(net, layer, source)
    rises, cells = {}, [Cell("source", to_pixels(source))]
    for name in ("adagrad", "adagrad_printed"):
        size = _first_step(bench, layer, source, name)
        made = bench.dreamt(layer_energy(layer), source, step_rule=name, step_size=size)
        rises[name] = energy(net, layer, to_float(made)) / before
        cells.append(Cell(name, made))
    share = (rises["adagrad_printed"] - 1) / (rises["adagrad"] - 1)
    words = f"with the root the layer rises {rises['adagrad']:.3g} times, without {rises['adagrad_printed']:.3g} times"
    return FigureResult(share, words, sheet(cells, 3))


def _first_step(bench: Bench, layer: str, source: Image, rule: str) -> float:
    """Return the step size at which a rule's first step changes the picture by 0.02 on average, values in [0, 1]."""
    sample = bench.session.with_dream(step_rule=rule, steps=1, step_size=1e-6, clamp=False, jitter=0)
    moved = dream(sample.dreamer(layer_energy(layer)), source, None, StepBudget(1), (0,)) - source
    return 0.02 * 1e-6 / max(float(np.abs(moved).mean()), 1e-12)


def decay(bench: Bench) -> FigureResult:
    """Dream without clamping, with decay and without; number: ratio of the value ranges (99.8 % of values)."""
    source, objective = bench.photo(0, 160), layer_energy(bench.depths["middle"])
    spreads, cells = {}, []
    for kept in (1.0, bench.session.settings.dream.decay):
        made = bench.unbounded(objective, source, decay=kept)
        spreads[kept] = float(np.quantile(made, 0.999) - np.quantile(made, 0.001))
        inside = (made - made.min()) / np.ptp(made)
        cells.append(Cell(f"decay {kept:g}: range {spreads[kept]:.2f}", to_pixels(inside)))
    free, held = spreads.values()
    return FigureResult(
        held / free, f"99.8 % of values span {free:.2f} without decay, {held:.2f} with", sheet(cells, 2)
    )


def blur(bench: Bench) -> FigureResult:
    """Dream with a blur every tenth step and without; number: ratio of the fine shares of energy."""
    source, objective = bench.photo(0, 160), layer_energy(bench.depths["middle"])
    made = {every: bench.dreamt(objective, source, blur_every=every) for every in (0, 10)}
    shares = {every: fine_share(to_float(one)) for every, one in made.items()}
    cells = [Cell(f"blur every {every or 'never'}: {shares[every]:.3f} fine", one) for every, one in made.items()]
    return FigureResult(
        shares[10] / shares[0], f"fine share {shares[0]:.3f} without, {shares[10]:.3f} with", sheet(cells, 2)
    )


def spectrum(bench: Bench) -> FigureResult:
    """Dream from noise with nothing that suppresses noise, and with octaves, shifts, blur; number: fine-share ratio."""
    layer = bench.depths["middle"]
    usual = bench.session.with_dream(octaves=3, octave_scale=1.6, steps=24, jitter=8, blur_every=4, blur_sigma=0.6)
    curves, shares, cells = {}, [], []
    for name, session in (("bare", bench.session), ("octaves, shifts, blur", usual)):
        for of in (layer,) if name != "bare" else bench.depths.values():
            dreamer = session.dreamer(layer_energy(of))
            made = picture(dreamer, beginning(dreamer, 160, 160))
            frequency, density = radial_spectrum(to_float(made))
            curves[f"{of}, {name}"] = Curve(frequency.tolist(), density.tolist())
            cells.append(Cell(f"{of}, {name}: {fine_share(to_float(made)):.3f}", made))
            if of == layer:
                shares.append(fine_share(to_float(made)))
    chart = plots.curves([Panel(curves, "cycles per pixel", "energy", "radial spectrum", log=True)])
    bare, held = shares
    words = f"of {layer}'s dream {bare:.1%} of the energy is above a quarter of a cycle a pixel, held down {held:.1%}"
    return FigureResult(bare / held, words, stacked([chart, sheet(cells, 4)]))


def ascent(bench: Bench) -> FigureResult:
    """Compare the picture gradient from a layer gradient set to its activations with that of half the L2 objective."""
    layer, source = bench.depths["middle"], bench.photo(0, SIDE)
    net = bench.session.exact(layer)
    slopes = []
    for whole in (False, True):
        image = torch.from_numpy(source.transpose(2, 0, 1)[None].copy()).requires_grad_(True)
        seen = net(image)
        pushed = objectives.layer_sum(layer)(seen) / 2 if whole else seen[layer]
        (slope,) = torch.autograd.grad(pushed, image, None if whole else seen[layer].detach())
        slopes.append(slope.double())
    gap = float((slopes[0] - slopes[1]).norm() / slopes[1].norm())
    cells = [
        Cell(name, as_picture(slope[0].permute(1, 2, 0).float().numpy()))
        for name, slope in zip(("gradient set to the activations", "gradient of half the L2"), slopes, strict=True)
    ]
    return FigureResult(gap, f"the two differ by {gap:.2g} of their length", sheet(cells, 2))


def amplified(bench: Bench) -> FigureResult:
    """Correlate the energy of each channel before a dream with its growth."""
    layer, source = bench.depths["middle"], bench.photo(0, SIDE)
    net, made = bench.session.exact(layer), bench.dreamt(layer_energy(layer), source, steps=FEW, jitter=0)
    before, after = (
        activation(net, layer, image).square().mean(dim=(0, 2, 3)).numpy() for image in (source, to_float(made))
    )
    found = correlation(before, after - before)
    cells = [Cell("source", to_pixels(source)), Cell(f"dreamed by {layer}", made)]
    return FigureResult(found, f"{len(before)} channels of {layer}", sheet(cells, 2))


ENTRIES = (
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
        "d-noise",
        "Why are the pictures noisy?",
        "A plain gradient piles up high frequencies that no photograph has; shifts, scales and blurs hold them down.",
        "share of fine energy of a bare dream of the middle layer over that of one held down",
        1.5,
        "architecture",
        spectrum,
        "papers/bare",
    ),
    Entry(
        "c-objective",
        "What is it that DeepDream climbs?",
        "Setting a layer's gradient to its activations and going backwards is climbing half its L2.",
        "distance of the two gradients on the picture, as a share of their length",
        1e-4,
        "architecture",
        ascent,
        at_most=True,
    ),
    Entry(
        "c-amplify",
        "Whatever it sees, more of it",
        "The L2 strengthens what is there already: channels that answer strongly grow most.",
        "correlation, over the channels, of their strength before with how much they grow in the first four steps",
        0.3,
        "architecture",
        amplified,
    ),
)
