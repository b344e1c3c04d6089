"""One picture dreamed: what comes back untouched, what is the same each time, and what happens when memory runs out."""

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from dreamvid.config.dream_settings import DreamSettings
from dreamvid.config.objective_settings import ObjectiveSettings
from dreamvid.core.errors import NetError, SettingsError
from dreamvid.core.types import Image
from dreamvid.dream import tiles
from dreamvid.dream.build_objectives import each_from_settings, from_settings
from dreamvid.dream.deepdream import (
    Dreamer,
    StepBudget,
    StepOptions,
    dream,
    gradient_step,
    octave_scores,
    score,
    to_tensor,
)
from dreamvid.dream.local_stats import GRID_CELLS
from dreamvid.dream.octaves import octave_sizes
from dreamvid.dream.step_rules import blurred
from dreamvid.dream.tiles import TileBudget
from dreamvid.models.net import Net
from dreamvid.models.prepare import prepare

KEY = (0, 0)


@pytest.fixture(scope="module")
def dreamer(tiny_net: Net) -> Dreamer:
    """Dreams the tiny net's second layer in two octaves."""
    objective = from_settings((), tiny_net)
    ready = prepare(tiny_net, objective.layers, torch.device("cpu"), torch.float32)
    return Dreamer(ready, objective, DreamSettings(octaves=2, jitter=4, blur_every=0), seed=7)


def with_settings(dreamer: Dreamer, **changes: object) -> Dreamer:
    """The same dreamer with other settings."""
    return replace(dreamer, settings=dreamer.settings.model_copy(update=changes), budget=TileBudget())


def picture(height: int = 48, width: int = 72, seed: int = 0) -> Image:
    """Seeded noise."""
    return np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)


def dreamed(dreamer: Dreamer, image: Image, steps: int = 3, key: tuple[int, ...] = KEY) -> Image:
    """The dream on a picture, fresh."""
    return dream(dreamer, image, None, StepBudget(steps), key)


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
    result = dream(dreamer, source, layer, StepBudget(0), KEY)
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
    dream(dreamer, source, layer, StepBudget(2), KEY)
    np.testing.assert_array_equal(source, copies[0])
    np.testing.assert_array_equal(layer, copies[1])


def test_a_dream_raises_its_score(dreamer: Dreamer) -> None:
    source = 0.3 + 0.4 * picture()
    before, after = (score(dreamer, to_tensor(image, dreamer)) for image in (source, dreamed(dreamer, source, 8)))
    assert after > 1.3 * before


def test_a_layer_is_dreamed_on_and_not_begun_again(dreamer: Dreamer) -> None:
    source = 0.3 + 0.4 * picture()
    layer = dreamed(dreamer, source, 4) - source
    onward = dream(dreamer, source, layer, StepBudget(1), (1, 0))
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
        assert min(rows, cols) >= DreamSettings().coarsest
        assert abs(rows * width - cols * height) <= (height + width) / 2 + 1e-6


def test_octaves_of_a_common_size() -> None:
    settings = DreamSettings(octaves=3, octave_scale=2)
    assert octave_sizes(180, 320, settings) == [(45, 80), (90, 160), (180, 320)]
    assert octave_sizes(100, 320, settings) == [(50, 160), (100, 320)]


def test_octaves_may_be_scales_of_the_frame_or_pixels_of_its_short_side() -> None:
    scales = DreamSettings(octaves=(0.1, 0.3, 0.55, 1))
    assert octave_sizes(180, 320, scales) == [(54, 96), (99, 176), (180, 320)]  # a tenth is too small
    pixels = DreamSettings(octaves=(16, 128, 256, 512))
    assert octave_sizes(360, 640, pixels) == [(128, 228), (256, 455), (360, 640)]
    assert octave_sizes(640, 256, pixels) == [(320, 128), (640, 256)]
    assert octave_sizes(1024, 512, pixels) == [(256, 128), (512, 256), (1024, 512)]
    assert octave_sizes(20, 30, pixels) == octave_sizes(20, 30, scales) == [(20, 30)]


@given(
    st.integers(16, 2000),
    st.integers(16, 2000),
    st.one_of(
        st.sets(st.floats(0.01, 0.99), max_size=5).map(lambda scales: (*sorted(scales), 1.0)),
        st.sets(st.integers(2, 3000), min_size=1, max_size=6).map(lambda pixels: tuple(sorted(pixels))),
    ),
)
def test_octaves_of_any_list_grow_to_the_very_size(height: int, width: int, octaves: tuple[float, ...]) -> None:
    sizes = octave_sizes(height, width, DreamSettings(octaves=octaves))
    assert sizes[-1] == (height, width) and sizes == sorted(sizes)
    assert len(sizes) <= len(octaves) + 1
    shorter = [min(size) for size in sizes[:-1]]
    assert all(DreamSettings().coarsest <= side <= min(height, width) for side in shorter)
    if octaves[-1] > 1:
        assert set(shorter) <= set(octaves)


def test_the_same_sizes_dream_the_same_however_they_are_said(dreamer: Dreamer) -> None:
    told = [{"octaves": 2, "octave_scale": 2.0}, {"octaves": (0.5, 1.0)}, {"octaves": (36, 999)}]
    first, *others = (dreamed(with_settings(dreamer, **how), picture(72, 96)) for how in told)
    for other in others:
        np.testing.assert_array_equal(first, other)


def test_scores_are_told_octave_by_octave_in_neighbourhoods(dreamer: Dreamer) -> None:
    source = picture(80, 96)
    grids = octave_scores(dreamer, source)
    assert len(grids) == len(octave_sizes(80, 96, dreamer.settings)) == 2
    assert all(len(grid) == GRID_CELLS for grid in grids)
    assert len(grids[-1][0]) == round(96 * GRID_CELLS / 80)
    assert np.mean(grids[-1]) == pytest.approx(score(dreamer, to_tensor(source, dreamer)), rel=0.1)


def change(dreamer: Dreamer, ease: Callable[[Tensor], Tensor] | None, **how: Any) -> npt.NDArray[np.float64]:
    """The mean change of each pixel in one step on grey noise that no bound holds back."""
    image = to_tensor(0.4 + 0.2 * picture(), dreamer)
    result = gradient_step(dreamer, image, (0, 0, 0, 0), StepOptions(ease, **how))
    return (result - image).abs().mean(dim=1)[0].double().numpy()


def test_a_step_changes_the_picture_by_its_size_and_ease_scales_it(dreamer: Dreamer) -> None:
    small = with_settings(dreamer, step_size=0.01)
    assert change(small, None).mean() == pytest.approx(0.01, rel=1e-3)
    assert change(small, torch.ones_like).mean() == pytest.approx(0.01, rel=1e-3)
    assert change(small, lambda grid: torch.full_like(grid, 0.25)).mean() == pytest.approx(0.0025, rel=1e-3)
    assert not change(small, torch.zeros_like).any()


def test_ease_scales_the_step_place_by_place(dreamer: Dreamer) -> None:
    def left_alone(grid: Tensor) -> Tensor:
        return torch.cat([torch.zeros_like(grid[..., :6]), torch.ones_like(grid[..., 6:])], dim=-1)

    small = with_settings(dreamer, step_size=0.01)
    part, whole = change(small, left_alone), change(small, None)
    assert not part[:, : whole.shape[1] // 4].any()
    np.testing.assert_allclose(part[:, -10:], whole[:, -10:], rtol=1e-4)


def test_balance_lifts_the_step_where_the_slope_is_gentle(dreamer: Dreamer) -> None:
    """A picture whose left half is nearly flat: there a plain step does little."""
    image = to_tensor(picture(96, 128), dreamer)
    image[..., :64] = 0.5 + 0.02 * (image[..., :64] - 0.5)
    ratios = []
    for balance in (0.0, 0.5, 1.0):
        result = gradient_step(
            with_settings(dreamer, step_size=0.002, jitter=0), image, (0, 0, 0, 0), StepOptions(balance=balance)
        )
        moved = (result - image).abs().mean(dim=1)[0]
        ratios.append(float(moved[:, :40].mean() / moved[:, 88:].mean()))
    assert ratios[0] < 0.7 * ratios[1] < 0.7 * ratios[2] < 1


def test_places_anew_take_a_longer_step_whatever_the_rest_does(dreamer: Dreamer) -> None:
    small = with_settings(dreamer, step_size=0.01)
    anew = torch.zeros(1, 1, *picture().shape[:2])
    anew[..., 10:30, 20:40] = 1
    inside = anew[0, 0].numpy() == 1
    alone = change(small, torch.zeros_like, anew=anew, stride=2.0)
    assert not alone[~inside].any()
    assert alone[inside].mean() == pytest.approx(0.02, rel=0.15)
    beside = change(small, None, anew=anew, stride=2.0)
    np.testing.assert_array_equal(beside[inside], alone[inside])
    np.testing.assert_array_equal(beside[~inside], change(small, None)[~inside])


def test_ease_is_told_the_octave_and_the_local_score_before_the_step(dreamer: Dreamer) -> None:
    still, source = with_settings(dreamer, jitter=0), picture(64, 80)
    told: list[tuple[int, Tensor]] = []

    def rest(octave: int, grid: Tensor) -> Tensor:
        told.append((octave, grid))
        return torch.zeros_like(grid)

    dream(still, source, None, StepBudget(2, rest), KEY)
    assert [octave for octave, _ in told] == [0, 0, 1, 1]
    for (_, grid), wanted in zip(told[::2], octave_scores(still, source), strict=True):
        torch.testing.assert_close(grid[0, 0], torch.tensor(wanted), rtol=1e-3, atol=1e-5)


def test_coarse_octaves_take_turns_beside_the_finest(dreamer: Dreamer, monkeypatch: pytest.MonkeyPatch) -> None:
    from dreamvid.dream import deepdream as module

    four = with_settings(dreamer, octaves=4, octave_scale=1.3)
    source = picture(90, 96)
    sizes = octave_sizes(90, 96, four.settings)
    assert len(sizes) == 4
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(
        module, "gradient_step", lambda dreamer, image, *rest: seen.append(tuple(image.shape[-2:])) or image
    )
    dreamed = []
    anew = np.ones((90, 96), np.float32)
    thorough = StepBudget(1, rotation=1, always=2, anew=anew, thorough=3)
    plain = (
        StepBudget(1),
        StepBudget(1, rotation=0),
        StepBudget(1, rotation=4),
        StepBudget(1, rotation=1, always=2),
        StepBudget(1, always=2),
    )
    for budget in (*plain, StepBudget(1, rotation=0, anew=anew), thorough):
        seen.clear()
        dream(four, source, None, budget, KEY)
        dreamed.append([sizes.index(size) for size in seen])
    assert dreamed == [
        [0, 1, 2, 3],
        [0, 3],
        [1, 3],
        [1, 2, 3],
        [0, 1, 2, 3],
        [0, 3],
        [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3,
    ]


def test_the_rest_of_the_picture_rests_while_places_are_dreamed_thoroughly(dreamer: Dreamer) -> None:
    two, source = with_settings(dreamer, octaves=2), 0.3 + 0.4 * picture(120, 160)
    anew = np.zeros((120, 160), np.float32)
    anew[80:100, 120:150] = 1
    rests = StepBudget(1, lambda _, score: torch.zeros_like(score), rotation=0, anew=anew, stride=3.0, thorough=2)
    moved = np.abs(dream(two, source, None, rests, KEY) - source).mean(axis=2)
    assert moved[80:100, 120:150].mean() > 3 * dreamer.settings.step_size
    far = np.ones_like(anew, bool)
    far[70:110, 110:160] = False  # the coarse octave reaches a few pixels over the edge
    assert not moved[far].any()


def test_a_flat_score_leaves_the_picture_as_it_is(dreamer: Dreamer) -> None:
    flat = replace(dreamer, objective=0.0 * dreamer.objective)
    np.testing.assert_array_equal(dreamed(with_settings(flat, octaves=1), picture()), picture())


ALLOCATOR = "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: no"


def bounded_memory(limit: int, said: str = ALLOCATOR) -> Callable[..., tuple[Tensor, Tensor]]:
    """A gradient that finds no memory for patches above a limit, as torch says it on a processor."""
    real = tiles.gradient

    def gradient(fields: Callable, image: Tensor, tile: int, overlap: int, *more: Any) -> tuple[Tensor, Tensor]:
        if min(tile, max(image.shape[-2:])) > limit:
            raise RuntimeError(said)
        return real(fields, image, tile, overlap, *more)

    return gradient


@pytest.mark.parametrize("said", [ALLOCATOR, "could not create a primitive"])
def test_a_patch_that_does_not_fit_is_halved_said_once_and_remembered(
    dreamer: Dreamer, said: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one = with_settings(dreamer, octaves=1, tile=512)
    source = picture(200, 256)
    wanted = dreamed(with_settings(one, tile=128), source)
    monkeypatch.setattr(tiles, "gradient", bounded_memory(128, said))
    with caplog.at_level(logging.WARNING):
        result = dream(one, source, None, StepBudget(3), KEY)
    assert [record.message for record in caplog.records if record.levelno == logging.WARNING] == [
        "out of memory: continuing in patches of 128 pixels (set dream.tile=128 to start so)"
    ]
    assert one.patch == (128, 64)
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
    monkeypatch.setattr(tiles, "gradient", lambda fields, image, *_: (torch.full_like(image, bad), image[:, :1]))
    with pytest.raises(NetError, match="gradient of tiny is not finite"):
        dreamed(dreamer, picture())


def test_a_blur_comes_after_every_so_many_steps(dreamer: Dreamer) -> None:
    second = with_settings(dreamer, blur_every=2, blur_sigma=1.0)
    image = to_tensor(picture(), dreamer)
    steps = [partial(gradient_step, second, image, (0, 0, 0, step), StepOptions(torch.zeros_like)) for step in range(4)]
    assert [torch.equal(step(), image) for step in steps] == [True, False, True, False]


def test_where_steps_are_few_each_blurs_by_its_share(dreamer: Dreamer) -> None:
    """A carried frame has one step: a blur in every fourth frame would be seen as a pulse."""
    fourth = with_settings(dreamer, blur_every=4, blur_sigma=1.0)
    image = to_tensor(picture(), dreamer)
    resting = StepOptions(torch.zeros_like, few=True)
    found = [gradient_step(fourth, image, (frame, 0, 0), resting) for frame in range(8)]
    wanted = torch.lerp(image, blurred(image, 1.0), 0.25)
    for frame in found:
        torch.testing.assert_close(frame, wanted)


def test_what_rests_is_not_blurred(dreamer: Dreamer) -> None:
    """Else a frame in which much is uncovered would be softer, all over, than those before and after it."""
    fourth = with_settings(dreamer, octaves=1, blur_every=4, blur_sigma=1.0)
    source, anew = picture(), np.zeros((48, 72), np.float32)
    anew[:, :20] = 1
    layer = dreamed(fourth, source) - source
    few = StepBudget(1, lambda octave, score: torch.zeros_like(score))
    much = replace(few, anew=anew, stride=1.0, thorough=6)
    plain, thorough = (dream(fourth, source, layer, budget, KEY) for budget in (few, much))
    assert np.array_equal(thorough[:, 30:], plain[:, 30:])
    assert not np.array_equal(thorough[:, :20], plain[:, :20])


def test_a_stronger_dream_takes_longer_steps(dreamer: Dreamer) -> None:
    image = to_tensor(picture(), dreamer)
    moves = [
        gradient_step(with_settings(dreamer, strength=s, clamp=False), image, (0, 0, 0)) - image for s in (1.0, 0.3)
    ]
    torch.testing.assert_close(0.3 * moves[0], moves[1], atol=1e-6, rtol=1e-4)


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


def test_objectives_take_turns_each_with_steps_of_its_own_size(tiny_net: Net, dreamer: Dreamer) -> None:
    terms = [ObjectiveSettings(layer="first", step_size=0.02), ObjectiveSettings(layer="third", step_size=0.002)]
    parts = each_from_settings(terms, tiny_net)
    both = parts[0] + parts[1]
    ready = prepare(tiny_net, both.layers, torch.device("cpu"), torch.float32)
    still = replace(dreamer, net=ready, objective=both)
    turns = replace(still, cycle=tuple(zip(parts, (0.02, 0.002), strict=True)))
    image = to_tensor(0.4 + 0.2 * picture(), dreamer)
    for step, (part, size) in enumerate(turns.cycle * 2):
        moved = gradient_step(turns, image, (0, 0, step))
        alone = with_settings(replace(still, objective=part), step_size=size)
        torch.testing.assert_close(moved, gradient_step(alone, image, (0, 0, step)))
        assert float((moved - image).abs().mean()) == pytest.approx(size, rel=1e-3)


def test_contrast_decays_towards_the_mean_colour_of_the_net(dreamer: Dreamer) -> None:
    image = to_tensor(picture(), dreamer)
    mean = dreamer.net.mean
    fading = with_settings(dreamer, decay=0.8)
    result = gradient_step(fading, image, (0, 0, 0), StepOptions(torch.zeros_like))
    torch.testing.assert_close(result - mean, 0.8 * (image - mean))


def test_without_bounds_values_leave_the_range(dreamer: Dreamer) -> None:
    source = picture()
    kept, free = (dreamed(with_settings(dreamer, step_size=0.3, clamp=clamp), source) for clamp in (True, False))
    assert kept.min() >= 0 and kept.max() <= 1
    assert free.min() < -0.1 and free.max() > 1.1


def test_source_colours_are_kept_while_the_light_changes(dreamer: Dreamer) -> None:
    source = 0.3 + 0.4 * picture()
    change = dreamed(with_settings(dreamer, keep_colours=True), source) - source
    np.testing.assert_allclose(change[..., 0], change[..., 1], atol=1e-6)
    np.testing.assert_allclose(change[..., 0], change[..., 2], atol=1e-6)
    assert np.abs(change).mean() > 0.5 * dreamer.settings.step_size


def test_the_picture_as_it_was_is_there_for_an_objective_that_holds_on_to_it(tiny_net: Net, dreamer: Dreamer) -> None:
    source = picture()
    layer = (0.2 * (picture(seed=5) - 0.5)).astype(np.float32)
    terms = [ObjectiveSettings(kind="source")]
    holding = replace(dreamer, objective=from_settings(terms, tiny_net))
    start = np.clip(source + layer, 0, 1)
    result = dream(with_settings(holding, octaves=1), source, layer, StepBudget(6), KEY)
    assert np.abs(result - source).mean() < 0.5 * np.abs(start - source).mean()


def held_in_a_layer(net: Net, dreamer: Dreamer, weight: float) -> Dreamer:
    """One that dreams the first layer and holds the third as the source has it."""
    terms = [ObjectiveSettings(layer="first"), ObjectiveSettings(kind="source", layer="third", weight=weight)]
    objective = from_settings(terms, net)
    ready = prepare(net, objective.of_picture, torch.device("cpu"), torch.float32)
    return replace(dreamer, net=ready, objective=objective)


def test_a_layer_is_kept_nearer_to_what_it_sees_of_the_source(tiny_net: Net, dreamer: Dreamer) -> None:
    source = 0.3 + 0.4 * picture()
    holding, free = (held_in_a_layer(tiny_net, dreamer, weight) for weight in (1.0, 0.0))

    def gone(result: Image) -> float:
        before, after = (free.net(to_tensor(image, free))["third"] for image in (source, result))
        return float((after - before).square().mean() / before.square().mean())

    held, loose = (dreamed(dreamer, source, steps=6) for dreamer in (holding, free))
    assert gone(held) < 0.6 * gone(loose)
    before, after = (score(free, to_tensor(image, free)) for image in (source, held))
    assert after > 1.2 * before  # it is dreamed all the same


def test_patches_of_picture_and_source_give_the_gradient_of_the_whole(tiny_net: Net, dreamer: Dreamer) -> None:
    fields = held_in_a_layer(tiny_net, dreamer, 1.0).fields
    image, source = (to_tensor(picture(224, 288, seed), dreamer) for seed in (1, 2))
    whole, value = tiles.gradient(fields, image, 512, 64, beside=source)
    slope, found = tiles.gradient(fields, image, 128, 64, beside=source)
    assert float((slope - whole).abs().mean()) <= 0.1 * float(whole.abs().mean())  # each patch by its own mean square
    assert float((found - value).abs().mean()) <= 0.1 * float(value.abs().mean())


def test_scores_of_a_dream_count_what_has_changed_from_the_source(tiny_net: Net, dreamer: Dreamer) -> None:
    holding = with_settings(held_in_a_layer(tiny_net, dreamer, 1.0), jitter=0, octaves=1)
    source = 0.3 + 0.4 * picture(80, 96)
    result, told = dreamed(holding, source), []

    def ease(octave: int, score: Tensor) -> Tensor:
        told.append(score[0, 0].numpy())
        return torch.ones_like(score)

    dream(holding, source, result - source, StepBudget(1, ease), KEY)
    (grid,) = octave_scores(holding, result, source)
    np.testing.assert_allclose(told[0], grid, rtol=1e-4)
    assert np.mean(grid) < np.mean(octave_scores(holding, result))


def test_a_unit_that_is_silent_is_woken(tiny_net: Net, dreamer: Dreamer) -> None:
    """Behind a ReLU that lets nothing through there is no slope, until it is asked what would."""
    source = np.full((48, 72, 3), 0.5, np.float32)
    everything = prepare(tiny_net, frozenset({"third"}), torch.device("cpu"), torch.float32)
    silent = [
        int(number) for number in range(16) if not everything(to_tensor(source, dreamer))["third"][0, number].any()
    ]
    term = ObjectiveSettings(kind="channel", layer="third", channels=(silent[0],))
    asleep = replace(dreamer, net=everything, objective=from_settings([term], tiny_net))
    assert score(asleep, to_tensor(source, dreamer)) == 0
    assert score(asleep, to_tensor(dreamed(asleep, source, steps=12), dreamer)) > 0


@pytest.mark.parametrize("tile", [1024, 96])
def test_a_unit_that_is_silent_in_places_is_woken_there(tiny_net: Net, dreamer: Dreamer, tile: int) -> None:
    """Within a tile as well; where it is not silent, its gradient is the plain one, to the bit."""
    ready = prepare(tiny_net, frozenset({"third"}), torch.device("cpu"), torch.float32)
    half = torch.full((1, 3, 128, 256), 0.5)
    half[..., 128:] = 0.2 + 0.6 * torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    seen = ready(half)["third"][0]
    columns = seen.shape[-1]
    number = next(n for n in range(16) if not seen[n, :, : columns // 3].any() and seen[n, :, columns // 2 :].any())
    term = ObjectiveSettings(kind="channel", layer="third", channels=(number,))
    objective = from_settings([term], tiny_net)
    asleep = with_settings(replace(dreamer, net=ready, objective=objective), tile=tile, overlap=0)
    slope, _ = tiles.gradient(asleep.fields, half, *asleep.patch)
    assert bool(slope[..., :64].any())
    assert torch.equal(slope, tiles.gradient(asleep.fields, half, *asleep.patch)[0])
    if tile > 256:
        plain = half.clone().requires_grad_(True)
        (expected,) = torch.autograd.grad(objective(ready(plain)), plain)
        awake = (expected != 0).any(dim=1, keepdim=True).expand_as(expected)
        assert not expected[..., :64].any()
        assert torch.equal(slope[awake], expected[awake])


def test_a_place_beyond_the_reach_of_a_neuron_is_not_silent() -> None:
    runs = []

    def fields(patch: Tensor) -> tuple[Tensor, ...]:
        runs.append(patch.shape)
        return (patch[:, :1, 4, 4].sum().view(1, 1, 1, 1),)

    slope, _ = tiles.gradient(fields, torch.rand(1, 3, 128, 128), 1024, 64)
    assert len(runs) == 1 and int((slope != 0).sum()) == 1
