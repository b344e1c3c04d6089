"""Spectra of dreams by layer depth: how much of their energy is at high frequencies, which is their noise."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dreamvid.analysis import plots
from dreamvid.analysis.contact_sheet import Cell, sheet
from dreamvid.analysis.plots import Curve, Panel
from dreamvid.core.types import Image, to_float
from dreamvid.research.features.feature_session import FeatureSession, beginning, picture
from dreamvid.research.features.finding import Finding
from dreamvid.research.features.units import ends, known_layers

FINE = 0.25  # cycles per pixel: half the Nyquist frequency


def noise(session: FeatureSession, layers: Sequence[str], *, side: int) -> Finding:
    """Dream layers from noise of `side` pixels, and show the radial spectrum of each as a plot and a table.

    Without `layers`, the last layer of each map size is used. Raises NetError for a layer that does not exist.
    """
    cells, curves, rows, said, numbers = [], {}, [], [], []
    for layer in known_layers(layers, session.net) if layers else ends(session.net):
        dreamer = session.dreamer(session.of_layer(layer))
        made = picture(dreamer, beginning(dreamer, side, side))
        image = to_float(made)
        frequency, energy = radial_spectrum(image)
        fine, middle = fine_share(image), mean_frequency(image)
        cells.append(Cell(layer, made))
        curves[layer] = Curve(frequency.tolist(), energy.tolist())
        rows += [
            {"layer": layer, "cycles_per_pixel": round(float(at), 6), "energy": float(value)}
            for at, value in zip(frequency, energy, strict=True)
        ]
        said.append(f"{layer}: {fine:.1%} of the energy above {FINE} cycles a pixel, on average {middle:.3f}")
        numbers.append({"layer": layer, "fine": fine, "mean_frequency": middle})
    panel = Panel(curves, "cycles per pixel", "energy", "radial spectrum of dreams by layer", log=True)
    pictures = {"": plots.curves([panel]), "-dreams": sheet(cells, 3)}
    return Finding(pictures, tuple(said), {"layers": numbers}, rows)


def radial_spectrum(image: Image) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean power spectral density of a picture's luminance, Hann-windowed, in rings of equal width.

    `image`: H x W x 3 in [0, 1]. Returns frequencies in cycles per pixel, up to 0.5, and densities, which integrate
    over the frequency plane to the variance of the windowed luminance.
    """
    height, width = image.shape[:2]
    grey = image.mean(axis=2, dtype=np.float64)
    window = np.hanning(height)[:, None] * np.hanning(width)[None, :]
    spectrum = np.abs(np.fft.fft2((grey - grey.mean()) * window)) ** 2 / (window**2).sum() / (height * width)
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    rings = min(height, width) // 2
    ring = np.rint(radius * 2 * rings).astype(int)
    inside = (ring >= 1) & (ring <= rings)
    counts = np.bincount(ring[inside], minlength=rings + 1)[1:]
    sums = np.bincount(ring[inside], spectrum[inside], minlength=rings + 1)[1:]
    return np.arange(1, rings + 1) / (2 * rings), sums / counts


def fine_share(image: Image) -> float:
    """Return the share of a picture's energy at FINE cycles per pixel and above; H x W x 3 in [0, 1]."""
    frequency, share = _shares(image)
    return float(share[frequency >= FINE].sum())


def mean_frequency(image: Image) -> float:
    """Return the energy-weighted mean frequency of a picture in cycles per pixel; H x W x 3 in [0, 1]."""
    frequency, share = _shares(image)
    return float((share * frequency).sum())


def _shares(image: Image) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the frequencies of the rings, and each ring's share of the energy: density times its circumference."""
    frequency, density = radial_spectrum(image)
    energy = density * frequency
    return frequency, energy / energy.sum()
