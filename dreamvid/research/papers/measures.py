"""Measures that test the claims: energy, pattern size, colour histograms, layouts."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dreamvid.core.types import Image, Pixels, to_float
from dreamvid.media import opencv
from dreamvid.models.prepare import PreparedNet

Values = NDArray[np.float64]


def activation(net: PreparedNet, layer: str, image: Image) -> Tensor:
    """Return a layer's activations on a picture, H x W x 3 in [0, 1]: (1, C, h, w) or (1, C)."""
    with torch.no_grad():
        return net(torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))[None]))[layer]


def energy(net: PreparedNet, layer: str, image: Image) -> float:
    """Return the mean square of a layer's activations on a picture, H x W x 3 in [0, 1]."""
    return float(activation(net, layer, image).square().mean())


def pattern_size(image: Image) -> float:
    """Return the distance in pixels at which the autocorrelation of a picture, H x W x 3, has fallen to 1 / e.

    It is that of the luminance, averaged over all directions.
    """
    grey = image.mean(axis=2, dtype=np.float64)
    spectrum = np.abs(np.fft.fft2(grey - grey.mean())) ** 2
    found = np.fft.ifft2(spectrum).real
    distance = np.hypot(*np.meshgrid(*(np.fft.fftfreq(side) * side for side in grey.shape), indexing="ij"))
    ring = np.rint(distance).astype(int).ravel()
    mean = np.bincount(ring, found.ravel()) / np.bincount(ring) / found[0, 0]
    below = int(np.argmax(mean < np.exp(-1)))
    above = mean[below - 1]
    return float(below - 1 + (above - np.exp(-1)) / (above - mean[below]))


def colours(pictures: Sequence[Pixels]) -> Values:
    """Return the histogram of pictures over 16 x 16 cells of CIELAB's a and b, as shares; luminance is ignored."""
    cv2 = opencv.load()
    lab = np.concatenate([cv2.cvtColor(to_float(p), cv2.COLOR_RGB2LAB).reshape(-1, 3) for p in pictures])
    counts, _, _ = np.histogram2d(lab[:, 1], lab[:, 2], bins=16, range=[[-110, 110], [-110, 110]])
    return counts.ravel() / max(1.0, counts.sum())


def apart(first: Values, second: Values) -> float:
    """Return half the sum of absolute differences of two histograms of shares: 0 if equal, 1 if disjoint."""
    return float(np.abs(first - second).sum() / 2)


def local_means(values: Tensor) -> Tensor:
    """Subtract each channel's mean from activations, (1, C, h, w), which leaves their layout."""
    return values - values.mean(dim=(2, 3), keepdim=True)
