"""One picture dreamed: what comes back untouched, what is the same each time, and what happens when memory runs out."""

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from dreamvid import tiles
from dreamvid.dream import (
    SMALLEST_OCTAVE,
    Dreamer,
    Effort,
    blurred,
    climb,
    dream,
    octave_scores,
    octave_sizes,
    score,
    to_tensor,
)
from dreamvid.errors import NetError, SettingsError
from dreamvid.media import Image
from dreamvid.nets.net import Net
from dreamvid.nets.prepare import prepare
from dreamvid.objectives import from_settings
from dreamvid.settings import DreamSettings

KEY = (0, 0)


@pytest.fixture(scope="module")
def dreamer(tiny_net: Net) -> Dreamer:
    """Dreams the tiny net's second layer in two octaves."""
    objective = from_settings((), tiny_net)
    ready = prepare(tiny_net, objective.layers, torch.device("cpu"), torch.float32)
    return Dreamer(ready, objective, DreamSettings(octaves=2, jitter=4, blur_every=0), seed=7)


def with_settings(dreamer: Dreamer, **changes: object) -> Dreamer:
    """The same dreamer with other settings."""
    return replace(dreamer, settings=dreamer.settings.model_copy(update=changes))


def picture(height: int = 48, width: int = 72, seed: int = 0) -> Image:
    """Seeded noise."""
    return np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)


def dreamed(dreamer: Dreamer, image: Image, steps: int = 3, key: tuple[int, ...] = KEY) -> Image:
    """The dream on a picture, fresh."""
    return dream(dreamer, image, None, Effort(steps), key)[0]


SIZES = [(16, 16), (48, 72), (47, 33), (101, 160)]


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_no_steps_give_back_the_source_bit_for_bit(dreamer: Dreamer, height: int, width: int) -> None:
    source = picture(height, width)
    result = dreamed(dreamer, source, steps=0)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, source)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_no_steps_give_back_source_and_layer_bit_for_bit(dreamer: Dreamer, height: int, width: int) -> None:
    source, layer = picture(height, width), picture(height, width, seed=1) - 0.5
    result, _ = dream(dreamer, source, layer, Effort(0), KEY)
    np.testing.assert_array_equal(result, np.clip(source + layer, 0, 1))


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_dream_has_the_size_of_its_source_and_stays_in_range(dreamer: Dreamer, height: int, width: int) -> None:
    source = picture(height, width).round()  # as black and as white as can be
    result = dreamed(with_settings(dreamer, step_size=0.2), source)
    assert result.shape == source.shape and result.dtype == np.float32
    assert result.min() >= 0 and result.max() <= 1
    assert np.abs(result - source).mean() > 0.01


def test_the_source_is_left_alone(dreamer: Dreamer) -> None:
    source, layer = picture(), picture(seed=1) - 0.5
    copies = source.copy(), layer.copy()
    dream(dreamer, source, layer, Effort(2), KEY)
    np.testing.assert_array_equal(source, copies[0])
    np.testing.assert_array_equal(layer, copies[1])


def test_a_dream_raises_its_score(dreamer: Dreamer) -> None:
    source = 0.3 + 0.4 * picture()
    before, after = (score(dreamer, to_tensor(image, dreamer)) for image in (source, dreamed(dreamer, source, 8)))
    assert after > 1.3 * before


def test_a_layer_is_dreamed_on_and_not_begun_again(dreamer: Dreamer) -> None:
    source = 0.3 + 0.4 * picture()
    layer = dreamed(dreamer, source, 4) - source
    onward, _ = dream(dreamer, source, layer, Effort(1), (1, 0))
    assert np.corrcoef((onward - source).ravel(), layer.ravel())[0, 1] > 0.8


def test_the_same_key_dreams_the_same_and_another_key_another(dreamer: Dreamer) -> None:
    first, again = (dreamed(dreamer, picture()) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, dreamed(dreamer, picture(), key=(1, 0)))
    assert not np.array_equal(first, dreamed(replace(dreamer, seed=8), picture()))


def test_without_jitter_the_key_does_not_matter(dreamer: Dreamer) -> None:
    still = with_settings(dreamer, jitter=0)
    np.testing.assert_array_equal(dreamed(still, picture()), dreamed(still, picture(), key=(5, 5)))


def test_patches_larger_than_the_picture_change_nothing(dreamer: Dreamer) -> None:
    wide, wider = (with_settings(dreamer, tile=tile) for tile in (128, 1024))
    np.testing.assert_array_equal(dreamed(wide, picture()), dreamed(wider, picture()))


def test_a_patch_of_a_single_row_can_be_dreamed(dreamer: Dreamer) -> None:
    small = with_settings(dreamer, tile=32, overlap=0, octaves=1)
    assert dreamed(small, picture(33, 65), 1).shape == (33, 65, 3)


def test_a_picture_smaller_than_the_net_takes_is_dreamed(dreamer: Dreamer) -> None:
    choosy = replace(dreamer, net=replace(dreamer.net, min_size=96))
    source = picture(16, 20)
    assert np.abs(dreamed(choosy, source) - source).mean() > 0.01


@given(
    st.integers(16, 2000),
    st.integers(16, 2000),
    st.integers(1, 8),
    st.floats(1.01, 4),
)
def test_octaves_grow_to_the_very_size_and_keep_the_aspect(height, width, octaves, scale) -> None:
    sizes = octave_sizes(height, width, DreamSettings(octaves=octaves, octave_scale=scale))
    assert sizes[-1] == (height, width)
    assert sizes == sorted(sizes) and len(sizes) <= octaves
    for rows, cols in sizes[:-1]:
        assert min(rows, cols) >= SMALLEST_OCTAVE
        assert abs(rows * width - cols * height) <= (height + width) / 2 + 1e-6


def test_octaves_of_a_common_size() -> None:
    settings = DreamSettings(octaves=3, octave_scale=2)
    assert octave_sizes(180, 320, settings) == [(45, 80), (90, 160), (180, 320)]
    assert octave_sizes(100, 320, settings) == [(50, 160), (100, 320)]


def test_scores_are_told_octave_by_octave(dreamer: Dreamer) -> None:
    source = picture(80, 96)
    scores = octave_scores(dreamer, source)
    assert len(scores) == len(octave_sizes(80, 96, dreamer.settings)) == 2
    assert scores[-1] == score(dreamer, to_tensor(source, dreamer))


def change(dreamer: Dreamer, ease: Callable[[float], float]) -> float:
    """The mean change of one step on grey noise that no bound holds back."""
    image = to_tensor(0.4 + 0.2 * picture(), dreamer)
    return float((climb(dreamer, image, ease, (0, 0, 0, 0))[0] - image).abs().mean())


def test_a_step_changes_the_picture_by_its_size_and_ease_scales_it(dreamer: Dreamer) -> None:
    small = with_settings(dreamer, step_size=0.01)
    assert change(small, lambda score: 1.0) == pytest.approx(0.01, rel=1e-3)
    assert change(small, lambda score: 0.25) == pytest.approx(0.0025, rel=1e-3)
    assert change(small, lambda score: 0.0) == 0


def test_ease_is_told_the_octave_and_the_score_before_the_step(dreamer: Dreamer) -> None:
    still, source = with_settings(dreamer, jitter=0), picture(64, 80)
    told: list[tuple[int, float]] = []
    dream(still, source, None, Effort(2, lambda octave, score: told.append((octave, score)) or 0.0), KEY)
    assert [octave for octave, _ in told] == [0, 0, 1, 1]
    assert [score for _, score in told][::2] == pytest.approx(octave_scores(still, source), rel=1e-4)


def test_a_flat_score_leaves_the_picture_as_it_is(dreamer: Dreamer) -> None:
    flat = replace(dreamer, objective=0.0 * dreamer.objective)
    np.testing.assert_array_equal(dreamed(with_settings(flat, octaves=1), picture()), picture())


def bounded_memory(limit: int) -> Callable[..., tuple[Tensor, float]]:
    """A gradient that finds no memory for patches above a limit, as torch says it on a processor."""
    real = tiles.gradient

    def gradient(score: Callable, image: Tensor, tile: int, overlap: int) -> tuple[Tensor, float]:
        if min(tile, max(image.shape[-2:])) > limit:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: no")
        return real(score, image, tile, overlap)

    return gradient


def test_a_patch_that_does_not_fit_is_halved_said_once_and_remembered(
    dreamer: Dreamer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one = with_settings(dreamer, octaves=1, tile=512)
    source = picture(200, 256)
    wanted = dreamed(with_settings(one, tile=128), source)
    monkeypatch.setattr(tiles, "gradient", bounded_memory(128))
    with caplog.at_level(logging.WARNING):
        result, onward = dream(one, source, None, Effort(3), KEY)
    assert [record.message for record in caplog.records if record.levelno == logging.WARNING] == [
        "out of memory: going on in patches of 128 pixels (set dream.tile=128 to start so)"
    ]
    assert onward.settings.tile == 128 and onward.settings.overlap <= 64
    assert one.settings.tile == 512
    np.testing.assert_array_equal(result, wanted)


@pytest.mark.parametrize(("height", "width"), [(40, 40), (300, 200)])
def test_where_not_even_the_smallest_patch_fits_it_is_said(dreamer, monkeypatch, height: int, width: int) -> None:
    monkeypatch.setattr(tiles, "gradient", bounded_memory(0))
    with pytest.raises(SettingsError, match=r"does not fit in memory even in patches of \d\d") as error:
        dreamed(with_settings(dreamer, octaves=1), picture(height, width))
    assert "\n" not in str(error.value)


def test_an_error_that_is_not_about_memory_stays_what_it_is(dreamer: Dreamer, monkeypatch) -> None:
    def gradient(*_: object) -> None:
        raise RuntimeError("expected scalar type Float")

    monkeypatch.setattr(tiles, "gradient", gradient)
    with pytest.raises(RuntimeError, match="expected scalar type"):
        dreamed(dreamer, picture())


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_gradient_that_is_not_finite_is_the_nets_fault(dreamer: Dreamer, monkeypatch, bad: float) -> None:
    monkeypatch.setattr(tiles, "gradient", lambda score, image, *_: (torch.full_like(image, bad), 1.0))
    with pytest.raises(NetError, match="gradient of tiny is not finite"):
        dreamed(dreamer, picture())


@pytest.mark.parametrize("sigma", [0.3, 0.5, 2.0, 30.0])
def test_a_blur_keeps_the_mean_and_takes_away_contrast(sigma: float) -> None:
    image = torch.from_numpy(picture(64, 80)).permute(2, 0, 1)[None]
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


def test_a_blur_comes_after_every_so_many_steps(dreamer: Dreamer) -> None:
    second = with_settings(dreamer, blur_every=2, blur_sigma=1.0)
    image, ease = to_tensor(picture(), dreamer), lambda score: 0.0
    steps = [partial(climb, second, image, ease, (0, 0, 0, step)) for step in range(4)]
    assert [torch.equal(step()[0], image) for step in steps] == [True, False, True, False]


def energy_across(image: Image, lines: tuple[int, ...]) -> float:
    """Squared differences of the neighbours on both sides of these lines, rows and columns alike."""
    rows = sum(np.square(image[line] - image[line - 1]).mean() for line in lines if line < image.shape[0])
    return float(rows + sum(np.square(image[:, line] - image[:, line - 1]).mean() for line in lines))


@pytest.mark.parametrize("jitter", [0, 16])
def test_no_seam_shows_where_patches_meet(dreamer: Dreamer, jitter: int) -> None:
    one = with_settings(dreamer, octaves=1, jitter=jitter, step_size=0.03)
    spans = tiles.spans(224, 64, 32)
    lines = tuple({end for span in spans for end in (span.start, span.stop)} - {0, 224})
    ratios = []
    for seed in range(8):
        source = picture(160, 224, seed)
        tiled, whole = (dreamed(with_settings(one, tile=tile, overlap=32), source, 6) for tile in (64, 1024))
        ratios.append(energy_across(tiled, lines) / energy_across(whole, lines))
    assert np.mean(ratios) == pytest.approx(1, abs=0.02)
