"""Numbers that claims are tested by, on pictures whose numbers are known."""

import numpy as np
import pytest
import torch

from dreamvid.core.types import Image, to_pixels
from dreamvid.research.features import average, spectra
from dreamvid.research.papers import measures


def grating(period: float, side: int = 128) -> Image:
    wave = 0.5 + 0.4 * np.sin(2 * np.pi * np.arange(side) / period)
    return np.repeat(np.broadcast_to(wave, (side, side))[..., None], 3, axis=2).astype(np.float32)


def test_a_pattern_twice_as_large_has_twice_the_size() -> None:
    rng = np.random.default_rng(0)
    small = rng.standard_normal((64, 64, 1)).repeat(3, axis=2)
    small = (small + np.roll(small, 1, 0) + np.roll(small, 1, 1) + np.roll(small, 2, 0)).astype(np.float32)
    large = small.repeat(2, axis=0).repeat(2, axis=1)
    assert measures.pattern_size(large) / measures.pattern_size(small) == pytest.approx(2, rel=0.25)


@pytest.mark.parametrize(("period", "fine"), [(3, True), (16, False)])
def test_fine_energy_is_above_a_quarter_of_a_cycle(period: float, fine: bool) -> None:
    assert (spectra.fine_share(grating(period)) > 0.9) is fine
    assert spectra.mean_frequency(grating(period)) == pytest.approx(1 / period, rel=0.1)


def test_correlation_of_what_does_not_vary_is_none() -> None:
    ramp = torch.arange(10.0)
    assert average.correlation(ramp, 3 - 2 * ramp) == pytest.approx(-1)
    assert average.correlation(ramp, torch.ones(10)) == 0


def test_histograms_of_hue_do_not_see_the_light() -> None:
    red = np.broadcast_to(np.float32([0.8, 0.3, 0.3]), (8, 8, 3))
    blue = np.broadcast_to(np.float32([0.3, 0.3, 0.8]), (8, 8, 3))
    of = [measures.colours([to_pixels(picture)]) for picture in (red, red * 0.95, blue)]
    assert measures.apart(of[0], of[1]) == pytest.approx(0, abs=0.01)
    assert measures.apart(of[0], of[2]) == pytest.approx(1)


def test_local_means_leave_where_and_take_how_much() -> None:
    values = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    shifted = values + torch.tensor([1.0, 5.0, -2.0]).view(1, 3, 1, 1)
    torch.testing.assert_close(measures.local_means(values), measures.local_means(shifted))
