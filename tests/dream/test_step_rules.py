"""What becomes of a gradient: its size by every rule, its bands, its spectrum, its colours."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from little import texture
from torch import Tensor

from dreamvid.config.dream_settings import DreamSettings
from dreamvid.config.presets import resolve
from dreamvid.core.types import to_float, to_pixels
from dreamvid.dream.deepdream import StepBudget, dream
from dreamvid.dream.session import open_session
from dreamvid.dream.step_rules import (
    COLOURS,
    EDGE,
    as_photographs,
    blurred,
    in_its_light,
    pyramid_evened,
    rule,
    shaping,
)
from dreamvid.research.features.spectra import fine_share, mean_frequency
from dreamvid.research.papers.measures import apart, colours


def slope(height: int = 48, width: int = 64) -> Tensor:
    """Seeded noise of no particular size."""
    return 3e-4 * torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(2))


def ruled(name: str) -> DreamSettings:
    return DreamSettings(step_rule=name)  # type: ignore[arg-type]


def test_each_rule_makes_its_own_measure_of_a_step_one() -> None:
    measures = {"mean": Tensor.abs, "l2": Tensor.square}
    for name, measure in measures.items():
        assert float(measure(rule(ruled(name))(slope())).mean()) == pytest.approx(1, rel=1e-5)
    assert float(rule(ruled("std"))(slope()).std()) == pytest.approx(1, rel=1e-5)


def test_a_raw_step_is_the_gradient_with_pixels_counted_to_255() -> None:
    """One unit of a pixel counted to 1 is 255 of one counted to 255: both slope and step shrink by that."""
    torch.testing.assert_close(rule(ruled("raw"))(slope()), slope() / 255**2)


def test_the_first_step_of_adam_is_the_sign_of_the_gradient_and_it_remembers_the_way() -> None:
    adam = rule(ruled("adam"))
    torch.testing.assert_close(adam(slope()), slope().sign(), rtol=1e-3, atol=1e-2)
    back = adam(-slope())  # the way back: most of the first step is still in the mean
    by_hand = (0.09 - 0.1) / (1 - 0.9**2)
    torch.testing.assert_close(back, by_hand * slope().sign(), rtol=1e-2, atol=1e-3)


def test_adagrad_divides_by_the_root_of_all_squares_so_far_or_by_their_sum_as_it_was_printed() -> None:
    both = rule(ruled("adagrad")), rule(ruled("adagrad_printed"))
    kept = slope().abs() > 1e-5  # next to zero the epsilon counts
    for count in (1, 2, 3):
        rooted, printed = (step(slope())[kept] for step in both)
        torch.testing.assert_close(rooted, slope()[kept].sign() / math.sqrt(count), rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(printed, 1 / (count * slope()[kept]), rtol=2e-2, atol=0)


@pytest.mark.parametrize("name", ["mean", "std", "l2", "raw", "adam", "adagrad", "adagrad_printed"])
def test_a_gradient_of_zero_makes_no_step(name: str) -> None:
    assert not rule(ruled(name))(torch.zeros(1, 3, 20, 24)).any()


def test_each_run_of_steps_has_a_memory_of_its_own() -> None:
    first, second = rule(ruled("adagrad")), rule(ruled("adagrad"))
    first(slope())
    torch.testing.assert_close(second(slope()), rule(ruled("adagrad"))(slope()))


def energies(image: Tensor) -> Tensor:
    """Mean energy of the spectrum in four octaves of frequency, coarse to fine."""
    rows, columns = torch.fft.fftfreq(image.shape[-2])[:, None], torch.fft.fftfreq(image.shape[-1])[None]
    frequency = (rows.square() + columns.square()).sqrt()
    power = torch.fft.fft2(image).abs().square().mean(dim=(0, 1))
    edges = [1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2]
    return torch.stack([power[(frequency >= low) & (frequency < high)].mean() for low, high in pairwise(edges)])


def test_a_pyramid_lifts_what_is_coarse() -> None:
    plain, even = energies(slope(64, 64)), energies(pyramid_evened(slope(64, 64)))
    assert (plain.max() / plain.min()) < 1.5
    ratios = even[:-1] / even[1:]
    assert (ratios > 1.8).all(), "each octave coarser holds more energy per frequency: as much in all"


def test_a_pyramid_of_one_frequency_has_its_strength_in_one_band() -> None:
    """Each band's rms is one: a small band is lifted as much as a great one."""
    waves = torch.sin(torch.arange(64.0) * 2 * math.pi / 32)
    both = waves[None, None, None, :] * torch.ones(1, 3, 64, 1) + 1e-3 * slope(64, 64) / slope(64, 64).std()
    even = pyramid_evened(both)
    assert float(energies(even)[-1] / energies(even)[0]) > 100 * float(energies(both)[-1] / energies(both)[0])


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0])
def test_the_spectrum_is_divided_by_a_power_of_the_frequency(exponent: float) -> None:
    """From one octave to the next, twice as fine, the energy falls by 4 to that power."""
    even = as_photographs(DreamSettings(spectrum=exponent, decorrelate=False), slope(96, 96))
    ratios = energies(even) / energies(slope(96, 96))
    falls = (ratios[:-1] / ratios[1:]).log2() / 2
    assert torch.all((falls - exponent).abs() < 0.3 * exponent + 1e-4)


def waves(length: int, side: int = 128) -> torch.Tensor:
    """Upright grey waves of a length in pixels that divides the side."""
    wave = torch.sin(torch.arange(side) * 2 * math.pi / length)
    return wave.expand(1, 3, side, side).contiguous()


def test_what_is_broader_than_the_cutoff_is_left_alone() -> None:
    kept = {
        length: float(
            as_photographs(DreamSettings(cutoff=32, spectrum=0), waves(length)).std()
            / as_photographs(DreamSettings(spectrum=0), waves(length)).std()
        )
        for length in (4, 32, 128)
    }
    for length, share in kept.items():
        assert share == pytest.approx(1 - math.exp(-((32 / length) ** 2) / 2), abs=1e-3)
    flat = as_photographs(DreamSettings(cutoff=32), torch.ones(1, 3, 64, 64))
    assert float(flat.abs().max()) < 1e-5, "the mean colour is the broadest of all"


def test_colours_are_mixed_as_those_of_photographs() -> None:
    grey = torch.ones(1, 3, 8, 8)
    mixed = as_photographs(DreamSettings(), grey)[0, :, 0, 0]
    torch.testing.assert_close(mixed / mixed.sum(), torch.tensor(COLOURS).sum(dim=1) / torch.tensor(COLOURS).sum())
    alone = as_photographs(DreamSettings(decorrelate=False), grey)[0, :, 0, 0]
    torch.testing.assert_close(alone / alone.sum(), torch.full((3,), 1 / 3))
    assert torch.linalg.eigvalsh(torch.tensor(COLOURS)).min() > 0
    assert sum(COLOURS[place][place] for place in range(3)) == pytest.approx(3, abs=0.02)


def test_a_smooth_gradient_loses_what_is_fine() -> None:
    rough, soft = (energies(shaping(DreamSettings(smooth=width))(slope(64, 64))) for width in (0.0, 2.0))
    assert float(soft[0] / rough[0]) > 0.5
    assert float(soft[-1] / rough[-1]) < 0.01


@pytest.mark.parametrize("sigma", [0.3, 0.5, 2.0, 30.0])
def test_a_blur_keeps_the_mean_and_takes_away_contrast(sigma: float) -> None:
    image = 0.5 + 300 * slope(64, 80)
    soft = blurred(image, sigma)
    assert soft.shape == image.shape
    assert float(soft.mean()) == pytest.approx(float(image.mean()), abs=5e-3)
    assert float(soft.std()) < float(image.std())
    torch.testing.assert_close(blurred(torch.full_like(image, 0.3), sigma), torch.full_like(image, 0.3))


def test_a_blur_treats_rows_columns_and_channels_alike() -> None:
    point = torch.zeros(1, 3, 21, 21)
    point[0, 1, 10, 10] = 1
    soft = blurred(point, 1.5)
    torch.testing.assert_close(soft, soft.transpose(-1, -2))
    torch.testing.assert_close(soft, soft.flip(-1))
    assert float(soft[:, [0, 2]].abs().max()) == 0
    assert float(soft.sum()) == pytest.approx(1, rel=1e-5)


# What holds a dream back moves what it says, in whole dreams of the shipped net

Measure = Callable[[np.ndarray, np.ndarray], float]


def _variation(image: np.ndarray, source: np.ndarray) -> float:
    return float(np.square(np.diff(image, axis=0)).mean() + np.square(np.diff(image, axis=1)).mean())


def _hue_gap(image: np.ndarray, source: np.ndarray) -> float:
    return apart(colours([to_pixels(image)]), colours([to_pixels(source)]))


REGULARISERS: dict[str, tuple[dict[str, Any], Measure]] = {
    "total variation": ({"objective": [{"kind": "tv", "weight": 300}]}, _variation),
    "l2": ({"objective": [{"kind": "l2", "weight": 20}]}, lambda image, source: float(np.square(image - 0.5).mean())),
    "distance to the source": (
        {"objective": [{"kind": "source", "weight": 50}]},
        lambda image, source: float(np.square(image - source).mean()),
    ),
    "blur": ({"dream": {"blur_every": 2, "blur_sigma": 1.0}}, lambda image, source: fine_share(image)),
    "gradient smoothing": ({"dream": {"smooth": 1.5}}, lambda image, source: fine_share(image)),
    "an even spectrum": (
        {"dream": {"gradient": "fourier", "cutoff": 0}},
        lambda image, source: mean_frequency(image - source),
    ),
    "even bands": ({"dream": {"gradient": "laplacian"}}, lambda image, source: mean_frequency(image - source)),
    "decay": ({"dream": {"decay": 0.9, "clamp": False}}, lambda image, source: float(np.ptp(image))),
    "clamping": ({}, lambda image, source: float(np.ptp(image))),
    "source colours": ({"dream": {"keep_colours": True}}, _hue_gap),
}
UNHELD = {"decay", "clamping"}  # against a dream that is not clamped


@pytest.mark.parametrize("name", REGULARISERS)
def test_a_regulariser_moves_what_it_says(name: str) -> None:
    changes, measure = REGULARISERS[name]
    dreaming = {"octaves": 2, "steps": 8, "step_size": 0.03, "gradient": "plain"}
    base = [{"layer": "block8"}]

    def dreamt(changes: dict[str, Any], **how: Any) -> np.ndarray:
        given = {"objective": base + changes.get("objective", []), "dream": dreaming | how | changes.get("dream", {})}
        ready = open_session(resolve("dream", [("compute.precision", "fp32"), *given.items()]))
        return dream(ready.dreamer, source, None, StepBudget(8), (0,))

    source = to_float(texture(72, 96, seed=4, grain=4))
    plain = dreamt({}, clamp=name not in UNHELD)
    assert measure(dreamt(changes), source) < 0.95 * measure(plain, source)


@given(seed=st.integers(0, 50), size=st.floats(0.05, 1.0))
def test_a_dream_in_its_light_burns_nothing_and_keeps_the_mean(seed: int, size: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    source = torch.rand(1, 3, 24, 32, generator=generator)
    dreamed = (source + size * torch.randn(1, 3, 24, 32, generator=generator)).clamp(0, 1)
    calm = in_its_light(dreamed, source)
    inside = (source > EDGE) & (source < 1 - EDGE)
    assert bool(((calm >= EDGE - 1e-6) & (calm <= 1 - EDGE + 1e-6))[inside].all())
    assert float(calm.min()) >= 0 and float(calm.max()) <= 1
    assert float((calm - source).mean(dim=(2, 3)).abs().max()) < 0.05
    torch.testing.assert_close(in_its_light(source, source), source)


def test_in_the_dark_the_mean_is_kept_too() -> None:
    generator = torch.Generator().manual_seed(3)
    source = 0.05 + 0.02 * torch.rand(1, 3, 48, 64, generator=generator)
    calm = in_its_light((source + 0.3 * torch.randn(source.shape, generator=generator)).clamp(0, 1), source)
    assert float((calm - source).mean(dim=(2, 3)).abs().max()) < 2 / 255
    assert float(calm.std()) > 0.02


def test_what_has_room_is_added_as_it_is() -> None:
    source, layer = torch.full((1, 3, 8, 8), 0.5), 0.1 * torch.ones(1, 3, 8, 8)
    layer[..., ::2] = -0.1
    torch.testing.assert_close(in_its_light(source + layer, source), source + layer)
